"""How a library is prepared: the sections that ``apigen library prepare --config`` reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator

from apigen_ray.engines import EngineSpec
from apigen_ray.library.prepared import STEPS
from apigen_ray.records import Json
from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.sections import Section, nearest, parse_sections, read_sections


class PrepareSpec(Section):
    """What is done to a library's entries, and with what.

    Attributes:
        steps: which of `apigen_ray.library.prepared.STEPS` are asked for; the others say ``skipped: not_requested``.
        execution: how calls are made; ``methods`` of its section ``rest`` says which may be made at all.
        writer: the engine that writes descriptions and chooses categories; None: what needs one is not asked for.
        tries: calls with different values before an endpoint is given up.
        min_words: words that a description must have.
        lexicons: YAML files of values for parameters; they win over ours.
    """

    steps: tuple[str, ...] = STEPS
    execution: ExecutionSpec = ExecutionSpec()
    writer: EngineSpec | None = None
    tries: int = Field(default=3, ge=1, le=20)
    min_words: int = Field(default=2, ge=1, le=50)
    lexicons: tuple[Path, ...] = ()

    @field_validator("steps")
    @classmethod
    def _known(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        for step in steps:
            if step not in STEPS:
                raise ValueError(f"there is no {step!r}{nearest(step, STEPS)}; known: {', '.join(STEPS)}")
        return tuple(step for step in STEPS if step in steps)

    @classmethod
    def load(
        cls, path: Path | None = None, *, allow_hosts: Sequence[str] = (), steps: Sequence[str] | None = None
    ) -> Self:
        """Reads a YAML file, if there is one; what is given beside it counts more.

        Args:
            path: a file with any of this class's sections.
            allow_hosts: more hosts for ``execution.rest.allow_hosts``.
            steps: names of steps, in any order.

        Raises:
            ConfigError: names the file, the field and the mend.
        """
        value: Json = read_sections(path) if path is not None else {}
        if steps is not None:
            value["steps"] = list(steps)
        spec = parse_sections(cls, value, path)
        if not allow_hosts:
            return spec
        rest = spec.execution.rest
        hosts = {"allow_hosts": [*rest.allow_hosts, *allow_hosts]}
        execution = spec.execution.model_dump() | {"rest": rest.model_dump() | hosts}
        return parse_sections(cls, spec.model_dump() | {"execution": execution}, path)
