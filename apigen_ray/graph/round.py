"""The graph of one round: plan, execute what was planned, generate, persist, split, verify, sink."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import ray

from apigen_ray.asks.base import Ask, DraftAsk, Row
from apigen_ray.config import SAMPLE
from apigen_ray.engines.base import Engine
from apigen_ray.graph import stages
from apigen_ray.graph.ids import Ids
from apigen_ray.graph.judged import Judged, fill, judged_before, persist
from apigen_ray.graph.leases import leases_for
from apigen_ray.graph.records import input_graph
from apigen_ray.graph.resume import Left, left_over, unfinished
from apigen_ray.graph.shared import ARROW, KEPT, Shared
from apigen_ray.graph.stopping import Stop, unless
from apigen_ray.graph.tally import TALLY
from apigen_ray.records import DRAFT, Request
from apigen_ray.rundir import RunDir
from apigen_ray.sampling import Planner
from apigen_ray.verifiers import VERIFIERS, Setting, Verifier
from apigen_ray.verifiers.stages import reached

if TYPE_CHECKING:
    from ray.data import Dataset


@dataclass(frozen=True)
class Drafting:
    """What a round needs to draft.

    Attributes:
        planner: samples the prompts.
        size: prompts for each generator.
        generators: engines by name.
        asks: the generator's ask for each mode; all are called ``reply``.
    """

    planner: Planner
    size: int
    generators: Mapping[str, Engine]
    asks: Mapping[str, DraftAsk]


@dataclass(frozen=True)
class Judging:
    """What a round needs to verify.

    Attributes:
        setting: what the verifiers are built from.
        stages: names of the stages asked for.
        judge: answers what the verifiers need to ask; None where none asks.
    """

    setting: Setting
    stages: tuple[str, ...]
    judge: Engine | None = None

    def engines(self) -> list[Engine]:
        """The judge, once for each ask that it answers: each is an engine of its own."""
        asks = [ask for kind in VERIFIERS if kind.name in self.stages for ask in kind(self.setting).needs]
        return [self.judge] * len(asks) if self.judge is not None else []


def round_graph(
    run: RunDir,
    round_: int,
    drafting: Drafting,
    judging: Judging,
    blocks: int | None = None,
    stop: Stop | None = None,
) -> "Dataset":
    """The graph of a round, from wherever an earlier attempt left it.

    Prompts without a committed reply are generated; drafts, new and committed, are split, and samples that have no
    verdict yet (or ``error``) are verified. Where an earlier attempt was of a larger size, what it drafted beyond this
    size stays as it is, and is not verified anew.

    Args:
        run: the run directory.
        round_: number of the round.
        drafting: how to draft.
        judging: how to verify.
        blocks: of the plan; None chooses. The plan is the same on any number.
        stop: once it is asked for, the graph runs dry: nothing more is planned or read, nobody is asked anything more.

    Returns:
        A dataset of `tally.TALLY` rows, to be consumed: consuming it does the work.
    """
    planner = Shared(drafting.planner)
    left = left_over(run, round_, planner, list(drafting.generators), drafting.size)
    pieces = []
    if left.prompts:
        pieces.append(_drafted(run, round_, drafting, judging, planner, left, blocks, stop))
    if left.drafts:
        read = partial(unfinished, size=drafting.size, finished=left.finished)
        pieces.append(input_graph(left.drafts, read, DRAFT, stop))
    if not pieces:
        return ray.data.from_arrow(TALLY.empty_table())
    rows = pieces[0] if len(pieces) == 1 else pieces[0].union(*pieces[1:])
    asks = Shared(dict(drafting.asks))
    samples = rows.map_batches(partial(_split, asks=asks, done=left.partial), **ARROW)
    return verify_graph(run, round_, samples, judging, stop)


def verify_graph(run: RunDir, round_: int, samples: "Dataset", judging: Judging, stop: Stop | None = None) -> "Dataset":
    """Samples through every stage into ``samples/``; what a judge says is in ``judged/`` before it is used.

    Args:
        run: the run directory.
        round_: number of the round.
        samples: rows of `config.SAMPLE` on which no stage has spoken.
        judging: how to verify.
        stop: once it is asked for, the judge is asked nothing more; samples that it was to be asked about are left out.

    Returns:
        A dataset of `tally.TALLY` rows, to be consumed.
    """
    setting = _setting(judging)
    waiting: list[int] = []  # stages that need no engine are one task
    for number, kind in enumerate(VERIFIERS):
        needs = kind(judging.setting).needs if kind.name in judging.stages else ()
        if needs and judging.judge is not None:
            samples = _verified(samples, waiting, setting, judging.stages)
            waiting = []
            for ask in needs:
                folder = run.judged(round_) / f"ask={ask.name}"
                before = judged_before(folder)
                if before is not None:
                    samples = samples.map_batches(partial(_fill, name=ask.name, judged=before), **ARROW)
                where = partial(_to_judge, number=number, ask=ask)
                keep = partial(_persist, name=ask.name, folder=str(folder), judged=before, where=where, stop=stop)
                samples = judging.judge.attach(samples, ask, unless(stop, where), SAMPLE, keep)
        waiting.append(number)
    samples = _verified(samples, waiting, setting, judging.stages)
    return samples.map_batches(partial(stages.sink, folder=str(run.samples(round_))), **ARROW)


def _drafted(
    run: RunDir,
    round_: int,
    drafting: Drafting,
    judging: Judging,
    planner: Shared[Planner],
    left: Left,
    blocks: int | None,
    stop: Stop | None,
) -> "Dataset":
    names = list(drafting.generators)
    rows = ray.data.range(left.prompts, override_num_blocks=blocks or _blocks(left.prompts)).map_batches(
        partial(
            _plan,
            planner=planner,
            round_=round_,
            generators=names,
            size=drafting.size,
            positions=left.positions,
            stop=stop,
        ),
        **ARROW,
    )
    setting = _setting(judging)
    rows = rows.map_batches(partial(_execute_planned, setting=setting, wanted=judging.stages), **ARROW)
    ask = _ByMode(drafting.asks)
    for name, engine in drafting.generators.items():
        where = partial(stages.to_ask, generator=name, asks=drafting.asks)
        keep = partial(_keep, generator=name, folder=str(run.drafts(round_)), wanted=where, stop=stop)
        rows = engine.attach(rows, ask, unless(stop, where), DRAFT, keep)
    return rows


def _setting(judging: Judging) -> Shared[Setting]:
    """What workers build the verifiers from; where they call hosts, with what these bear, for all workers together."""
    setting = judging.setting
    return Shared(replace(setting, leases=leases_for(setting.execution, setting.apis.values())))


def _blocks(total: int) -> int:
    """Blocks of 16 to 512 prompts, up to 200 of them: small enough that the first rows come out early."""
    return -(-total // min(512, max(16, total // 200)))


class _ByMode:
    """The generator's ask: that of the row's mode."""

    name = "reply"

    def __init__(self, asks: Mapping[str, DraftAsk]) -> None:
        self._asks = asks

    def wanted(self, row: Row) -> bool:
        return self._asks[row["mode"]].wanted(row)

    def request(self, row: Row) -> Request:
        return self._asks[row["mode"]].request(row)


def _plan(
    ids: pa.Table,
    planner: Shared[Planner],
    round_: int,
    generators: Sequence[str],
    size: int,
    positions: Shared[np.ndarray] | None,
    stop: Stop | None,
) -> pa.Table:
    if stop is not None and stop.asked():
        return DRAFT.empty_table()
    places = ids["id"].to_numpy()
    if positions is not None:
        places = positions.get()[places]
    return stages.plan(places.tolist(), planner.get(), round_, generators, size)


def _keep(table: pa.Table, generator: str, folder: str, wanted: Callable[[Row], bool], stop: Stop | None) -> pa.Table:
    return _asked(stages.persist(table, generator, folder), "reply", wanted, stop)


def _asked(table: pa.Table, name: str, wanted: Callable[[Row], bool], stop: Stop | None) -> pa.Table:
    # exactly where an engine may have asked nobody: what it knew of the stop is known here too
    if stop is None or not table[name].null_count or not stop.asked(fresh=True):
        return table
    return stages.without_unasked(table, name, wanted)


def _execute_planned(table: pa.Table, setting: Shared[Setting], wanted: Sequence[str]) -> pa.Table:
    return stages.execute_planned(table, setting.get(), wanted)


def _split(table: pa.Table, asks: Shared[dict[str, DraftAsk]], done: Shared[Ids]) -> pa.Table:
    return stages.split(table, asks.get(), done.get(), SAMPLE)


def _verified(samples: "Dataset", numbers: Sequence[int], setting: Shared[Setting], wanted: Sequence[str]) -> "Dataset":
    if not numbers:
        return samples
    return samples.map_batches(partial(_verify, numbers=tuple(numbers), setting=setting, wanted=tuple(wanted)), **ARROW)


def _verify(table: pa.Table, numbers: Sequence[int], setting: Shared[Setting], wanted: Sequence[str]) -> pa.Table:
    return stages.verify(table, [_verifier(number, setting) for number in numbers], wanted)


_built: OrderedDict[tuple[int, str], Verifier] = OrderedDict()


def _verifier(number: int, setting: Shared[Setting]) -> Verifier:
    """A verifier is built once in each worker process: it may hold compiled schemas or a pool."""
    key = (number, setting.key)
    if key not in _built:
        _built[key] = VERIFIERS[number](setting.get())
        while len(_built) > KEPT:
            _built.popitem(last=False)
    _built.move_to_end(key)
    return _built[key]


def _to_judge(row: Row, number: int, ask: Ask) -> bool:
    """Whether a row is to be judged: it reached the stage, the ask wants it, and an earlier attempt had no reply."""
    return row[ask.name] is None and reached(row, [kind.name for kind in VERIFIERS[:number]]) and ask.wanted(row)


def _fill(table: pa.Table, name: str, judged: Shared[Judged]) -> pa.Table:
    return fill(table, name, judged.get())


def _persist(
    table: pa.Table,
    name: str,
    folder: str,
    judged: Shared[Judged] | None,
    where: Callable[[Row], bool],
    stop: Stop | None,
) -> pa.Table:
    table = persist(table, name, folder, judged.get() if judged is not None else None)
    return _asked(table, name, where, stop)
