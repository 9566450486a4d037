"""What a run came to, counted from its Parquet files: the filter table, the funnel, codes, tokens."""

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.config import REPLIES, STAGES, VERDICTS
from apigen_ray.records import EARLIER_STAGE, Json, Status, Verdict
from apigen_ray.rundir import RunDir

SECURITY_CODES = ("forbidden", "quarantined")
"""Codes of `apigen_ray.runners.base.CODES` that a security event leaves."""


@dataclass
class Summary:
    """Counts over all samples of a run; each table sums to ``samples``.

    Attributes:
        samples: rows in ``samples/``.
        verdicts: rows by generator and verdict.
        stages: rows by stage, status and code.
        styles: rows by style and verdict.
        modes: rows by execution mode and verdict; of those only that the execution stage spoke on.
        prompt_tokens: tokens read by generators and judges.
        completion_tokens: tokens written by them.
    """

    samples: int = 0
    verdicts: dict[str, Counter[str]] = field(default_factory=dict)
    stages: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    styles: dict[str, Counter[str]] = field(default_factory=dict)
    modes: dict[str, Counter[str]] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def total(self, verdict: str) -> int:
        """Rows of a verdict, over all generators."""
        return sum(counts[verdict] for counts in self.verdicts.values())

    def pass_rate(self, generator: str | None = None) -> float | None:
        """Verified over drafts less errors: the paper's figure; None where nothing was judged."""
        chosen = self.verdicts.values() if generator is None else [self.verdicts[generator]]
        judged = sum(sum(c.values()) - c[str(Verdict.ERROR)] for c in chosen)
        return sum(c[str(Verdict.VERIFIED)] for c in chosen) / judged if judged else None

    def error_share(self) -> float:
        """Rows that we could not judge, over all rows."""
        return self.total(str(Verdict.ERROR)) / self.samples if self.samples else 0.0

    def statuses(self, stage: str) -> Counter[str]:
        """Rows that reached a stage by what it said of them; those that it was not asked for are ``skipped``."""
        counts: Counter[str] = Counter()
        for (status, code), rows in self.stages.get(stage, Counter()).items():
            if (status, code) != (Status.SKIPPED, EARLIER_STAGE):
                counts[status] += rows
        return counts

    def codes(self, stage: str, status: str) -> list[tuple[str, int]]:
        """Rows to which a stage gave this status, by code, the commonest first."""
        counts = self.stages.get(stage, Counter())
        found = [(code, rows) for (said, code), rows in counts.items() if said == status]
        return sorted(found, key=lambda item: (-item[1], item[0]))

    def security_events(self) -> dict[str, int]:
        """Rows that the execution stage rejected for a forbidden system call, their own or their source's; by code."""
        counts = self.stages.get("execution", Counter())
        rows = {code: counts[str(Status.REJECTED), code] for code in SECURITY_CODES}
        return {code: number for code, number in rows.items() if number}

    def simulated(self) -> int:
        """Verified rows with a call that was not made: what it gave back is made up."""
        return self.modes.get("simulate", Counter())[str(Verdict.VERIFIED)]

    def form(self) -> Json:
        """The JSON form, as ``result.json`` and ``apigen report --json`` give it."""
        return {
            "samples": self.samples,
            "verified": self.total(str(Verdict.VERIFIED)),
            "pass_rate": self.pass_rate(),
            "error_share": self.error_share(),
            "security_events": self.security_events(),
            "execution_modes": {mode: sum(counts.values()) for mode, counts in sorted(self.modes.items())},
            "verified_simulated": self.simulated(),
            "filter_table": {
                generator: {
                    "drafts": sum(counts.values()),
                    **{name: counts[name] for name in VERDICTS},
                    "pass_rate": self.pass_rate(generator),
                }
                for generator, counts in sorted(self.verdicts.items())
            },
            "stages": {
                stage: [
                    {"status": status, "code": code, "rows": rows}
                    for (status, code), rows in sorted(self.stages[stage].items(), key=lambda item: (-item[1], item[0]))
                ]
                for stage in STAGES
                if stage in self.stages
            },
            "styles": {style: dict(counts) for style, counts in sorted(self.styles.items())},
            "tokens": {"prompt": self.prompt_tokens, "completion": self.completion_tokens},
        }


def summarise(run: RunDir) -> Summary:
    """Counts the live sample files of a run, finished or not; memory is flat."""
    summary = Summary()
    status_columns = [f"{stage}_{part}" for stage in STAGES for part in ("status", "code")]
    numbers = ("prompt_tokens", "completion_tokens")
    columns = ["generator", "style", "verdict", "pair", "execution_mode", *status_columns]
    columns += [f"{reply}.{name}" for reply in REPLIES for name in numbers]
    for table in run.read(columns):
        summary.samples += table.num_rows
        for generator, verdict, rows in _counts(table, ["generator", "verdict"]):
            summary.verdicts.setdefault(generator or "", Counter())[verdict] += rows
        for style, verdict, rows in _counts(table, ["style", "verdict"]):
            summary.styles.setdefault(style or "", Counter())[verdict] += rows
        for mode, verdict, rows in _counts(table, ["execution_mode", "verdict"]):
            if mode:
                summary.modes.setdefault(mode, Counter())[verdict] += rows
        for stage in STAGES:
            for status, code, rows in _counts(table, [f"{stage}_status", f"{stage}_code"]):
                summary.stages.setdefault(stage, Counter())[status or "", code or ""] += rows
        first = table.filter(pc.equal(pc.fill_null(table["pair"], 0), 0))  # a generator's reply is paid once
        for reply in REPLIES:
            paid = (first if reply == "reply" else table)[reply]
            for name in numbers:
                tokens = pc.sum(pc.struct_field(paid, name)).as_py() or 0
                setattr(summary, name, getattr(summary, name) + tokens)
    return summary


def _counts(table: pa.Table, names: list[str]) -> list[tuple[str, str, int]]:
    groups = table.select(names).group_by(names).aggregate([([], "count_all")])
    return [tuple(row[name] for name in [*names, "count_all"]) for row in groups.to_pylist()]
