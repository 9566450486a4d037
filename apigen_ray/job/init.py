"""Writes a first run file for somebody's own functions: commented, and ready to run."""

import json
import re
from pathlib import Path

from apigen_ray.errors import ConfigError, EnvironmentFault, LibraryError
from apigen_ray.job.sandbox import request_of
from apigen_ray.library import Library, SourceSpec, load_library
from apigen_ray.library.dataset import DatasetSource
from apigen_ray.library.documents import read_document
from apigen_ray.library.mcp import McpSource
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.library.python import PythonSource
from apigen_ray.library.rapidapi import RapidApiSource
from apigen_ray.runners.pool import executable
from apigen_ray.runners.rest.reach import blocked, host_of, literally
from apigen_ray.storage import write_text

_DOCUMENTS = (".json", ".yaml", ".yml")
_ROWS = (".jsonl", ".ndjson", ".parquet")


def init_config(source: str, out: Path | None, *, force: bool) -> tuple[Path, int]:
    """Writes a run file whose library is the source; the library is loaded first, so a bad source writes nothing.

    Args:
        source: a Python file, folder or dotted module; an OpenAPI document (``.json``, ``.yaml``, ``.yml``); a saved
            ``tools/list``; a ToolBench tool or a folder of them; a data set (``.jsonl``, ``.json``, ``.parquet``).
        out: the file to write; None: ``<source's name>.yaml`` in the current folder.
        force: write over a file that is there; never over the source.

    Returns:
        The file and the number of APIs in the library.

    Raises:
        LibraryError: the source cannot be read or holds nothing that can be used.
        ConfigError: the file is there already or cannot be written.
    """
    spec = source_spec(source)
    library = load_library([spec])
    name = run_name(source)
    path = out or _free_of(Path(f"{name}.yaml"), source)
    if _same(path, source):
        raise ConfigError(f"{path}: is the source itself", "give another file: --out FILE")
    if path.exists() and not force:
        raise ConfigError(f"{path}: is there already", "write over it: --force · another file: --out FILE")
    text = run_file(name, spec, library)
    try:
        write_text(path, text)
    except (OSError, EnvironmentFault) as error:
        told = error.message if isinstance(error, EnvironmentFault) else f"{path}: cannot be written ({error.strerror})"
        raise ConfigError(told, "give another file: --out FILE") from error
    return path, len(library.apis)


def source_spec(source: str) -> SourceSpec:
    """The section of the library that stands for a source given on the command line.

    Raises:
        LibraryError: a JSON document that cannot be read, or what no file can be called.
    """
    path = source_path(source)
    if path.suffix.lower() in _ROWS:
        return DatasetSource(path=source)
    if path.suffix.lower() in _DOCUMENTS:
        return _document(path)(path=source)
    if path.is_dir() and any(path.rglob("*.json")) and not any(path.rglob("*.py")):
        return RapidApiSource(path=source)
    if path.exists() or path.suffix == ".py" or "/" in source:
        return PythonSource(path=source)
    return PythonSource(module=source)


def source_path(source: str) -> Path:
    """A source given on the command line as a path, whether something is there or not.

    Raises:
        LibraryError: nothing can be called that: no text, or one that is too long.
    """
    path, mend = Path(source), "give an existing file, folder or installed module"
    if not source.strip():
        raise LibraryError("the source is empty", mend)
    try:
        path.exists()
    except OSError as error:
        raise LibraryError(f"{source[:200]}: cannot be read: {error.strerror or error}", mend) from error
    return path


def _document(path: Path) -> type[OpenApiSource | RapidApiSource | McpSource | DatasetSource]:
    """The source that reads a document, by what stands at its top; OpenAPI where nothing tells."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return OpenApiSource
    _, top = read_document(path, "give an OpenAPI document, a saved `tools/list`, a ToolBench tool or a data set")
    first = top[0] if isinstance(top, list) and top else top
    if not isinstance(first, dict) or {"openapi", "swagger"} & first.keys():
        return OpenApiSource
    if "api_list" in first:
        return RapidApiSource
    if "inputSchema" in first or isinstance(first.get("result"), dict):
        return McpSource
    offered = next((first[key] for key in ("tools", "functions", "function") if key in first), None)
    if offered is None:
        return OpenApiSource
    if isinstance(offered, list) and any(isinstance(tool, dict) and "inputSchema" in tool for tool in offered):
        return McpSource
    return DatasetSource


def run_name(source: str) -> str:
    """A name for the run: the last part of the source's, with nothing that a folder's name may not have."""
    path = Path(source)
    stem = path.absolute().stem if path.exists() else path.name.removesuffix(path.suffix) or path.name
    if not path.exists() and path.suffix not in (".py", *_DOCUMENTS, *_ROWS):
        stem = source.split(".")[-1]  # a dotted module
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:100] or "run"


def run_file(name: str, source: SourceSpec, library: Library) -> str:
    """The text of the run file.

    Args:
        name: of the run.
        source: where the library comes from.
        library: what it holds.
    """
    apis, rejects = len(library.apis), len(library.rejects)
    location = "module" if isinstance(source, PythonSource) and source.module else "path"
    what = "functions" if isinstance(source, PythonSource) else "operations" if source.kind == "openapi" else "tools"
    left_out = f", {rejects} left out (apigen doctor says why)" if rejects else ""
    execution = _LIVE if isinstance(source, PythonSource) else _CALLED if any(map(executable, library.apis)) else _NONE
    forms = [request_of(api.source) for api in library.apis if api.source is not None]
    if inside := blocked((form.server for form in forms if form is not None), (), literally):
        execution += _INSIDE.format(hosts=json.dumps(list(map(host_of, inside))))
    return _FILE.format(
        name=json.dumps(name),
        kind=source.kind,
        location=location,
        value=json.dumps(getattr(source, location), ensure_ascii=False),
        found=f"{apis} {what}{left_out}",
        execution=execution,
    )


def _same(path: Path, source: str) -> bool:
    return path.exists() and Path(source).exists() and path.samefile(source)


def _free_of(path: Path, source: str) -> Path:
    """The default target, unless that is the source itself."""
    return path.with_name(f"{path.stem}-run.yaml") if _same(path, source) else path


_LIVE = """execution:
  mode: live                  # each call is executed in a process of its own
  timeout_s: 5                # for one call"""

_CALLED = """execution:
  mode: live                  # calls are made at the server that the document names; simulate: answers are made up
  rest:
    methods: [GET]            # operations by other methods are refused, since they may change something"""

_INSIDE = """
    # The server is on this machine or in a private network, where calls are refused until you name it:
    # allow_hosts: {hosts}"""

_NONE = """execution:
  mode: none                  # the library is only read: no call is executed, and every row says so"""

_FILE = """\
# A run of apigen-ray. Look: apigen preview FILE · check: apigen doctor FILE · go: apigen run FILE
name: {name}
seed: 0
size: 100                     # prompts for each round and generator
rounds: 1                     # verified samples of one round are examples of the next

library:                      # {found}
  - kind: {kind}
    {location}: {value}

sampling:
  mode: call_first            # code draws the calls, a model words the request; a large model can do both: query_first
  styles: {{simple: 3, multiple: 3, parallel: 1, parallel_multiple: 1}}
  examples: 6                 # shown with each prompt
  builtin_seeds: plain        # of one manner, for a small model; true: of many; false: none but your `seeds`

generators:
  - name: embedded
    engine: vllm
    model: embedded           # 135 M weights, for a demonstration; a name on the hub (owner/name) or a directory
    max_model_len: 4096
    logprobs: true            # the check `likelihood` below reads them
    sampling: {{temperature: 0, max_tokens: 80, stop: ["\\n"]}} # a request is a line; for query_first: no stop
  # A server that speaks OpenAI's API in place of it:
  # - name: server
  #   engine: openai
  #   base_url: http://localhost:8000/v1
  #   model: the-model-it-serves
  #   api_key_env: MY_API_KEY   # the name of a variable, never the key
  #   price_per_million: {{prompt: 0.5, completion: 1.5}}   # for apigen run --dry-run

semantic:                     # all of these must pass; made for the embedded model
  checks: [originality, wording, likelihood]
  # With a larger model let one judge, and drop `wording` and `likelihood`: checks: [originality, judge]
# judge: {{engine: vllm, model: owner/name}}

{execution}

output:
  dir: runs                   # the run goes into runs/{{name}}
"""
