"""The commands ``apigen library``: import sources, prepare them, look at them, make one real call."""

import shlex
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

library = typer.Typer(
    name="library",
    help="Bring your own APIs: import, prepare, look, call.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LibArgument = Annotated[str, typer.Argument(metavar="LIB", help="A library folder.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON on standard output, for machines.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A YAML file with the sections execution, writer, quality, ...")
]
HostOption = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="HOST", help="May be called though its address is private; may be repeated."),
]


@library.command(name="import")
def import_(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Python file, folder or module; document, its URL, folder of documents; mcp:COMMAND; builtin.",
        ),
    ],
    out: Annotated[str, typer.Option("--out", metavar="LIB", help="The library folder to make.")],
    server: Annotated[
        str | None, typer.Option("--server", metavar="URL", help="Base URL of the requests, whatever a document says.")
    ] = None,
    auth: Annotated[
        list[str] | None,
        typer.Option(
            "--auth", metavar="SCHEME=ENV[,ENV]", help="Environment variables that hold a credential; may be repeated."
        ),
    ] = None,
    allow_host: HostOption = None,
    clean: Annotated[bool, typer.Option("--clean", help="Delete a library that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Read sources into a library: a row for every function, operation and tool, rejects too."""
    from apigen_ray.display.library import print_stats
    from apigen_ray.job.library import stats
    from apigen_ray.job.library_import import import_library
    from apigen_ray.job.library_sources import ImportOptions
    from apigen_ray.storage import as_path

    path = as_path(out, to_write=True)
    import_library(sources, path, ImportOptions.parse(server, auth or (), allow_host or ()), clean=clean)
    print_stats(stats(path), as_json=as_json)


@library.command()
def prepare(
    lib: LibArgument, config: ConfigOption = None, allow_host: HostOption = None, as_json: JsonOption = False
) -> None:
    """Filter, call, describe and sort a library's entries; goes on where an earlier attempt ended."""
    _prepare("prepare", lib, config, allow_host, as_json=as_json)


@library.command()
def check(
    lib: LibArgument, config: ConfigOption = None, allow_host: HostOption = None, as_json: JsonOption = False
) -> None:
    """Call every endpoint of a library again, and keep what is said of it now."""
    _prepare("check", lib, config, allow_host, as_json=as_json)


@library.command()
def stats(lib: LibArgument, as_json: JsonOption = False) -> None:
    """Count a library's entries by step, source, category and what they fell at."""
    from apigen_ray.display.library import print_stats
    from apigen_ray.job import library as job
    from apigen_ray.storage import as_path

    print_stats(job.stats(as_path(lib)), as_json=as_json)


@library.command()
def show(
    lib: LibArgument,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A function, by its name or entry.")] = None,
    code: Annotated[str | None, typer.Option("--code", help="Only what a step gave this code.")] = None,
    n: Annotated[int | None, typer.Option("-n", min=1, help="How many entries; all where not given.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Name a library's entries, or show everything about one."""
    from apigen_ray.display.library import print_row, print_rows
    from apigen_ray.job.library import find, rows
    from apigen_ray.storage import as_path

    path = as_path(lib)
    if name is not None:
        print_row(find(path, name), as_json=as_json)
    else:
        print_rows(islice(rows(path, code), n), as_json=as_json)


@library.command()
def call(
    lib: LibArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A function, by its name or entry.")],
    arguments: Annotated[
        str | None, typer.Argument(metavar="[JSON]", help="The arguments, an object; sampled ones where not given.")
    ] = None,
    config: ConfigOption = None,
    allow_host: HostOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make one real call, as a run would make it; exit code 1 where it is not answered."""
    from apigen_ray.display.library import print_called
    from apigen_ray.job import library as job
    from apigen_ray.job.library_spec import PrepareSpec
    from apigen_ray.storage import as_path

    spec = PrepareSpec.load(config, allow_hosts=allow_host or ())
    called = job.call(as_path(lib), name, arguments, spec.execution)
    print_called(called, as_json=as_json)
    if not called.passed:
        raise typer.Exit(1)


def _prepare(verb: str, lib: str, config: Path | None, allow_host: list[str] | None, *, as_json: bool) -> None:
    from apigen_ray.display.library import print_stats, progress
    from apigen_ray.job.library_prepare import prepare_library
    from apigen_ray.job.library_spec import PrepareSpec
    from apigen_ray.storage import as_path

    again = verb == "check"
    spec = PrepareSpec.load(config, allow_hosts=allow_host or (), steps=["accessibility"] if again else None)
    try:
        with progress(quiet=as_json) as watch:
            form = prepare_library(as_path(lib, to_write=True), spec, again=again, progress=watch)
    except KeyboardInterrupt:
        command = ["apigen", "library", verb, lib, *(("--config", str(config)) if config else ())]
        command += [word for host in allow_host or () for word in ("--allow-host", host)]
        typer.echo(f"\ninterrupted; nothing is lost, go on with: {shlex.join(command)}", err=True)
        raise typer.Exit(130) from None
    print_stats(form, as_json=as_json)
