"""apigen-ray turns a library of executable APIs into verified, diverse function-calling training data.

What is offered to programs is in `__all__`, explained in `apigen_ray.api`. It is loaded when it is first used: Ray's
workers and the processes that execute calls import this package too, and need none of it.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apigen_ray.api import ApigenError, Run, RunConfig, functions, load_config, open_run, preview, run, verify

__version__ = "0.1.0"

__all__ = [
    "ApigenError",
    "Run",
    "RunConfig",
    "__version__",
    "functions",
    "load_config",
    "open_run",
    "preview",
    "run",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module("apigen_ray.api"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
