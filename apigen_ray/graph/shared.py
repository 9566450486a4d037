"""One read-only object for every task of a stage, unpacked once in each worker process."""

from collections import OrderedDict
from typing import Any, Generic, TypeVar

import ray

T = TypeVar("T")

ARROW: dict[str, Any] = {"batch_format": "pyarrow", "batch_size": None, "zero_copy_batch": True}
"""How every stage of ours takes its blocks: whole, as Arrow tables."""

KEPT = 8
"""How many objects a process keeps: it may live longer than the run that they are of."""

_cache: OrderedDict[str, Any] = OrderedDict()


class Shared(Generic[T]):
    """A handle on an object in the object store; cheap to send with a task.

    Args:
        value: what the tasks read: a library, a planner, built verifiers.
    """

    def __init__(self, value: T) -> None:
        self._ref = ray.put(value)

    @classmethod
    def at(cls, ref: Any) -> "Shared[Any]":
        """A handle on what a task leaves in the object store: this process need not hold it."""
        handle = cls.__new__(cls)
        handle._ref = ref
        return handle

    @property
    def key(self) -> str:
        """Names the object: no other one in a Ray session has the same."""
        key: str = self._ref.hex()
        return key

    def get(self) -> T:
        """The object; the same one on every call in a process, as long as it is among the last `KEPT`."""
        key = self.key
        if key not in _cache:
            _cache[key] = ray.get(self._ref)
            while len(_cache) > KEPT:
                _cache.popitem(last=False)
        _cache.move_to_end(key)
        value: T = _cache[key]
        return value
