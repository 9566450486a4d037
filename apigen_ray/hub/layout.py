"""``hub``: the rows as Parquet shards by style and split, with the columns that are worth publishing."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.config import SAMPLE, STAGES
from apigen_ray.export.files import Files, Part
from apigen_ray.export.plain import feature
from apigen_ray.records import Json, dumps
from apigen_ray.report.census import read_calls
from apigen_ray.report.diversity import Diversity

SHARD_BYTES = 256 << 20
"""Of a shard's rows in memory; on disk it is several times smaller."""

GROUP_BYTES = 16 << 20
"""Of a row group in memory: what a reader, or the Hub's viewer, has to take at a time."""

NO_STYLE = "unknown"
"""The config of rows whose style is not known, as those of ``apigen verify`` may be."""

_MEANINGS = {
    "query": "the request",
    "tools": "JSON list of the offered functions: `name`, `description`, `parameters` (JSON Schema 2020-12)",
    "answers": "JSON list of the calls that answer it: `name`, `arguments`; `[]` where no function can",
    "results": "JSON list of what each call gave back: `status`, `value`; `code` if it failed; `simulated` if not made",
    "style": "`simple`, `multiple`, `parallel`, `parallel_multiple` or `irrelevance`; null where not known",
    "verdict": "`verified`, or what the row fell at",
    "sample_id": "content hash: the same config and seed, the same id",
    "source_id": "the id that a record came with, where records were judged that others wrote",
    "run": "the run that the row came from, where runs were merged",
    "round": "number of the round, from 0; verified rows of one are examples of the next",
    "generator": "which of the models below was asked",
    "mode": "`call_first`: calls were drawn and executed, the model phrased them; `query_first`: it wrote both",
    "template": "name of the prompt template",
    "api_ids": "content hashes of the offered functions, in their order",
    "execution_mode": "`live`, `record` or `replay`: real answers; `simulate`: made up; `none`: no call was made",
    **{f"{stage}_{part}": "" for stage in STAGES for part in ("status", "code")},
    "likelihood": "mean log-probability (nats) of the query's tokens given its calls, where it was asked for",
}
"""What is published, in this order. Left out: raw replies, judges' words and free texts of the stages, those in
``results`` too (they may name hosts and paths of the machine, and are other models' outputs), and how the prompt was
made (``examples``, ``candidates``, ``planned``), which is large and stays in the run."""

_STAGE = {
    "status": "`passed`, `rejected`, `error` (not judged), or `skipped`: not asked for, or an earlier stage ended it",
    "code": "why it did not pass, else empty",
}

COLUMNS = {name: words or _STAGE[name.rpartition("_")[2]] for name, words in _MEANINGS.items()}
"""The published columns with what they hold."""

PUBLISHED = pa.schema([SAMPLE.field(name) if name != "likelihood" else (name, pa.float32()) for name in COLUMNS])
"""The schema of every shard."""

_COUNTED = ["sample_id", "query", "answers", "style", "template"]


class HubExport:
    """A folder as the Hugging Face Hub takes it: Parquet shards, a config for each style, a dataset card.

    Files are called ``data/<style>/<split>-00000-of-00002.parquet``. Rows stand once: the config ``default``, all of
    them, is a glob over the others' files. An instance makes one folder; see `apigen_ray.export.base.Export`.

    Args:
        beside: texts of files that stand beside the rows, by their names.

    Attributes:
        bytes: of the rows in memory, by config and split.
        verdicts: of the rows.
        functions: ids of the functions that are offered in them.
        diversity: of the rows.
    """

    name: ClassVar[str] = "hub"
    columns: ClassVar[tuple[str, ...]] = (*(name for name in COLUMNS if name != "likelihood"), "semantic_words")
    with_results: ClassVar[bool] = False

    def __init__(self, beside: Mapping[str, str]) -> None:
        self._beside = beside
        self.bytes: Counter[tuple[str, str]] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.functions: set[str] = set()
        self.diversity = Diversity()
        self._shards: dict[tuple[str, str], list[Part]] = {}
        self._held: dict[tuple[str, str], list[pa.Table]] = {}
        self._filled: Counter[Part] = Counter()

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Holds the rows until they fill a row group; nothing is left out."""
        self.verdicts.update(rows["verdict"].to_pylist())
        self.functions.update(pc.unique(pc.list_flatten(rows["api_ids"])).to_pylist())
        for row in rows.select(_COUNTED).to_pylist():
            if row["query"]:
                about = {"style": row["style"] or "", "template": row["template"] or "", "category": ""}
                self.diversity.add(row["sample_id"], row["query"], read_calls(row["answers"]), **about)
        styles = pc.fill_null(rows["style"], NO_STYLE)
        published = _published(rows)
        for style in pc.unique(styles).to_pylist():
            key = (style, split)
            self._held.setdefault(key, []).append(published.filter(pc.equal(styles, style)))
            if sum(table.nbytes for table in self._held[key]) >= GROUP_BYTES:
                self._flush(key, files)
        return Counter()

    def features(self, config: str) -> list[Json] | None:
        """The same columns in every config."""
        return [feature(field) for field in PUBLISHED]

    def finish(self, files: Files) -> None:
        """Writes what is held and what stands beside, and names the shards by how many they are."""
        for name, text in self._beside.items():
            files.write(name, text)
        for key in sorted(self._held):
            self._flush(key, files)
        for (style, split), parts in sorted(self._shards.items()):
            for number, part in enumerate(parts):
                files.rename(part, f"data/{style}/{split}-{number:05d}-of-{len(parts):05d}.parquet")

    def _flush(self, key: tuple[str, str], files: Files) -> None:
        tables = self._held.pop(key)
        table = pa.concat_tables(tables).combine_chunks()
        style, split = key
        parts = self._shards.setdefault(key, [])
        if not parts or self._filled[parts[-1]] + table.nbytes > SHARD_BYTES:
            parts.append(Part(f"data/{style}/{split}-{len(parts):05d}.parquet", split, style))
        files.add_table(parts[-1], table)
        self._filled[parts[-1]] += table.nbytes
        self.bytes[key] += table.nbytes


def _published(rows: pa.Table) -> pa.Table:
    words = [json.loads(text) if text else {} for text in rows["semantic_words"].to_pylist()]
    figures = pa.array([said.get("likelihood", {}).get("logprob") for said in words], pa.float32())
    results = pa.array([text and _without_details(text) for text in rows["results"].to_pylist()], pa.string())
    rows = rows.set_column(rows.column_names.index("results"), "results", results)
    return rows.append_column("likelihood", figures).select(PUBLISHED.names).cast(PUBLISHED)


def _without_details(results: str) -> str:
    """Outcomes without the words that ``execution_detail`` is made of."""
    outcomes = json.loads(results)
    return dumps([{key: value for key, value in outcome.items() if key != "detail"} for outcome in outcomes])
