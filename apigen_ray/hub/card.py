"""The dataset card: README.md of the folder, made from the run by the template that lies beside this file."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import yaml

from apigen_ray.config import STAGES, VERDICTS
from apigen_ray.errors import EnvironmentFault
from apigen_ray.export.base import Export
from apigen_ray.export.files import Files
from apigen_ray.export.run import described
from apigen_ray.hub.layout import COLUMNS, NO_STYLE, PUBLISHED, HubExport
from apigen_ray.hub.licences import head_of, restriction
from apigen_ray.hub.origins import FAKE, Origin
from apigen_ray.records import Json, Status, Verdict
from apigen_ray.report.markdown import filter_rows
from apigen_ray.report.summary import Summary

if TYPE_CHECKING:
    from jinja2 import Template

EVERYTHING = "default"
"""The config of all rows."""

_TYPES = {field.name: "list of strings" if field.name == "api_ids" else str(field.type) for field in PUBLISHED}

_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
_SIZE_WORDS = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")


class DatasetCard:
    """Makes README.md; see `apigen_ray.export.run.Card`.

    Args:
        export: what writes the rows.
        repo: where it goes, ``owner/name``.
        licence: of the data set.
        origins: models and sources.
        config: of the run.
        manifest: of the run.
        summary: what the run came to.
    """

    def __init__(
        self,
        export: HubExport,
        repo: str,
        licence: str,
        origins: Sequence[Origin],
        config: Json,
        manifest: Json,
        summary: Summary,
    ) -> None:
        self.export, self.repo, self.licence, self.origins = export, repo, licence, origins
        self.config, self.manifest, self.summary = config, manifest, summary
        self.judged = manifest.get("kind") == "verify"

    def __call__(self, form: Json, _: Export, files: Files) -> str:
        """The text of a card.

        Raises:
            EnvironmentFault: jinja2 is not installed.
        """
        return _template().render(head=self._head(form, files), **self._facts(form, files))

    def _head(self, form: Json, files: Files) -> str:
        """YAML that the Hub and ``datasets.load_dataset`` read."""
        counts = _counts(files)
        splits = [split for split in form["splits"] if form["rows"][split]]
        styles = sorted({style for style, _ in counts})
        configs = {EVERYTHING: "*"} | {style: style for style in styles}
        found = {
            config: [split for split in splits if config == EVERYTHING or counts[config, split]] for config in configs
        }
        total = sum(form["rows"].values())
        head: Json = {
            **head_of(self.licence),
            **({"language": ["en"]} if self._in_english() else {}),
            "pretty_name": " ".join(form["run"].split()),
            "task_categories": ["text-generation"],
            "tags": ["function-calling", "tool-use", "apigen-ray", *([] if self.judged else ["apigen", "synthetic"])],
            "size_categories": [_SIZE_WORDS[sum(total >= size for size in _SIZES)]],
            "configs": [
                {
                    "config_name": config,
                    "description": described(form),
                    "data_files": [{"split": s, "path": f"data/{folder}/{s}-*.parquet"} for s in found[config]],
                }
                for config, folder in configs.items()
            ],
            "dataset_info": [
                {
                    "config_name": config,
                    "features": self.export.features(config),
                    "splits": [
                        {
                            "name": split,
                            "num_bytes": _sum(self.export.bytes, config, split),
                            "num_examples": _sum(counts, config, split),
                        }
                        for split in found[config]
                    ],
                }
                for config in configs
            ],
        }
        return yaml.safe_dump(head, sort_keys=False, allow_unicode=True).rstrip("\n")

    def _facts(self, form: Json, files: Files) -> Json:
        counts = _counts(files)
        parts = self.config.get("merged", [self.config])
        splits = [split for split in form["splits"] if form["rows"][split]]
        asked = [stage for stage in STAGES if stage in self.manifest.get("stages", [])]
        total, checked = sum(form["rows"].values()), parts if "semantic" in asked else ()
        return {
            "form": form,
            "repo": self.repo,
            "licence": self.licence,
            "total": total,
            "verdicts": sorted(self.export.verdicts.items(), key=lambda item: VERDICTS.index(item[0])),
            "fallen": total - self.export.verdicts[Verdict.VERIFIED],
            "splits": splits,
            "styles": sorted({style for style, _ in counts}),
            "shown": min(style for style, split in counts if split == splits[0]),
            "counts": counts,
            "functions": len(self.export.functions),
            "diversity": self.export.diversity.form(None),
            "origins": self.origins,
            "restrictions": [
                (origin, words) for origin in self.origins if (words := restriction(origin.licence or ""))
            ],
            "own_restriction": restriction(self.licence),
            "table": filter_rows(self.summary),
            "summary": self.summary.form(),
            "stages": [(stage, _passed(self.summary, stage)) for stage in asked],
            "skipped": [stage for stage in STAGES if stage not in asked],
            "checks": sorted({check for part in checked for check in part.get("semantic", {}).get("checks", ())}),
            "modes": sorted({part["sampling"]["mode"] for part in parts if "sampling" in part}),
            "rounds": len({*self.manifest.get("closed", {})}),
            "judged": self.judged,
            "seed": self.manifest.get("seed"),
            "columns": [(name, _TYPES[name], words) for name, words in COLUMNS.items()],
            "fakes": {origin.role for origin in self.origins if origin.what == FAKE},
            "unknown": NO_STYLE,
        }

    def _in_english(self) -> bool:
        """Our templates ask in English; with templates or records of others nobody has looked."""
        parts = self.config.get("merged", [self.config])
        return all("sampling" in part and not part["sampling"].get("templates") for part in parts)


@cache
def _template() -> "Template":
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError as error:
        raise EnvironmentFault("the card needs jinja2", "pip install 'apigen-ray[hub]'") from error
    environment = Environment(  # noqa: S701 - what is made is Markdown, and what others wrote in it is quoted
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"cell": _cell, "number": "{:,}".format, "share": "{:.2f}".format}
    return environment.from_string(resources.files(__package__).joinpath("card.md.j2").read_text("utf-8"))


def _counts(files: Files) -> Counter[tuple[str, str]]:
    """Rows by style and split."""
    counts = Counter[tuple[str, str]]()
    for part, rows in files.rows.items():
        counts[part.config, part.split] += rows
    return counts


def _sum(counts: Counter[tuple[str, str]], config: str, split: str) -> int:
    return sum(rows for (style, name), rows in counts.items() if name == split and config in (EVERYTHING, style))


def _passed(summary: Summary, stage: str) -> tuple[int, int]:
    """Rows that a stage passed, and those that it judged."""
    counts = summary.stages.get(stage, Counter[tuple[str, str]]())
    passed, rejected = (
        sum(rows for (said, _), rows in counts.items() if said == status) for status in (Status.PASSED, Status.REJECTED)
    )
    return passed, passed + rejected


def _cell(value: object) -> str:
    """A text that stands in a line or a table of Markdown as it is: no tag, link, picture or bar comes of it."""
    return re.sub(r"([\\`*\[\]<|~])", r"\\\1", " ".join(str(value).split()))
