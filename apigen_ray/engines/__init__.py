"""What answers a request: a vLLM in the cluster, an OpenAI-compatible server, or a script."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, Field

from apigen_ray.engines.base import Engine, Finding
from apigen_ray.engines.openai import OpenAiEngine
from apigen_ray.engines.openai_spec import OpenAiSpec
from apigen_ray.engines.scripted import ScriptedEngine, ScriptedSpec
from apigen_ray.engines.vllm import VllmEngine, VllmSpec

ENGINES: tuple[tuple[type[BaseModel], Callable[[Any], Engine]], ...] = (
    (VllmSpec, VllmEngine),
    (OpenAiSpec, OpenAiEngine),
    (ScriptedSpec, ScriptedEngine),
)
"""Every engine with its section of the run file; a new one is a file, a line here and its spec in the union below."""

EngineSpec = Annotated[VllmSpec | OpenAiSpec | ScriptedSpec, Field(discriminator="engine")]
"""The section of a run file that describes an engine, told apart by its key ``engine``."""


def build(spec: EngineSpec) -> Engine:
    """The engine that a spec describes; nothing is started before `Engine.attach`."""
    engine = dict(ENGINES)[type(spec)]
    return engine(spec)


__all__ = ["ENGINES", "Engine", "EngineSpec", "Finding", "build"]
