"""What each engine of a run was asked, read and wrote, how long it took and what it cost."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.config import REPLIES
from apigen_ray.engines.priced import Price
from apigen_ray.records import Json, Verdict
from apigen_ray.report.summary import Summary

ASKS = tuple(name for name in REPLIES if name != "reply")
"""Columns of a judge's replies, one for each thing that it is asked."""

_FIELDS = ("prompt_tokens", "completion_tokens", "seconds", "error")
COLUMNS = ["generator", "pair", *(f"{reply}.{field}" for reply in REPLIES for field in _FIELDS)]
"""The columns that `Spending.add` reads, and the fields of them."""


@dataclass
class Spent:
    """What one engine did of one kind.

    Attributes:
        replies: how often it was asked; a generator's reply counts once, in however many samples it was split.
        failed: of these, how often it gave an error in place of a reply.
        prompt_tokens: tokens read.
        completion_tokens: tokens written.
        seconds: from submission to the last token, queues included, summed over replies that overlap.
    """

    replies: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Read and written."""
        return self.prompt_tokens + self.completion_tokens


class Spending:
    """Sums of `Spent`, in one pass.

    Attributes:
        generators: by the generator's name.
        asks: by what the judge was asked: one of `ASKS`.
    """

    def __init__(self) -> None:
        self.generators: dict[str, Spent] = {}
        self.asks: dict[str, Spent] = {}

    def add(self, table: pa.Table) -> None:
        """Counts a batch of samples."""
        first = table.filter(pc.equal(pc.fill_null(table["pair"], 0), 0))
        for generator in pc.unique(first["generator"]).to_pylist():
            mine = pc.is_null(first["generator"]) if generator is None else pc.equal(first["generator"], generator)
            _add(self.generators, generator or "", first.filter(mine)["reply"])
        for ask in ASKS:
            _add(self.asks, ask, table[ask])


def spending_rows(spending: Spending, summary: Summary, engines: Json, prices: Mapping[str, Price]) -> list[list[str]]:
    """A row for each engine and what it was asked, and the total.

    Args:
        spending: the sums.
        summary: of the same samples.
        engines: as the manifest names them.
        prices: of their tokens, by the same names, as far as they are known.

    Returns:
        Name, engine, replies, failed, tokens read, tokens written, mean seconds, tokens for each verified sample, cost.
    """
    rows, costs, every = [], [], Spent()
    parts = [(name, name, spent) for name, spent in spending.generators.items()]
    parts += [("judge", f"judge: {ask}", spent) for ask, spent in spending.asks.items()]
    for engine, name, spent in parts:
        verified = summary.verdicts[name] if name in summary.verdicts else None
        good = summary.total(str(Verdict.VERIFIED)) if verified is None else verified[str(Verdict.VERIFIED)]
        price = prices.get(engine)
        cost = price.of(spent.prompt_tokens, spent.completion_tokens) if price else None
        form = engines.get(engine, {})
        rows.append(
            _row(name or "(none)", f"{form.get('engine', '')} {form.get('model', '')}".strip(), spent, good, cost)
        )
        costs.append(cost if spent.tokens else 0.0)
        for field in fields(Spent):
            setattr(every, field.name, getattr(every, field.name) + getattr(spent, field.name))
    known = [cost for cost in costs if cost is not None]
    total = sum(known) if len(known) == len(costs) else None
    return [*rows, _row("total", "", every, summary.total(str(Verdict.VERIFIED)), total)]


def _row(name: str, engine: str, spent: Spent, verified: int, cost: float | None) -> list[str]:
    each = f"{spent.tokens / verified:,.0f}" if verified else "-"
    seconds = f"{spent.seconds / spent.replies:,.1f}" if spent.replies and spent.seconds else "-"
    counts = (spent.replies, spent.failed, spent.prompt_tokens, spent.completion_tokens)
    return [name, engine, *(f"{n:,}" for n in counts), seconds, each, "-" if cost is None else f"{cost:,.2f}"]


def _add(sums: dict[str, Spent], name: str, replies: pa.ChunkedArray) -> None:
    given = replies.drop_null()
    if not len(given):
        return
    one = sums.setdefault(name, Spent())
    one.replies += len(given)
    one.failed += len(given) - pc.struct_field(given, "error").null_count
    for field in ("prompt_tokens", "completion_tokens", "seconds"):
        total = pc.sum(pc.struct_field(given, field).cast(pa.float64() if field == "seconds" else pa.int64()))
        setattr(one, field, getattr(one, field) + (total.as_py() or 0))
