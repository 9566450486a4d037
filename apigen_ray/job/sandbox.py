"""What confines the calls of a run: looked at before it begins, and kept in its manifest."""

from collections.abc import Iterable

from apigen_ray.errors import EnvironmentFault
from apigen_ray.records import Api, Json
from apigen_ray.runners.base import ExecutionSpec
from apigen_ray.runners.python import PythonRunner, StartError
from apigen_ray.runners.sandbox.walls import MANDATORY, is_up


def confinement(spec: ExecutionSpec, apis: Iterable[Api]) -> Json:
    """The layers around the calls of a run, each tried on this machine, as the manifest keeps them.

    Args:
        spec: how calls are executed.
        apis: of the library.

    Returns:
        ``isolation``; ``layers``, the words on each; ``trusted``, functions that go without the language layer; and
        ``weak``, in words, where a layer is missing that only `ExecutionSpec.allow_weak` lets a run go without. Empty
        where nothing of a Python source is executed.

    Raises:
        EnvironmentFault: calls would not be confined here.
    """
    sources = [api.source for api in apis if api.source is not None and api.source.kind == PythonRunner.kind]
    if spec.mode != "live" or not sources:
        return {}
    runner = PythonRunner(spec)
    try:
        layers = runner.layers()
    except StartError as error:
        raise EnvironmentFault(f"calls cannot be executed here: {error.words}", error.mend) from error
    finally:
        runner.close()
    trusted = sum(source.trust == "trusted" for source in sources)
    weak = weakness(layers)
    return {"isolation": spec.isolation, "layers": layers, "trusted": trusted} | ({"weak": weak} if weak else {})


def weakness(layers: dict[str, str]) -> str:
    """In words what is missing of the layers that no run should go without; "" where nothing is."""
    missing = [layer for layer in MANDATORY if not is_up(layers.get(layer, ""))]
    return f"WEAK: calls were executed without {' and '.join(missing)}" if missing else ""
