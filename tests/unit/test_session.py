"""How a private session is started; a real one is what every test of ``tests/ray`` runs in."""

import gc
import weakref
from types import SimpleNamespace

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


def test_references_end_with_the_session_that_they_are_of(
    starts: list[Exception | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reference:
        """Stands for an object's, in a cycle, as exceptions and generators leave them."""

        def __init__(self) -> None:
            self.own = self

    context = SimpleNamespace(get_node_id=lambda: "node")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(ray, "cluster_resources", dict)
    monkeypatch.setattr(session, "_quiet_data", lambda: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    alive_at_the_end: list[bool] = []
    monkeypatch.setattr(ray, "shutdown", lambda: alive_at_the_end.append(left() is not None))
    starts.append(None)
    gc.disable()  # it would run at any time
    try:
        with session.ray_session():
            left = weakref.ref(Reference())
        assert alive_at_the_end == [True]
        assert left() is None
    finally:
        gc.enable()
