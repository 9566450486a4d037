"""The report of a run, counted from its files: filter table, funnel, styles, tokens, and what was really done."""

from apigen_ray.config import STAGES, VERDICTS
from apigen_ray.export.samples import open_run
from apigen_ray.records import Json, Status, Verdict
from apigen_ray.report.summary import Summary, summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, write_text

TOP_CODES = 3
"""Codes that the funnel names for each stage."""

_MODES = {
    "live": "calls were really executed",
    "record": "calls were really executed, and what came back was kept",
    "replay": "calls were answered with what was recorded of real ones",
    "simulate": "a call was NOT executed: its answer is made up",
    "none": "no call was executed: what is verified has not been shown to run",
}


def report_form(run: AnyPath) -> Json:
    """What `apigen report --json` prints: the summary's form and the manifest's facts.

    Raises:
        InputError: no run directory.
    """
    directory = open_run(run)
    return facts(directory, summarise(directory))


def filter_rows(summary: Summary) -> list[list[str]]:
    """The paper's filter table (its table 1) with our columns, as texts.

    Returns:
        The header, a row for each generator, and the total. In each row the verdicts sum to the drafts.
    """
    rows = [["generator", "drafts", *VERDICTS, "pass rate"]]
    for generator, counts in sorted(summary.verdicts.items()):
        figures = [sum(counts.values()), *(counts[name] for name in VERDICTS)]
        rows.append([generator, *(f"{figure:,}" for figure in figures), percent(summary.pass_rate(generator))])
    totals = [summary.samples, *(summary.total(name) for name in VERDICTS)]
    rows.append(["total", *(f"{figure:,}" for figure in totals), percent(summary.pass_rate())])
    return rows


def write_report(run: AnyPath) -> AnyPath:
    """Writes ``report.md`` into the run directory, over an older one.

    Raises:
        InputError: no run directory, or it cannot be written.
    """
    directory = open_run(run)
    summary = summarise(directory)
    path = directory.path / "report.md"
    write_text(path, report_text(directory, summary))
    return path


def report_text(run: RunDir, summary: Summary) -> str:
    """The report as Markdown."""
    form = facts(run, summary)
    parts = [
        f"# {run.root.name}",
        _opening(form),
        f"## Filter table\n{_table(filter_rows(summary))}\n\n"
        "Pass rate: verified over drafts less errors. A draft here is one query-answer pair.",
        f"## Funnel\n{_table(_funnel(summary))}",
        f"## Styles\n{_table(_styles(summary))}",
        "## What was done\n" + "\n".join(f"- {line}" for line in fact_lines(form, summary)),
        f"## Files\n{_files(run)}",
    ]
    return "\n\n".join(parts) + "\n"


def facts(run: RunDir, summary: Summary) -> Json:
    """The form of the summary and what the manifest says of the run."""
    manifest, result = run.manifest(), run.result()
    keys = ("kind", "input", "merged", "versions", "cluster", "seed", "engines", "judge", "library", "sandbox")
    known = {key: manifest[key] for key in keys if manifest.get(key) is not None}
    return {
        "run": str(run.path),
        "outcome": result.get("outcome", "unfinished"),
        "error": result.get("error"),
        "seconds": result.get("seconds"),
        "stages_asked_for": manifest.get("stages", []),
        **known,
        **summary.form(),
    }


def _opening(form: Json) -> str:
    text = f"{form['verified']:,} of {form['samples']:,} samples verified ({percent(form['pass_rate'])})."
    if words := simulated_words(form["verified_simulated"], form["verified"]):
        text += f" **{words}**"
    if form["outcome"] != "done":
        text += f" The run is **{form['outcome']}**: the figures are of what is there by now."
    if form["error"]:
        text += f" It broke off: {form['error'].splitlines()[0]}"
    return text


def simulated_words(simulated: int, verified: int) -> str:
    """That verified rows have calls which were not made; "" where none has."""
    told = f"{simulated:,} of the {verified:,} verified samples have simulated calls: what those returned is made up."
    return told if simulated else ""


def _funnel(summary: Summary) -> list[list[str]]:
    rows = [["stage", "passed", "rejected", "errors", "not asked for", "top codes"]]
    for stage in STAGES:
        by_status = summary.statuses(stage)
        top = [f"{code} {count:,}" for code, count in summary.codes(stage, Status.REJECTED)[:TOP_CODES]]
        figures = [by_status[str(s)] for s in (Status.PASSED, Status.REJECTED, Status.ERROR, Status.SKIPPED)]
        rows.append([stage, *(f"{figure:,}" for figure in figures), ", ".join(top)])
    return rows


def _styles(summary: Summary) -> list[list[str]]:
    rows = [["style", "drafts", "verified", "pass rate"]]
    for style, counts in sorted(summary.styles.items()):
        drafts, verified = sum(counts.values()), counts[str(Verdict.VERIFIED)]
        judged = drafts - counts[str(Verdict.ERROR)]
        rows.append([style or "(none)", f"{drafts:,}", f"{verified:,}", percent(verified / judged if judged else None)])
    return rows


def fact_lines(form: Json, summary: Summary) -> list[str]:
    """What was really done, a line each: stages, execution modes, engines, walls, servers, versions."""
    stages: list[str] = form["stages_asked_for"]
    engines = engines_of(form)
    left = [name for name in STAGES if name not in stages]
    modes = [f"{mode} in {rows:,} rows ({_MODES[mode]})" for mode, rows in form["execution_modes"].items()]
    lines = [
        f"stages asked for: {', '.join(stages) or 'not recorded'}"
        + (f"; not asked for: {', '.join(left)}" * bool(left)),
        f"execution mode: {'; '.join(modes) or 'no row came to be executed'}",
        f"tokens: {form['tokens']['prompt']:,} read, {form['tokens']['completion']:,} written",
        *(f"engine of {name}: {_engine(engine)}" for name, engine in engines.items()),
    ]
    lines += [
        f"merged: {part['run']}, {part['samples']:,} samples of {part['path']}" for part in form.get("merged", ())
    ]
    sandbox: Json = form.get("sandbox") or {}
    if "layers" in sandbox:
        lines.append(f"calls confined by: {_confinement(sandbox)}")
    if kept := sandbox.get("recordings"):
        files = f", {kept['files']:,} files with the digest {kept['digest']}" if "files" in kept else ""
        lines.append(f"recordings: {kept['folder']}{files}")
    lines += [service_words(service) for service in sandbox.get("services", [])]
    lines += [client_words(client) for client in sandbox.get("process", [])]
    if events := security_words(summary):
        lines.append(f"{events}; see their execution_detail")
    if library := form.get("library"):
        rejects = f", {library['rejects']:,} entries left out" if "rejects" in library else ""
        lines.append(f"library: {library['apis']:,} functions{rejects}")
    if versions := form.get("versions"):
        lines.append("versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    if form["seconds"] is not None:
        lines.append(f"last attempt: {form['seconds']:.0f} s")
    return lines


def engines_of(form: Json) -> Json:
    """The engines of `facts`, by the name of the generator, or ``judge``."""
    return dict(form.get("engines", {}) or ({"judge": form["judge"]} if "judge" in form else {}))


def _confinement(form: Json) -> str:
    """Layers by name, with what is weak about them first."""
    up = [layer for layer, words in form["layers"].items() if words.startswith("up")]
    absent = [f"{layer} {words}" for layer, words in form["layers"].items() if not words.startswith("up")]
    parts = [form["weak"]] if "weak" in form else []
    parts += [", ".join(up) or "nothing", *absent, f"isolation by {form['isolation']}"]
    if form["trusted"]:
        parts.append(f"{form['trusted']:,} trusted functions without the language layer")
    return "; ".join(parts)


def client_words(form: Json) -> str:
    """What the ``process`` runner executes, which is not confined: an item of ``sandbox.process`` in words."""
    told = f"{', '.join(form['functions'])}: process runner: no language layer, no kernel walls but limits; hosts: "
    told += ", ".join(form["hosts"]) or "none"
    return told + (f"; environment: {', '.join(form['env'])}" if form["env"] else "")


def service_words(form: Json) -> str:
    """A server that calls go to: an item of ``sandbox.services`` in words."""
    told = f"{form['server']}: {form['functions']:,} functions of the library are called there"
    return told + (f", with credentials of {', '.join(form['env'])}" if form["env"] else "")


def security_words(summary: Summary) -> str:
    """The security events of a run in words; "" where there were none."""
    told = ", ".join(f"{rows:,} {code}" for code, rows in summary.security_events().items())
    return f"SECURITY EVENTS in the execution stage: {told}" if told else ""


def _engine(form: Json) -> str:
    """An engine of the manifest in words, a fake as such."""
    fake = ": a FAKE, no model has written or read anything" if is_fake(form) else ""
    return f"{form.get('engine')} {form.get('model', '')}".rstrip() + fake


def is_fake(form: Json) -> bool:
    """Whether an engine of the manifest is the scripted one."""
    return bool(form.get("engine") == "scripted")


def _files(run: RunDir) -> str:
    rounds = ", ".join(str(number) for number in run.rounds()) or "none yet"
    return (
        f"- samples: `{run.path}/samples/round=N/verdict=V/*.parquet` (rounds: {rounds})\n"
        f"- replies as they came: `{run.path}/drafts/`\n"
        f"- config and facts: `{run.config_path}`, `{run.manifest_path}`, `{run.result_path}`"
    )


def _table(rows: list[list[str]]) -> str:
    header, *rest = rows
    rule = ["---", *["---:"] * (len(header) - 1)]
    lines = [header, rule, *rest]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def percent(share: float | None) -> str:
    """A share in words; "-" where there is none."""
    return "-" if share is None else f"{100 * share:.1f} %"
