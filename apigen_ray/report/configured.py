"""What a page reads of a run's resolved config: its library, and what tokens cost."""

from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from apigen_ray.engines.priced import Price
from apigen_ray.errors import InputError
from apigen_ray.rundir import RunDir
from apigen_ray.storage import read_text


class _Engine(BaseModel):
    """A generator or the judge."""

    name: str = "judge"
    price_per_million: Price | None = None


class Configured(BaseModel):
    """The sections that are read; a verification has no generators, and a merged run no config.

    Attributes:
        library: where the functions came from, as it stands there: sources may have changed since.
        generators: the engines that wrote.
        judge: the one that judged.
    """

    library: Any = None
    generators: list[_Engine] | None = None
    judge: _Engine | None = None

    def prices(self) -> Mapping[str, Price]:
        """Those that are known, by the name of the generator, or ``judge``."""
        every = [*(self.generators or ()), *([self.judge] if self.judge else ())]
        return {one.name: one.price_per_million for one in every if one.price_per_million}


def configured(run: RunDir) -> Configured:
    """Reads a run's config; all of it is empty where there is none.

    Raises:
        InputError: it is not the config of a run: a person may have had it in their hands.
    """
    try:
        return Configured.model_validate(yaml.safe_load(read_text(run.config_path)))
    except FileNotFoundError:
        return Configured()
    except (ValueError, yaml.YAMLError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else " ".join(str(error).split())
        raise InputError(f"{run.config_path}: is not the config of a run ({reason})", "restore it") from error
