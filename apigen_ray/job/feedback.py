"""Feedback: which verified samples of the rounds so far are kept as examples for later ones."""

import heapq
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.errors import ConfigError
from apigen_ray.records import Api, Example, Style, Verdict, dumps
from apigen_ray.rundir import RunDir
from apigen_ray.sampling import FeedbackSpec, load_seeds
from apigen_ray.sections import nearest
from apigen_ray.storage import write_text

_COLUMNS = ["sample_id", "style", "query", "answers", "api_ids"]
_ROWS = 16_384  # looked at together
_LAST = "~"  # comes after every id
_WORDS = re.compile(r"[^\W\d_]+")

_Key = tuple[str, str]  # style and function


def write_seeds(run: RunDir, round_: int, spec: FeedbackSpec, apis: Sequence[Api]) -> None:
    """Chooses the examples that the round after this one draws from, out of all verified samples up to here.

    For each style and function those with the smallest sample ids are kept, which are hashes: so chance chooses, and
    neither the order of writing nor an interruption has a say. Of queries that differ in numbers and values of
    arguments only, one is kept. What earlier rounds left is read from the file that the round before wrote.

    One pass over the round's verified samples; only what is kept so far is held.

    Args:
        run: the run directory.
        round_: a closed round; the ones before it have their file.
        spec: how many are kept, and of which styles and categories.
        apis: the library.
    """
    best = _Best(spec.per_api)
    for line in _lines(run, round_ - 1):
        seed = json.loads(line)
        first = (seed["answers"] or seed["tools"])[0]
        best.add((seed["style"], first["name"]), seed["sample_id"], seed["query"], seed["answers"], line)
    wanted = {f"{style}\x1f{api.name}" for style in Style for api in apis if spec.weight_of(style, api.category) > 0}
    tools = {api.api_id: dumps(api.tool()) for api in apis}
    for row in _promising(run, round_, best, wanted, apis):
        head = f'{{"sample_id":"{row["sample_id"]}","style":"{row["style"]}","query":{dumps(row["query"])}'
        offered = ",".join(tools[api_id] for api_id in row["api_ids"])
        line = f'{head},"tools":[{offered}],"answers":{row["answers"]}}}'
        best.add(row["key"], row["sample_id"], row["query"], json.loads(row["answers"]), line)
    write_text(run.seeds(round_), "".join(line + "\n" for line in best.lines(spec.size)))


def read_seeds(run: RunDir, round_: int, apis: Sequence[Api]) -> tuple[Example, ...]:
    """The verified samples that a round draws examples from: those that the round before it left.

    Raises:
        RecordError: they cannot be read.
    """
    return load_seeds(run.seeds(round_ - 1), apis) if round_ else ()


def check_feedback(spec: FeedbackSpec, apis: Sequence[Api]) -> None:
    """Refuses a weight for a category that the library does not have.

    Raises:
        ConfigError: names the category and the nearest right one.
    """
    known = sorted({api.category for api in apis if api.category})
    for category in spec.categories:
        if category not in known:
            raise ConfigError(
                f"sampling.feedback.categories: no function is in {category!r}{nearest(category, known)}",
                f"the library's categories: {', '.join(known) or 'none'}; sampling.categories puts functions into some",
            )


class _Best:
    """The samples kept so far: of each style and function those of the smallest ids, each of another shape.

    Args:
        count: how many for each.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: dict[_Key, dict[str, tuple[str, str]]] = defaultdict(dict)

    def bound(self, key: _Key) -> str:
        """Ids from here on need not be added."""
        kept = self._kept.get(key, {})
        return max(kept.values())[0] if len(kept) == self._count else _LAST

    def add(self, key: _Key, sample_id: str, query: str, answers: list[Any], line: str) -> None:
        """Keeps a sample if it is among the best."""
        if sample_id >= self.bound(key):
            return
        kept, shape = self._kept[key], _shape(query, answers)
        kept[shape] = min((sample_id, line), kept.get(shape, (_LAST, "")))
        if len(kept) > self._count:
            del kept[max(kept, key=lambda name: kept[name])]

    def lines(self, size: int) -> list[str]:
        """At most so many: the first of every style and function come before any second."""
        ranked = ((rank, *sample) for kept in self._kept.values() for rank, sample in enumerate(sorted(kept.values())))
        return [line for _, _, line in heapq.nsmallest(size, ranked)]


def _promising(
    run: RunDir, round_: int, best: _Best, wanted: set[str], apis: Sequence[Api]
) -> Iterator[dict[str, Any]]:
    """Rows of the round that may be among the best, with their ``key``."""
    ids, names = pa.array([api.api_id for api in apis]), pa.array([api.name for api in apis])
    for table in run.read(_COLUMNS, rounds=[round_], verdicts=[str(Verdict.VERIFIED)]):
        for batch in table.to_batches(max_chunksize=_ROWS):
            called = pc.struct_field(pc.extract_regex(batch["answers"], r'^\[\{"name":"(?P<name>[^"]*)"'), "name")
            first = pc.binary_join(pc.list_slice(batch["api_ids"], 0, 1), "")
            function = pc.coalesce(called, names.take(pc.index_in(first, ids)))
            keys = pc.binary_join_element_wise(batch["style"], function, "\x1f").dictionary_encode()
            pairs = [str(key).split("\x1f") for key in keys.dictionary.to_pylist()]
            bounds = [best.bound((style, name)) if f"{style}\x1f{name}" in wanted else "" for style, name in pairs]
            hopeful = pc.less(batch["sample_id"], pa.array(bounds, pa.string()).take(keys.indices))
            rows = pa.table(batch).append_column("key", keys.cast(pa.string())).filter(hopeful)
            for row in rows.to_pylist():
                yield row | {"key": tuple(row["key"].split("\x1f"))}


def _shape(query: str, answers: list[Any]) -> str:
    """A query's words without those of its calls' values: "2 kg to lb?" and "5 kg to lb?" have one shape."""
    values = set(_WORDS.findall(" ".join(_texts([call["arguments"] for call in answers])).casefold()))
    return " ".join(word for word in _WORDS.findall(query.casefold()) if word not in values)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _lines(run: RunDir, round_: int) -> list[str]:
    """What a round left; none came before the first."""
    return [line for line in run.seeds(round_).read_text("utf-8").split("\n") if line] if round_ >= 0 else []
