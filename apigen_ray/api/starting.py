"""Runs that a program starts: of a config, of a few prompts of it, of records that exist."""

# What runs anything imports Ray, which takes a second: it is imported where it is used, so that reading is quick.

import json
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from upath import UPath

from apigen_ray.api.reading import Run, with_values
from apigen_ray.config import RunConfig, load_config
from apigen_ray.errors import InputError, RecordError
from apigen_ray.records import content_hash
from apigen_ray.storage import AnyPath, absolute, as_path, new_file, remove

_TURN = threading.Lock()
"""Runs of one process take turns: the session that one has started ends with it, under whoever else uses it."""


def run(
    config: RunConfig | Mapping[str, Any] | str | os.PathLike[str],
    *,
    resume: bool = False,
    clean: bool = False,
    progress: bool = False,
) -> Run:
    """Runs a config to its end: generate, verify, write Parquet. Comes back when it is done.

    It uses the Ray session that is there, and leaves it; where none is, it joins the cluster of ``RAY_ADDRESS`` or
    starts a private session for as long as it takes. Runs that threads of one process start take turns. Calls are
    executed in processes of their own, never in this one.

    Args:
        config: what to run; also what `load_config` takes. It goes to ``<output.dir>/<name>``.
        resume: go on with a run that is there: no reply is asked for twice.
        clean: delete a run that is there.
        progress: say on standard error how it goes: bars on a terminal, a line now and then elsewhere.

    Raises:
        RunExistsError: a run is there, and neither ``resume`` nor ``clean``.
        InputError: the config, or something that it names, cannot be used; nothing has begun.
        EnvironmentFault: an engine, or what confines calls, is missing here.
        RunFailedError: the run had begun and broke off; go on with ``resume``.
        RunStoppedError: a limit of the config was reached; go on with ``resume``.
        KeyboardInterrupt: by Ctrl-C or a notebook's stop, in good order; go on with ``resume``.

    Examples:
        With the engine ``scripted``, a fake that answers at once, to try things:

        >>> import apigen_ray as apigen
        >>> run = apigen.run(
        ...     {
        ...         "name": "trial",
        ...         "size": 20,
        ...         "library": [{"kind": "python", "path": "my_functions.py"}],
        ...         "generators": [{"engine": "scripted"}],
        ...         "judge": {"engine": "scripted"},
        ...     }
        ... )
        >>> run.outcome, run.report()["samples"] >= 20
        ('done', True)
    """
    from apigen_ray.display.progress import watch
    from apigen_ray.job import loop

    loaded = config if isinstance(config, RunConfig) else load_config(config)
    output = loaded.output.model_copy(update={"dir": absolute(loaded.output.dir)})
    loaded = loaded.model_copy(update={"output": output})
    with _TURN, watch(quiet=not progress) as watcher:
        return Run(loop.run(loaded, resume=resume, clean=clean, watcher=watcher).run.path)


def preview(config: RunConfig | Mapping[str, Any] | str | os.PathLike[str], n: int = 5) -> list[dict[str, Any]]:
    """Runs a few prompts of a config in a temporary folder, which is deleted.

    Args:
        config: as in `run`; its ``size``, ``rounds`` and ``output`` do not count.
        n: rows to give back, at most.

    Returns:
        Rows of any verdict, as `Run.samples` gives them.

    Raises:
        InputError: as in `run`; or ``n`` is not positive.
        EnvironmentFault: as in `run`.
        RunFailedError: the run broke off.

    Examples:
        >>> import apigen_ray as apigen
        >>> rows = apigen.preview("my_functions.yaml", 2)
        >>> len(rows), sorted(rows[0]["answers"][0])
        (2, ['arguments', 'name'])
    """
    from apigen_ray.job.preview import preview_rows

    if n < 1:
        raise InputError(f"n: {n} is no number of rows", "give 1 or more")
    loaded = config if isinstance(config, RunConfig) else load_config(config)
    with _TURN:
        return [with_values(row) for row in preview_rows(loaded, n)]


def verify(
    records: str | AnyPath | Iterable[Mapping[str, Any]],
    out: str | AnyPath,
    *,
    stages: Sequence[str] | None = None,
    library: str | None = None,
    config: str | os.PathLike[str] | None = None,
    id_column: str | None = None,
    reply_column: str | None = None,
    style_column: str | None = None,
    clean: bool = False,
    progress: bool = False,
) -> Run:
    """Judges records that exist: every one comes out once, with a status for each stage.

    Args:
        records: a JSONL or Parquet file, or a folder or URL of such files; or the records themselves, one after
            another: mappings with ``query``, ``tools`` and ``answers`` as values or as JSON texts, which are written
            beside ``out`` while they are judged.
        out: the run directory to make.
        stages: of ``format``, ``execution``, ``grounding``, ``semantic``; None: ``format``, and ``execution`` where
            there is a library.
        library: what calls are executed against: a Python file, folder or module; ``builtin`` for ours.
        config: a YAML file with sections such as ``judge``, ``semantic``, ``execution``.
        id_column: kept as ``source_id``; None: ``id``, where there is one.
        reply_column: a model's raw reply, in place of ``query`` and ``answers``.
        style_column: the query style, for the number of calls.
        clean: delete a run that is there.
        progress: as in `run`.

    Raises:
        InputError: the records or the library cannot be read, there are none, or ``out`` is taken.
        EnvironmentFault: an engine, or what confines calls, is missing here.
        RunFailedError: it had begun and broke off; start over with ``clean``.
        RunStoppedError: a limit was reached; start over with ``clean``.
        KeyboardInterrupt: by Ctrl-C; start over with ``clean``.

    Examples:
        >>> import apigen_ray as apigen
        >>> add = {
        ...     "name": "add",
        ...     "description": "Add two numbers.",
        ...     "parameters": {
        ...         "type": "object",
        ...         "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
        ...         "required": ["a", "b"],
        ...     },
        ... }
        >>> record = {"query": "2 + 3?", "tools": [add], "answers": [{"name": "add", "arguments": {"a": 2}}]}
        >>> checked = apigen.verify([record], "runs/checked")
        >>> [(row["verdict"], row["format_code"]) for row in checked.samples(None)]
        [('fail_format', 'missing_required')]
    """
    from apigen_ray.display.progress import watch
    from apigen_ray.job.ingest import IngestOptions
    from apigen_ray.job.verify import VerifySpec, verify_records

    target = absolute(as_path(out, to_write=True))
    options = IngestOptions(id_column=id_column, reply_column=reply_column, style_column=style_column)
    spec = VerifySpec.load(Path(config) if config is not None else None, library=library, stages=stages)
    with _TURN, watch(quiet=not progress) as watcher:
        if isinstance(records, str | Path | UPath):
            result = verify_records(as_path(records), target, options, spec, clean=clean, watcher=watcher)
        else:
            folder = target.parent / f".{target.name}-{content_hash(os.urandom(16).hex())}"
            try:
                _write_records(records, folder / "records.jsonl", list(options.columns().values()))
                result = verify_records(
                    folder / "records.jsonl", target, options, spec, clean=clean, watcher=watcher, name="a program"
                )
            finally:
                if folder.exists():  # it was not made where nothing can be written
                    remove(folder)
    return Run(result.run.path)


def _write_records(records: Iterable[Mapping[str, Any]], path: AnyPath, columns: Sequence[str]) -> None:
    """Writes what is read of records as lines.

    Raises:
        RecordError: one of them cannot be written, or there are none.
    """
    count = 0
    with new_file(path) as file:
        for count, record in enumerate(records, start=1):
            if not isinstance(record, Mapping):
                found = type(record).__name__
                raise RecordError(f"records: number {count} is {found}, not a mapping", "give records as dictionaries")
            try:
                line = json.dumps({name: record[name] for name in columns if name in record}, ensure_ascii=False)
            except (TypeError, ValueError) as error:
                raise RecordError(
                    f"records: number {count} is nothing that JSON can hold ({error})",
                    "give texts, numbers, lists and dictionaries",
                ) from error
            file.write(line.encode("utf-8", "surrogatepass") + b"\n")
    if not count:
        raise RecordError("records: there are none", "give at least one")
