"""One read-only object for every task of a stage, unpacked once in each worker process."""

from collections import OrderedDict
from typing import Any, Generic, TypeVar

import ray

T = TypeVar("T")

_KEPT = 8
_cache: OrderedDict[str, Any] = OrderedDict()


class Shared(Generic[T]):
    """A handle on an object in the object store; cheap to send with a task.

    Args:
        value: what the tasks read: a library, a planner, built verifiers.
    """

    def __init__(self, value: T) -> None:
        self._ref = ray.put(value)

    def get(self) -> T:
        """The object; the same one on every call in a process."""
        key = self._ref.hex()
        if key not in _cache:
            _cache[key] = ray.get(self._ref)
            while len(_cache) > _KEPT:
                _cache.popitem(last=False)
        _cache.move_to_end(key)
        value: T = _cache[key]
        return value
