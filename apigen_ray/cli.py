"""The command line ``apigen``: one thin function for each verb."""

import json
import shlex
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from apigen_ray import __version__
from apigen_ray.display.output import UNREAD, leave, open_output
from apigen_ray.errors import ApigenError, RunFailedError, RunStoppedError
from apigen_ray.library_cli import library

app = typer.Typer(
    name="apigen",
    help="Turn a library of executable APIs into verified function-calling data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(library)

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="A run file (YAML).", show_default=False)]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=C", help="Set a key of the config; may be repeated.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run directory.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, for machines.")]


@app.command()
def init(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A Python file, package or module, or a document of tools.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="The run file to write; NAME.yaml where not given.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a run file for your own functions."""
    from apigen_ray.job.init import init_config

    path, apis = init_config(source, out, force=force)
    typer.echo(f"{path}: {apis} function{'' if apis == 1 else 's'}. Try it: apigen preview {shlex.quote(str(path))}")


@app.command()
def run(
    config: ConfigArgument,
    settings: SetOption = None,
    name: Annotated[str | None, typer.Option("--name", metavar="N", help="The run's folder in output.dir.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that is there.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Delete a run that is there.")] = False,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", metavar="X", help="Stop once tokens have cost so much (exit code 3).")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", metavar="N", help="Stop after so many tokens (exit code 3).")
    ] = None,
    max_hours: Annotated[
        float | None, typer.Option("--max-hours", metavar="H", help="Stop after so many hours (exit code 3).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what the run would ask and cost.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a config: generate, verify, write Parquet."""
    from apigen_ray.config import load_config
    from apigen_ray.display.progress import watch
    from apigen_ray.display.tables import print_estimate, print_result
    from apigen_ray.job import estimate, loop

    limits = {"max_cost": max_cost, "max_tokens": max_tokens, "max_hours": max_hours}
    limited = [f"limits.{key}={value}" for key, value in limits.items() if value is not None]
    loaded = load_config(config, [*(settings or ()), *([f"name={name}"] if name else ()), *limited])
    if dry_run:
        print_estimate(estimate.estimate(loaded), as_json=as_json)
        return
    command = shlex.join(
        [
            "apigen",
            "run",
            str(config),
            *(f"--set={s}" for s in settings or ()),
            *(["--name", name] if name else []),
            "--resume",
        ]
    )
    try:
        with watch(quiet=as_json) as watcher:
            result = loop.run(loaded, resume=resume, clean=clean, watcher=watcher)
    except KeyboardInterrupt:
        typer.echo(f"\ninterrupted; go on with: {command}", err=True)
        raise typer.Exit(130) from None
    except (RunFailedError, RunStoppedError) as error:
        typer.echo(f"apigen: the command to go on with: {command}", err=True)
        raise error
    print_result(result, as_json=as_json)


@app.command()
def preview(
    config: ConfigArgument,
    n: Annotated[int, typer.Option("-n", min=1, help="How many prompts.")] = 5,
    settings: SetOption = None,
) -> None:
    """Run a few prompts of a config in a temporary folder and show what becomes of them."""
    from apigen_ray.config import load_config
    from apigen_ray.display.samples import print_samples
    from apigen_ray.job.preview import preview_rows

    print_samples(preview_rows(load_config(config, settings or ()), n))


@app.command()
def verify(
    source: Annotated[str, typer.Argument(metavar="INPUT", help="Records: JSONL, Parquet or a folder of such files.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="The run directory to write.")],
    stages: Annotated[
        str | None,
        typer.Option(
            "--stages",
            help="Comma-separated names (apigen ls verifiers). Default: format, and execution with --library.",
        ),
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id-column", help="Kept as source_id.")] = None,
    reply_column: Annotated[
        str | None, typer.Option("--reply-column", help="A model's raw reply, in place of query and answers.")
    ] = None,
    style_column: Annotated[
        str | None, typer.Option("--style-column", help="The query style, for the number of calls.")
    ] = None,
    library: Annotated[
        str | None,
        typer.Option(
            "--library",
            metavar="SOURCE",
            help="A Python file, folder or module to execute calls against; builtin for ours.",
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="A YAML file with the sections judge, semantic, execution.")
    ] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Delete a run that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Judge records that exist: every input row comes out once, with a status for each stage."""
    from apigen_ray.display.progress import watch
    from apigen_ray.display.tables import print_result
    from apigen_ray.job.ingest import IngestOptions
    from apigen_ray.job.verify import VerifySpec, verify_records
    from apigen_ray.storage import as_path

    options = IngestOptions(id_column=id_column, reply_column=reply_column, style_column=style_column)
    spec = VerifySpec.load(config, library=library, stages=stages.split(",") if stages else None)
    try:
        with watch(quiet=as_json) as watcher:
            result = verify_records(
                as_path(source), as_path(out, to_write=True), options, spec, clean=clean, watcher=watcher
            )
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; start over with --clean", err=True)
        raise typer.Exit(130) from None
    print_result(result, as_json=as_json)


@app.command()
def show(
    run: RunArgument,
    verdict: Annotated[str | None, typer.Option("--verdict", help="Only rows of this verdict.")] = None,
    code: Annotated[str | None, typer.Option("--code", help="Only rows that a stage gave this code.")] = None,
    n: Annotated[int, typer.Option("-n", min=1, help="How many rows.")] = 3,
    id_: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The whole story of one row: its id, or how that begins.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show samples: query, calls, results, and each stage's word; of one row also where it comes from."""
    from apigen_ray.display.samples import print_samples
    from apigen_ray.display.story import print_story
    from apigen_ray.export.samples import find_samples
    from apigen_ray.export.story import find_story
    from apigen_ray.storage import as_path

    if id_ is not None:
        story = find_story(as_path(run), id_)
        typer.echo(json.dumps(story.form(), indent=2, ensure_ascii=False)) if as_json else print_story(story)
        return
    rows = find_samples(as_path(run), verdict=verdict, code=code, limit=n)
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        print_samples(rows)


@app.command()
def report(
    run: RunArgument,
    html: Annotated[bool, typer.Option("--html", help="Write report.html too: charts, diversity, samples.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show a run's filter table and funnel, and write report.md."""
    from apigen_ray.display.samples import printable_lines
    from apigen_ray.report.markdown import report_form, write_report
    from apigen_ray.report.page import write_page
    from apigen_ray.storage import as_path

    path = as_path(run)
    page = write_page(path) if html else None
    told = json.dumps(report_form(path), indent=2) if as_json else write_report(path).read_text("utf-8")
    typer.echo(told if as_json else printable_lines(told))
    if page is not None:
        typer.echo(f"Page: {page}", err=as_json)


@app.command()
def export(
    run: RunArgument,
    to: Annotated[
        str, typer.Option("--to", metavar="FORMAT", help="xlam, openai, sharegpt, bfcl, parquet, jsonl or hub.")
    ],
    out: Annotated[str | None, typer.Option("--out", metavar="DIR", help="The folder to make.")] = None,
    verdict: Annotated[str, typer.Option("--verdict", metavar="V,V", help="Which rows.")] = "verified",
    split: Annotated[
        list[str] | None, typer.Option("--split", metavar="NAME=SHARE,...", help="Shares of the rows; default train=1.")
    ] = None,
    results: Annotated[bool, typer.Option("--results", help="openai: with what the calls gave back.")] = False,
    repo: Annotated[str | None, typer.Option("--repo", metavar="OWNER/NAME", help="hub: the data set there.")] = None,
    licence: Annotated[
        list[str] | None,
        typer.Option("--license", metavar="[NAME=]LICENCE", help="hub: of the data set, or of a model or source."),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="hub: make a new data set private.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="hub: only make the folder.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Replace what is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write samples in the format of a trainer or a leaderboard, or publish them on the Hugging Face Hub."""
    from apigen_ray.display.exports import print_export, print_published
    from apigen_ray.errors import InputError
    from apigen_ray.export.run import export_run
    from apigen_ray.export.splits import Splits
    from apigen_ray.storage import as_path

    verdicts, splits = [word.strip() for word in verdict.split(",")], Splits.parse(split or ())
    folder = None if out is None else as_path(out)
    if to == "hub":
        from apigen_ray.hub.publish import publish

        if results:
            raise InputError("--results: the hub's rows have them in any case", "leave it out")
        made = partial(publish, as_path(run), repo, licences=licence or (), verdicts=verdicts, splits=splits)
        try:
            form = made(out=folder, private=private, dry_run=dry_run, clean=clean)
        except KeyboardInterrupt:
            typer.echo("\ninterrupted; run the same command again: what is there is not sent again", err=True)
            raise typer.Exit(130) from None
        print_published(form, as_json=as_json)
        return
    if repo is not None or licence or private or dry_run:
        raise InputError(f"--to {to}: --repo, --license, --private and --dry-run are of the hub", "give --to hub")
    if folder is None:
        raise InputError("--out is missing", "say where the folder is to be made: --out DIR")
    form = export_run(as_path(run), to, folder, verdicts=verdicts, splits=splits, results=results, clean=clean)
    print_export(form, Path(str(folder)), as_json=as_json)


@app.command()
def review(
    run: RunArgument,
    sample: Annotated[
        int | None, typer.Option("--sample", metavar="N", min=1, help="Rows to draw, once; default 600.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of the draw; default 0.")] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve the page on which rows are judged.")] = False,
    reviewer: Annotated[
        str | None, typer.Option("--reviewer", metavar="NAME", help="Who judges; else the page asks.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Of the page; 0: any free one.")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where sample and judgements lie; default RUN/review.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a random sample of rows on a local page, and print what the judgements say of the run."""
    from apigen_ray.display.review import print_address, print_review
    from apigen_ray.review.run import review_run
    from apigen_ray.storage import as_path

    form = review_run(as_path(run), out, sample, seed, print_address if serve else None, reviewer, port)
    print_review(form, as_json=as_json)


@app.command()
def merge(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run directories of one library.")],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="The run directory to write.")],
    clean: Annotated[bool, typer.Option("--clean", help="Delete a run that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Join runs: each prompt once, each query verified once, in a run directory like any other."""
    from apigen_ray.display.tables import print_result
    from apigen_ray.job.merge import merge_runs
    from apigen_ray.storage import as_path

    result = merge_runs([as_path(run) for run in runs], as_path(out, to_write=True), clean=clean)
    print_result(result, as_json=as_json)


@app.command(name="ls")
def list_(
    what: Annotated[str, typer.Argument(metavar="sources|engines|verifiers|exports|runs", show_default=False)],
    folder: Annotated[str, typer.Option("--dir", help="The folder that holds runs.")] = "runs",
) -> None:
    """List the parts there are, or the runs in a folder."""
    from apigen_ray.display.listing import listing
    from apigen_ray.storage import as_path

    for line in listing(what, as_path(folder)):
        typer.echo(line)


@app.command()
def doctor(
    config: Annotated[Path | None, typer.Argument(metavar="[CONFIG]", help="A run file whose needs to check.")] = None,
    settings: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check this machine against what a run needs; each finding names the mend."""
    from apigen_ray.config import load_config
    from apigen_ray.display.tables import print_findings
    from apigen_ray.job.doctor import examine

    findings = examine(load_config(config, settings or ()) if config else None)
    print_findings(findings, as_json=as_json)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 1 bad input or usage, 2 the run failed, 3 a limit stopped it, 130 interrupted.

    What ended with 2, 3 or 130 can be gone on with: ``--resume``. 141, as of any program in a shell: nobody reads the
    output any more (``apigen show RUN | head -1``).

    Args:
        arguments: in place of those that the process was started with.
    """
    open_output()
    try:
        app(arguments)
    except ApigenError as error:
        from apigen_ray.display.samples import printable_lines

        typer.secho(f"apigen: {printable_lines(str(error))}", err=True, fg="red" if sys.stderr.isatty() else None)
        leave(error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # for which Typer and Rich end with 1
            leave(UNREAD)
        leave(1 if end.code == 2 else end.code)  # 2: Typer's for wrong usage; a failed run comes as an ApigenError


if __name__ == "__main__":
    main()
