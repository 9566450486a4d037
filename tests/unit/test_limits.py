"""When a run must end before it is done: budgets, the breaker, the hang."""

from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import SAMPLE, LimitsSpec
from apigen_ray.engines.priced import Price
from apigen_ray.errors import RunFailedError, RunStoppedError
from apigen_ray.graph.tally import TALLY, tally
from apigen_ray.job.limits import LEAST, WINDOW, Breaker, Guard, Meter, look_back
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

Row = dict[str, Any]

PRICES = {"a": Price(prompt=1, completion=10), "free": None}
JUDGE = Price(prompt=100, completion=1000)


def told(**values: Any) -> Row:
    """A row of `TALLY`."""
    numbers = dict.fromkeys(TALLY.names[4:], 0)
    return {"generator": "a", "verdict": "verified", "stage": "", "code": "", **numbers, **values}


def reply(prompt: int, completion: int) -> Row:
    return {"text": "some", "prompt_tokens": prompt, "completion_tokens": completion}


def sample(index: int, verdict: str = "verified", pair: int | None = 0, generator: str = "a", **values: Any) -> Row:
    ids = {"sample_id": f"{index:020d}{pair or 0:04d}", "index": index, "pair": pair, "generator": generator}
    return ids | {"verdict": verdict, "reply": reply(10, 2)} | values


# Counting


def test_a_tally_has_each_reply_once_and_each_judge_apart() -> None:
    judged = {"judge": reply(100, 3), "roundtrip": reply(50, 4)}
    rows = [
        sample(1, **judged),
        sample(1, pair=1, **judged),  # the same reply of the generator, judged again
        sample(2, "fail_format", format_status="rejected", format_code="not_json"),
        sample(3, "error", grounding_status="skipped", semantic_status="error", semantic_code="engine_error"),
        sample(4, "error", reply=None, format_status="error", format_code="engine_error", pair=None),
    ]
    out = tally(table_of(rows, SAMPLE))
    assert out.schema == TALLY
    found = {(row["verdict"], row["stage"], row["code"]): row for row in out.to_pylist()}
    assert {key: (row["rows"], row["prompts"]) for key, row in found.items()} == {
        ("verified", "", ""): (2, 1),
        ("fail_format", "format", "not_json"): (1, 1),
        ("error", "semantic", "engine_error"): (1, 1),
        ("error", "format", "engine_error"): (1, 1),
    }
    good = found["verified", "", ""]
    assert [good[name] for name in TALLY.names[6:]] == [10, 2, 300, 14]
    assert [found["error", "format", "engine_error"][name] for name in TALLY.names[6:]] == [0, 0, 0, 0]
    assert tally(SAMPLE.empty_table()).num_rows == 0


def test_money_is_counted_at_each_ones_price() -> None:
    meter = Meter(PRICES, JUDGE)
    meter.add(told(prompts=3, prompt_tokens=2_000_000, completion_tokens=100_000, judge_prompt_tokens=10_000))
    assert (meter.tokens, meter.cost) == (2_110_000, pytest.approx(2 + 1 + 1))
    meter.add(told(generator="free", prompts=1, prompt_tokens=5_000_000, judge_completion_tokens=1000))
    assert meter.cost == pytest.approx(5)
    assert meter.spent == {"tokens": 7_111_000, "cost": 5.0}
    unpriced = Meter({})
    unpriced.add(told(prompt_tokens=5))
    assert unpriced.spent == {"tokens": 5, "cost": 0.0}


def test_what_earlier_attempts_took_is_read_from_the_files(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    assert look_back(run, meter := Meter(PRICES, JUDGE), 10, 2) == (0, 0)
    assert meter.tokens == 0
    for round_ in (0, 1):
        for verdict in ("verified", "error"):  # what is tried again counts when it is through
            rows = [sample(index, verdict, pair, judge=reply(5, 1)) for index in (0, 1, 10) for pair in (0, 1)]
            write_once(table_of(rows, SAMPLE), run.samples(round_) / f"verdict={verdict}", f"part-{round_}")
    # prompts 0 and 1 of round 0: the others are beyond this attempt
    assert look_back(run, meter, 10, 1) == (2, 2 * 6)
    assert meter.tokens == 2 * (3 * 12 + 6 * 6)  # and were paid for all the same
    assert meter.cost == pytest.approx(2 * (3 * (10 + 20) + 6 * (500 + 1000)) / 1e6)


def test_a_file_that_somebody_deleted_is_not_counted(tmp_path: Path) -> None:
    run, files = RunDir(tmp_path), []
    for index in (0, 1):
        rows = [sample(index, pair=0)]
        write_once(table_of(rows, SAMPLE), run.samples(0) / "verdict=verified", f"closed-{index}")
        files.append(run.samples(0) / "verdict=verified" / f"closed-{index}.parquet")
    run.close_round(0, files, 2)
    files[0].unlink()
    assert look_back(run, Meter(PRICES, JUDGE), 10, 1).done == 1


# Limits


def guard(clock: list[float], share: float = 0.1, again: str = "AGAIN", **limits: Any) -> Guard:
    return Guard(LimitsSpec(**limits), share, Meter(PRICES, JUDGE), "runs/a", again, clock=lambda: clock[0])


@pytest.mark.parametrize(
    ("limits", "tokens", "hours", "says"),
    [
        ({"max_tokens": 100}, 99, 0.0, None),
        (
            {"max_tokens": 100},
            100,
            0.0,
            "limits.max_tokens is reached: 100 of 100\n  mend: raise --max-tokens, then AGAIN",
        ),
        ({"max_cost": 1e-4}, 99, 0.0, None),
        ({"max_cost": 1e-4}, 100, 0.0, "limits.max_cost is reached: 0.0001 of 0.0001\n  mend: raise --max-cost"),
        ({"max_hours": 2}, 0, 1.99, None),
        ({"max_hours": 2}, 0, 2.01, "limits.max_hours is reached: 2.01 of 2\n  mend: AGAIN"),
        ({}, 10**12, 10**3, None),
    ],
)
def test_a_limit_stops_a_run(limits: Row, tokens: int, hours: float, says: str | None) -> None:
    clock = [5.0]
    one = guard(clock, **limits)
    one.add(told(rows=1, prompts=1, prompt_tokens=tokens))
    clock[0] += 3600 * hours
    why = one.reason()
    assert isinstance(why, RunStoppedError) == (says is not None)
    assert (says or "") in str(why)
    if says:
        assert why.exit_code == 3
        with pytest.raises(RunStoppedError):
            one.check()
    else:
        one.check()


@pytest.mark.parametrize("prompts", [0, 1, 10**6])  # a batch that is written twice tells of its prompts twice
def test_a_limit_counts_whatever_seems_to_be_done(
    prompts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apigen_ray.job.limits.FILES", 1)  # a file for each thread
    run, meter = RunDir(tmp_path), Meter(PRICES, JUDGE)
    rows = [sample(index, pair=0) for index in range(3)]
    for name in ("part-1", "part-2"):
        write_once(table_of(rows, SAMPLE), run.samples(0) / "verdict=verified", name)
    assert look_back(run, meter, 3, 1).done == 6
    one = Guard(LimitsSpec(max_tokens=meter.tokens + 50), 0.1, meter, "runs/a", clock=lambda: 0.0)
    one.check()
    one.add(told(rows=1, prompts=prompts, prompt_tokens=49))
    assert one.reason() is None
    one.add(told(rows=1, prompts=prompts, judge_prompt_tokens=1))
    assert isinstance(one.reason(), RunStoppedError)


# Errors


def errors(rows: int, stage: str = "semantic", code: str = "engine_error") -> Row:
    return told(verdict="error", stage=stage, code=code, rows=rows)


def test_what_was_an_error_before_and_is_one_again_stops_no_run() -> None:
    breaker = Breaker(0.1, before=500)
    breaker.add(errors(450))  # tried again first, and all together
    assert breaker.tripped("runs/a", "AGAIN") is None
    breaker.add(told(rows=20))
    breaker.add(errors(50 + LEAST - 21))  # 50 of them were known
    assert breaker.tripped("runs/a", "AGAIN") is None  # too few rows to say
    breaker.add(errors(1))
    why = breaker.tripped("runs/a", "AGAIN")
    assert why is not None
    assert why.message.startswith(f"{LEAST - 20} of the latest {LEAST} samples")


def test_too_many_errors_among_the_latest_rows_stop_a_run() -> None:
    one = guard([0.0], share=0.1)
    one.add(errors(LEAST - 1))
    assert one.reason() is None  # too few rows to say
    one.add(errors(1, "format", "engine_error"))
    why = one.reason()
    assert isinstance(why, RunFailedError)
    assert str(why) == (
        f"{LEAST} of the latest {LEAST} samples could not be judged, most often semantic: engine_error\n"
        "  mend: see why: apigen show runs/a --verdict error; mend that, then AGAIN"
    )


def test_the_share_is_that_of_the_latest_rows() -> None:
    breaker, some = Breaker(0.1), WINDOW // 100
    for _ in range(1000):
        breaker.add(told(rows=some))
    for _ in range(10):
        breaker.add(errors(some))
        assert breaker.tripped("", "") is None  # at most a tenth of the latest thousand
    breaker.add(errors(some))
    assert breaker.tripped("", "") is not None
    for _ in range(100):
        breaker.add(told(rows=some))
    assert breaker.tripped("", "") is None  # it has recovered


@pytest.mark.parametrize(("share", "trips"), [(1.0, False), (0.5, False), (0.49, True), (0.0, True)])
def test_the_limit_is_that_of_the_whole_run(share: float, trips: bool) -> None:
    breaker = Breaker(share)
    breaker.add(errors(LEAST))
    breaker.add(told(rows=LEAST))
    assert (breaker.tripped("", "") is not None) == trips


# Hanging


def test_a_run_hangs_where_neither_verdict_nor_reply_comes() -> None:
    clock, files = [0.0], [3]
    one = guard(clock, stall_minutes=1)
    signs = lambda: files[0]  # noqa: E731
    one.waits(signs())
    clock[0] = 59.0
    assert not one.stalled(signs)
    clock[0] = 61.0
    files[0] = 4
    assert not one.stalled(signs)  # no verdict, but a reply has come
    clock[0] = 100.0
    one.add(told(rows=1))
    clock[0] = 159.0
    assert not one.stalled(signs)
    clock[0] = 161.0
    assert one.stalled(signs)
