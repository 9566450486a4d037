"""The seed-example sampler: few-shot pairs of the wanted style, away from the offered functions."""

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from apigen_ray.errors import RecordError
from apigen_ray.library.validator import UNCOMPILABLE, compiled
from apigen_ray.records import Api, Call, Example, Json, Style, content_hash, dumps
from apigen_ray.storage import AnyPath

OUR_SEEDS = Path(__file__).parents[1] / "library" / "seeds.jsonl"
"""The file of our own seed pairs."""
PLAIN_SEEDS = OUR_SEEDS.with_name("seeds_plain.jsonl")
"""The file of plain ones, which keep the words of the function's name: a small model copies a manner, not many."""

_FORM = 'one line is {"style", "query", "tools": [names or tools], "answers": [{"name", "arguments"}]}'
_KEYS = {"style", "query", "tools", "answers", "sample_id"}
_REACH = 4  # how many more examples than needed are looked at for ones whose functions are not offered


_Seed = tuple[frozenset[str], str, str]  # names of its functions, its id, its JSON text


class SeedPool:
    """Examples prepared for drawing: seeds, and verified samples of earlier rounds beside them.

    Args:
        seeds: drawn evenly; their order counts.
        earlier: verified samples of earlier rounds; their order counts.
        weights: how often each of these is drawn, all above 0.
        share: for each style the share of examples that is drawn from ``earlier``.
    """

    def __init__(
        self,
        seeds: Sequence[Example],
        earlier: Sequence[Example] = (),
        weights: Sequence[float] = (),
        share: Mapping[Style, float] | None = None,
    ) -> None:
        self._share = dict(share or {})
        self._seeds: dict[Style, list[_Seed]] = {}
        self._earlier: dict[Style, list[_Seed]] = {}
        self._sums: dict[Style, list[float]] = {}  # of the weights so far, for drawing by bisection
        for seed in seeds:
            self._seeds.setdefault(seed.style, []).append(_prepared(seed))
        for sample, weight in zip(earlier, weights, strict=True):
            self._earlier.setdefault(sample.style, []).append(_prepared(sample))
            sums = self._sums.setdefault(sample.style, [])
            sums.append((sums[-1] if sums else 0.0) + weight)

    def draw(self, style: Style, count: int, offered: Collection[str], rng: random.Random) -> tuple[list[str], str]:
        """Up to ``count`` examples of the style; first those of functions not offered, and each of another function.

        Args:
            style: the style wanted; seeds of other styles are never shown.
            count: how many at most.
            offered: names of the offered functions.
            rng: where chance comes from.

        Returns:
            The seed ids, and the JSON list of ``{"query", "answers", "tools"}``.
        """
        seen = set(offered)
        chosen: list[_Seed] = []
        kept_back = []
        for seed in self._candidates(style, _REACH * count, rng):
            if len(chosen) == count:
                break
            if seen.isdisjoint(seed[0]):
                seen |= seed[0]
                chosen.append(seed)
            else:
                kept_back.append(seed)
        kept_back.sort(key=lambda seed: not seed[0].isdisjoint(offered))  # at worst one of an offered function
        chosen += kept_back[: count - len(chosen)]
        return [seed_id for _, seed_id, _ in chosen], "[" + ",".join(text for _, _, text in chosen) + "]"

    def _candidates(self, style: Style, count: int, rng: random.Random) -> list[_Seed]:
        """Up to ``count`` of both kinds, mixed in the style's share; at the end what one has more than the other."""
        seeds = self._seeds.get(style, [])
        seeds = rng.sample(seeds, min(len(seeds), count))
        earlier = self._earlier.get(style, [])
        if not earlier or not count:
            return seeds
        drawn = dict.fromkeys(rng.choices(range(len(earlier)), cum_weights=self._sums[style], k=count))
        kinds = seeds[::-1], [earlier[place] for place in drawn][::-1]
        mixed = []
        while all(kinds):
            mixed.append(kinds[rng.random() < self._share[style]].pop())
        return [*mixed, *kinds[0][::-1], *kinds[1][::-1]]


def _prepared(seed: Example) -> _Seed:
    answers = [call.form() for call in seed.answers]
    text = dumps({"query": seed.query, "answers": answers, "tools": list(seed.tools)})
    names = frozenset(call.name for call in seed.answers) or frozenset(str(tool["name"]) for tool in seed.tools)
    return names, seed.seed_id, text


def function_of(seed: Example) -> str:
    """The name of the function that a seed speaks of: the first called, or without a call the first offered."""
    return seed.answers[0].name if seed.answers else str(seed.tools[0]["name"]) if seed.tools else ""


def load_seeds(path: AnyPath, library: Sequence[Api]) -> tuple[Example, ...]:
    """The seed pairs of a JSONL file, each checked against the tools that it offers.

    Args:
        path: a UTF-8 file with a JSON object a line ``{"style", "query", "tools", "answers"}``; ``tools`` holds names
            of the library or whole tools, and may be left out where the library has the functions of the answers.
            A run's own ``seeds/`` name the ``sample_id`` too, so that such a file may be given to another run.
        library: where names are looked up.

    Raises:
        RecordError: the file cannot be read, or a line is not of that form; the message has file and line.
    """
    by_name = {api.name: api for api in library}
    return tuple(_example(form, by_name, where) for where, form in _lines(path))


def seeds_digest(seeds: Sequence[Example]) -> str:
    """Content hash of a seed pool in its order, for the run's fingerprint."""
    parts = (part for seed in seeds for part in (seed.style, seed.seed_id, dumps(list(seed.tools))))
    return content_hash("seeds", *parts)


def _lines(path: AnyPath) -> Iterator[tuple[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(f"seeds: {path}: cannot be read: {error}", "give a JSONL file in UTF-8") from error
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"seeds: {path}:{number}"
        if line.strip():
            try:
                yield where, json.loads(line)
            except ValueError as error:
                raise RecordError(f"{where}: is not JSON: {error}", _FORM) from error


def _example(form: Any, library: Mapping[str, Api], where: str) -> Example:
    if not isinstance(form, dict):
        raise RecordError(f"{where}: is not an object", _FORM)
    if unknown := sorted(form.keys() - _KEYS):
        raise RecordError(f"{where}: unknown field {unknown[0]!r}", _FORM)
    style, query = form.get("style"), form.get("query")
    if style not in set(Style):
        raise RecordError(f"{where}: style: {style!r} is no style", f"use one of {', '.join(Style)}")
    if not isinstance(query, str) or not query.strip():
        raise RecordError(f"{where}: query: is no text", _FORM)
    answers = _answers(form.get("answers"), where)
    named = form.get("tools", list(dict.fromkeys(call.name for call in answers)))
    if not isinstance(named, list):
        raise RecordError(f"{where}: tools: is not a list", _FORM)
    tools = {tool["name"]: tool for tool in (_tool(item, library, where) for item in named)}
    for call in answers:
        if call.name not in tools:
            raise RecordError(
                f"{where}: answers: {call.name!r} is not among the tools", "offer every function that is called"
            )
        try:
            compiled(tools[call.name]["parameters"]).validate(call.arguments)
        except UNCOMPILABLE as error:
            problem = str(error).splitlines()[0]
            raise RecordError(f"{where}: answers: {call.name}: {problem}", "mend the arguments or the tool") from error
    return Example(Style(style), query, answers, tuple(tools.values()))


def _answers(value: Any, where: str) -> tuple[Call, ...]:
    if not isinstance(value, list):
        raise RecordError(f"{where}: answers: is not a list", _FORM)
    for call in value:
        if (
            not isinstance(call, dict)
            or not isinstance(call.get("name"), str)
            or not isinstance(call.get("arguments"), dict)
        ):
            raise RecordError(f"{where}: answers: a call is not {{name, arguments}}", _FORM)
    return tuple(Call(call["name"], call["arguments"]) for call in value)


def _tool(item: Any, library: Mapping[str, Api], where: str) -> Json:
    if isinstance(item, str):
        if item not in library:
            raise RecordError(
                f"{where}: tools: the library has no {item!r}", "write the whole tool, or correct the name"
            )
        return library[item].tool()
    if (
        not isinstance(item, dict)
        or not isinstance(item.get("name"), str)
        or not isinstance(item.get("parameters"), dict)
    ):
        raise RecordError(f"{where}: tools: an entry is neither a name nor a tool", _FORM)
    return {"name": item["name"], "description": str(item.get("description", "")), "parameters": item["parameters"]}
