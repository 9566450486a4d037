"""How a private session is started; a real one is what every test of ``tests/ray`` runs in."""

import pytest
import ray

from apigen_ray.graph import session

SLOW = Exception("The current node timed out during startup. This could happen because ...")


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Exception | None]:
    """What the next starts of Ray come to; those that were made are taken out."""
    outcomes: list[Exception | None] = []

    def init(**options: object) -> None:
        if outcome := outcomes.pop(0):
            raise outcome

    monkeypatch.setattr(ray, "init", init)
    return outcomes


def test_a_session_that_was_too_slow_is_started_once_more(starts: list[Exception | None]) -> None:
    starts += [SLOW, None, None]
    session._start(num_cpus=1)
    assert len(starts) == 1


def test_one_that_is_too_slow_again_is_given_up(starts: list[Exception | None]) -> None:
    starts += [SLOW, SLOW, None]
    with pytest.raises(Exception, match="timed out during startup"):
        session._start(num_cpus=1)
    assert len(starts) == 1


def test_any_other_failure_is_told_at_once(starts: list[Exception | None]) -> None:
    starts += [PermissionError("a folder"), None]
    with pytest.raises(PermissionError):
        session._start(num_cpus=1)
    assert len(starts) == 1
