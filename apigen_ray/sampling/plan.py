"""The plan: for each (round, generator, index) one prompt, the same whatever blocks or machines the indices come in."""

import random
from collections.abc import Sequence

from apigen_ray.errors import LibraryError, RecordError
from apigen_ray.records import Api, Example, Json, Mode, Style, content_hash, dumps
from apigen_ray.sampling.apis import ApiIndex, Walk
from apigen_ray.sampling.lexicons import Lexicons
from apigen_ray.sampling.seeds import SeedPool, function_of
from apigen_ray.sampling.spec import SamplingSpec
from apigen_ray.sampling.styles import possible, style_at
from apigen_ray.sampling.templates import Templates
from apigen_ray.sampling.values import Arguments


class Planner:
    """Draws prompts; picklable, and cheap to call: indexes, pools and JSON texts are made once, here.

    Args:
        spec: the config section ``sampling``.
        apis: the library; its order counts.
        seeds: the seed pool; its order counts.
        templates: from `load_templates`; every style that is drawn needs one of the spec's mode.
        lexicons: from `load_lexicons`; read in ``call_first`` only.
        run_fingerprint: what, beside round, generator and index, makes a prompt's id.
        seed: the run's seed.
        earlier: the verified samples of earlier rounds that ``spec.feedback`` keeps; their order counts.

    Attributes:
        styles: weights of the styles that are drawn: those asked for, less those that this library cannot serve.
        unserved: the styles asked for that this library cannot serve, such as ``multiple`` with one function.
        undrawable: names of functions that are never called in ``call_first``, because no value can be made for a
            required parameter; they are still offered as distractors.

    Raises:
        LibraryError: no style that is asked for can be served by the library.
        RecordError: a style has no template, or a lexicon does not fit its parameter.
    """

    def __init__(
        self,
        spec: SamplingSpec,
        apis: Sequence[Api],
        seeds: Sequence[Example],
        templates: Templates,
        lexicons: Lexicons,
        run_fingerprint: str,
        seed: int,
        earlier: Sequence[Example] = (),
    ) -> None:
        if not apis:
            raise LibraryError("the library is empty", "name a source that holds at least one function")
        self._spec = spec
        self._fingerprint = run_fingerprint
        self._seed = seed
        self._templates = templates
        self._names = [api.name for api in apis]
        self._api_ids = [api.api_id for api in apis]
        self._tools = [dumps(api.tool()) for api in apis]
        category = {api.name: api.category for api in apis}
        weights = [spec.feedback.weight_of(sample.style, category.get(function_of(sample))) for sample in earlier]
        self._seeds = SeedPool(seeds, earlier, weights, {style: spec.feedback.share_of(style) for style in Style})
        self._arguments = [Arguments(api, lexicons) for api in apis] if spec.mode == Mode.CALL_FIRST else []
        self._offers = ApiIndex(apis)
        self._targets = self._targets_of(apis)
        self._fit = {style: frozenset(positions) for style, positions in self._targets.items()}
        self._called = ApiIndex(apis, self._targets[Style.SIMPLE])
        self._walks: dict[tuple[int, str], Walk] = {}

        self.undrawable = [name for place, name in enumerate(self._names) if place not in self._fit[Style.SIMPLE]]
        several = len(set(self._names)) > 1
        lacking = [style for style in Style if not self._targets[style]]
        if not several:
            lacking += [Style.MULTIPLE, Style.PARALLEL_MULTIPLE] + [Style.IRRELEVANCE] * (spec.mode == Mode.CALL_FIRST)
        self.styles = possible(spec.styles, lacking)
        self.unserved = [style for style, weight in spec.styles.items() if weight > 0 and style in lacking]
        if not self.styles:
            raise LibraryError(
                f"the library of {len(apis)} functions cannot serve the styles {', '.join(self.unserved)}",
                "add functions with typed parameters, or ask for `simple`",
            )
        for style in self.styles:
            if not templates.get((spec.mode, style)):
                mend = f"add a file {spec.mode}/{style}/<name>.md to a folder of sampling.templates"
                raise RecordError(f"no template for {spec.mode} {style}", mend)

    def rows(self, round: int, generator: str, indices: Sequence[int]) -> list[Json]:
        """Rows with the columns of `apigen_ray.records.PLAN`, less those that are known only after execution.

        Args:
            round: which round, from 0.
            generator: name of the generator that is to answer.
            indices: the prompts' indices within round and generator, in any order.
        """
        offset = self._rng(round, generator, 0, "style offset").random()
        return [self._row(round, generator, index, offset) for index in indices]

    def prompt_ids(self, round: int, generator: str, indices: Sequence[int]) -> list[str]:
        """The ids that `rows` gives to these prompts, without drawing them."""
        return [content_hash(self._fingerprint, generator, round, index) for index in indices]

    def _row(self, round: int, generator: str, index: int, offset: float) -> Json:
        spec = self._spec
        style = style_at(index, self.styles, offset)
        rng = self._rng(round, generator, index, "apis")
        target = self._target(round, generator, index, style, rng)
        offered = self._offered(style, target, rng)
        names = [self._names[position] for position in offered]
        template = self._rng(round, generator, index, "template").choice(self._templates[spec.mode, style])
        rng = self._rng(round, generator, index, "seeds")
        seed_ids, examples = self._seeds.draw(style, rng.randint(*spec.examples), names, rng)
        rng = self._rng(round, generator, index, "calls")
        by_code = spec.mode == Mode.CALL_FIRST
        return {
            "prompt_id": self.prompt_ids(round, generator, [index])[0],
            "round": round,
            "generator": generator,
            "index": index,
            "style": str(style),
            "mode": str(spec.mode),
            "template": template.name,
            "pairs": 1 if by_code else rng.randint(*spec.pairs),
            "api_ids": [self._api_ids[position] for position in offered],
            "tools": "[" + ",".join(self._tools[position] for position in offered) + "]",
            "seed_ids": seed_ids,
            "examples": examples,
            "candidates": self._candidates(style, target, offered, rng) if by_code else None,
        }

    def _rng(self, round: int, generator: str, index: int, purpose: str) -> random.Random:
        key = content_hash(self._seed, generator, round, index, purpose)
        return random.Random(key)  # noqa: S311 - a reproducible plan, not a secret

    def _targets_of(self, apis: Sequence[Api]) -> dict[Style, list[int]]:
        """The positions that each style may call."""
        everything = list(range(len(apis)))
        if self._spec.mode == Mode.QUERY_FIRST:
            with_parameters = [position for position in everything if apis[position].parameters.get("properties")]
            return dict.fromkeys(Style, everything) | {Style.PARALLEL: with_parameters}
        rng = random.Random("trial")  # noqa: S311 - a reproducible plan, not a secret
        drawable = [position for position in everything if self._arguments[position].draw(rng) is not None]
        twice = [position for position in drawable if self._arguments[position].draw_several(rng, 2) is not None]
        return dict.fromkeys(Style, drawable) | {
            Style.PARALLEL: twice,
            Style.PARALLEL_MULTIPLE: drawable if len({self._names[position] for position in drawable}) > 1 else [],
        }

    def _target(self, round: int, generator: str, index: int, style: Style, rng: random.Random) -> int:
        """The function that the walk visits; where the style cannot use it, another one at random."""
        walk = self._walks.get((round, generator))
        if walk is None:
            key = content_hash(self._seed, generator, round, "walk")
            walk = self._walks[round, generator] = Walk(self._targets[Style.SIMPLE], key)
        target = walk.at(index)
        return target if target in self._fit[style] else rng.choice(self._targets[style])

    def _offered(self, style: Style, target: int, rng: random.Random) -> list[int]:
        """The offered functions in a shuffled order, so that the place of the answer tells nothing."""
        count = rng.randint(*self._spec.apis)
        if style in (Style.SIMPLE, Style.PARALLEL):
            return [target]
        if style == Style.PARALLEL_MULTIPLE:
            offered = [target, *self._called.related(target, count - 1, rng)]
        elif style == Style.MULTIPLE:
            offered = [target, *self._offers.related(target, count - 1, rng)]
        elif self._spec.mode == Mode.CALL_FIRST:  # irrelevance: the target is asked for and not offered
            offered = self._offers.unrelated(target, count, rng)
        else:
            offered = [target, *self._offers.related(target, count - 1, rng)]
        rng.shuffle(offered)
        return offered

    def _candidates(self, style: Style, target: int, offered: Sequence[int], rng: random.Random) -> str:
        """JSON list of different ``{"calls", "api_ids"}``; empty where no values could be drawn."""
        several = style in (Style.PARALLEL, Style.PARALLEL_MULTIPLE)
        count = rng.randint(*self._spec.calls) if several else 1
        found: dict[str, None] = {}  # in the order of drawing
        for _ in range(2 * self._spec.candidates):
            if len(found) == self._spec.candidates:
                break
            if style == Style.PARALLEL_MULTIPLE:
                chosen = rng.sample(offered, min(count, len(offered)))
                chosen = sorted(chosen + [rng.choice(chosen) for _ in range(count - len(chosen))], key=chosen.index)
            else:
                chosen = [target] * count
            if (calls := self._calls(chosen, rng)) is not None:
                found[calls] = None
        return "[" + ",".join(found) + "]"

    def _calls(self, chosen: Sequence[int], rng: random.Random) -> str | None:
        """Calls to the functions, equal ones side by side; fewer to one function where its values do not reach."""
        positions: list[int] = []
        calls: list[Json] = []
        for position in dict.fromkeys(chosen):
            drawn = None
            for count in range(chosen.count(position), 1, -1):
                drawn = drawn or self._arguments[position].draw_several(rng, count)
            if drawn is None:
                if len(set(chosen)) == 1 < len(chosen):
                    return None  # one call is not parallel
                single = self._arguments[position].draw(rng)
                drawn = [] if single is None else [single]
            if not drawn:
                return None
            positions += [position] * len(drawn)
            calls += [{"name": self._names[position], "arguments": arguments} for arguments in drawn]
        return dumps({"calls": calls, "api_ids": [self._api_ids[position] for position in positions]})
