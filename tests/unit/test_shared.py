"""What a worker process keeps: one object for each handle, and not for ever."""

from typing import Any

import pytest

from apigen_ray.graph import round as graph
from apigen_ray.graph import shared
from apigen_ray.graph.shared import KEPT, Shared
from apigen_ray.verifiers import VERIFIERS, Setting
from apigen_ray.verifiers.execution import ExecutionSpec
from apigen_ray.verifiers.semantic_spec import SemanticSpec


class Ref:
    """A reference into the object store that `Store` is."""

    def __init__(self, number: int) -> None:
        self.number = number

    def hex(self) -> str:
        return f"{self.number:x}"


class Store:
    """Stands in for Ray: gives a new copy on every read, as an object store does."""

    def __init__(self) -> None:
        self.makers: list[Any] = []
        self.reads = 0

    def put(self, maker: Any) -> Ref:
        self.makers.append(maker)
        return Ref(len(self.makers))

    def get(self, ref: Ref) -> Any:
        self.reads += 1
        return self.makers[ref.number - 1]()


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(shared, "ray", store)
    monkeypatch.setattr(shared, "_cache", type(shared._cache)())
    monkeypatch.setattr(graph, "_built", type(graph._built)())
    return store


def setting(threshold: float = -0.25) -> Setting:
    return Setting({}, ExecutionSpec(), SemanticSpec(checks=("likelihood",), likelihood_threshold=threshold))


SEMANTIC = next(number for number, kind in enumerate(VERIFIERS) if kind.name == "semantic")


def test_an_object_is_read_once_and_only_the_last_are_kept(store: Store) -> None:
    handles = [Shared[Any](list) for _ in range(KEPT + 1)]
    assert len({handle.key for handle in handles}) == KEPT + 1
    first = handles[0].get()
    assert handles[0].get() is first
    assert store.reads == 1
    for handle in handles[1:]:
        handle.get()
    assert handles[0].get() is not first
    assert len(shared._cache) == KEPT


def test_a_verifier_is_built_once_for_each_setting_even_where_that_is_read_again() -> None:
    handle = Shared[Any](setting)
    verifier = graph._verifier(SEMANTIC, handle)
    shared._cache.clear()
    handle.get()
    assert graph._verifier(SEMANTIC, handle) is verifier
    assert graph._verifier(0, handle) is not verifier


def test_another_setting_never_gets_the_verifier_of_one_that_has_gone() -> None:
    same = setting()
    verifiers = [graph._verifier(SEMANTIC, Shared[Any](lambda: same)) for _ in range(2)]
    assert verifiers[0] is not verifiers[1]
    for number in range(3 * KEPT):  # the settings go, and others take their place in memory
        built: Any = graph._verifier(SEMANTIC, Shared[Any](lambda n=number: setting(-float(n))))
        assert built._spec.likelihood_threshold == -number
    assert len(graph._built) == KEPT
