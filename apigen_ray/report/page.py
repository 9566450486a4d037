"""``report.html``: a run on one page that needs nothing else, neither a network nor a file beside it."""

import importlib.util
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from apigen_ray import __version__
from apigen_ray.config import STAGES, VERDICTS
from apigen_ray.errors import EnvironmentFault
from apigen_ray.export.samples import open_run
from apigen_ray.records import Json, Status, Verdict
from apigen_ray.report.categories import Categories
from apigen_ray.report.census import Census, take_census
from apigen_ray.report.configured import configured
from apigen_ray.report.figures import Figure, diversity_figures, funnel, verdict_figure
from apigen_ray.report.markdown import engines_of, fact_lines, facts, is_fake, percent, security_words, simulated_words
from apigen_ray.report.meanings import meanings
from apigen_ray.report.metrics import metric_rows
from apigen_ray.report.spending import spending_rows
from apigen_ray.report.story import stories
from apigen_ray.report.summary import Summary, summarise
from apigen_ray.rundir import RunDir
from apigen_ray.storage import AnyPath, write_text

ASSETS = Path(__file__).parent / "assets"

EXAMPLES = 2
"""Samples that are shown of a code."""

GLANCE = 160
"""Characters of a query that are read at a glance."""

CODES = 10
"""Codes that are shown with samples, the commonest; a table has them all."""


def write_page(run: AnyPath) -> AnyPath:
    """Writes ``report.html`` into the run directory, over an older one.

    Raises:
        InputError: no run directory, its config cannot be read, or it cannot be written.
        EnvironmentFault: what draws the charts is not installed.
    """
    for package in ("jinja2", "vl_convert"):
        if importlib.util.find_spec(package) is None:
            raise EnvironmentFault(f"report.html needs the package {package}", "pip install 'apigen-ray[report]'")
    directory = open_run(run)
    path = directory.path / "report.html"
    write_text(path, page_text(directory))
    return path


def page_text(run: RunDir) -> str:
    """The page. Every text of the run is foreign and comes escaped; nothing on it is fetched, and only ours runs."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    style, script = (_asset(name) for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    template = environment.get_template("page.html")
    return template.render(_content(run), policy=policy, style=style, script=script) + "\n"


def _content(run: RunDir) -> Json:
    """What the template says."""
    config, summary = configured(run), summarise(run)
    categories, prices = Categories.of(run, config.library), config.prices()
    census, form = take_census(run, categories), facts(run, summary)
    told = stories(run, census.picks.chosen(), categories)
    lines = [
        *fact_lines(form, summary),
        *_layers(form),
        *([f"categories: {categories.note}"] if categories.note else ()),
    ]
    fakes = [name for name, engine in engines_of(form).items() if is_fake(engine)]
    return {
        "version": __version__,
        "run": run.root.name,
        "form": form,
        "fakes": fakes,
        "warnings": [words for words in _warnings(form, summary) if words],
        "rate": percent(summary.pass_rate()),
        "sum": [(verdict, summary.total(verdict)) for verdict in VERDICTS],
        "funnel": funnel(summary),
        "verdicts": _verdicts(summary, census, categories),
        "codes": _codes(summary, told),
        "code_rows": _code_rows(summary),
        "metrics": metric_rows(census.verified, census.drafts, form.get("library", {}).get("apis")),
        "lengths": diversity_figures(census.verified, census.drafts),
        "spending": spending_rows(census.spending, summary, engines_of(form), prices),
        "priced": bool(prices),
        "facts": [line.partition(": ") for line in lines],
        "first": _telling(told),
        "stories": told,
        "stages": STAGES,
    }


def _warnings(form: Json, summary: Summary) -> list[str]:
    outcome, error = form["outcome"], (form["error"] or "").partition("\n")[0]
    ended = f"The run is {outcome}: the figures are of what is there by now. {error}".strip()
    return [
        "" if outcome == "done" else ended,
        simulated_words(form["verified_simulated"], form["verified"]),
        security_words(summary),
    ]


def _layers(form: Json) -> list[str]:
    """What each wall was seen to do, a line each."""
    layers: Json = (form.get("sandbox") or {}).get("layers", {})
    return [f"wall {name}: {words}" for name, words in layers.items()]


def _telling(told: Sequence[Json]) -> Json | None:
    """The verified sample that shows most: most calls, then the longest ones; as far as it is read at a glance."""
    good = [one for one in told if one["verdict"] == Verdict.VERIFIED]
    short = [one for one in good if len(one["query"]) <= GLANCE] or good[:1]
    return max(
        short, key=lambda one: (len(one["calls"]), sum(len(call["call"]) for call in one["calls"])), default=None
    )


def _verdicts(summary: Summary, census: Census, categories: Categories) -> list[tuple[Figure, str]]:
    """The figures of verdicts, each with a note."""
    figures = [(verdict_figure("generator", summary.verdicts), ""), (verdict_figure("style", summary.styles), "")]
    for name, groups in census.verdicts.items():
        if name == "category" and not categories.by_name:
            continue
        if name != "round" or len(groups) > 1:
            figures.append((verdict_figure(name, groups), categories.note if name == "category" else ""))
    return figures


def _codes(summary: Summary, told: Sequence[Json]) -> list[Json]:
    """The commonest codes, each with samples of the run."""
    found = [(rows, stage, code) for stage in STAGES for code, rows in summary.codes(stage, Status.REJECTED)]
    out = []
    for rows, stage, code in sorted(found, key=lambda item: (-item[0], item[1:]))[:CODES]:
        mine = [one for one in told if (one["stage"], one["code"]) == (stage, code)]
        meaning = meanings().get((stage, code), "")
        share = percent(rows / summary.samples)
        out.append({"rows": rows, "stage": stage, "code": code, "share": share, "meaning": meaning})
        out[-1]["examples"] = mine[:EXAMPLES]
    return out


def _code_rows(summary: Summary) -> list[list[str]]:
    """Every code of every stage, in the order of the stages."""
    return [
        [stage, code, str(status), f"{rows:,}", percent(rows / summary.samples)]
        for stage in STAGES
        for status in (Status.REJECTED, Status.ERROR)
        for code, rows in summary.codes(stage, status)
    ]


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
