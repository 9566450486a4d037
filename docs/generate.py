"""Writes columns, codes, command line and run file as pages, out of the code (``make docs``); a test compares them."""

import inspect
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import docstring_parser
import pyarrow as pa
import typer
from pydantic import BaseModel

from apigen_ray.cli import app
from apigen_ray.config import SAMPLE, RunConfig
from apigen_ray.records import DRAFT, PLAN, REPLY
from apigen_ray.report.meanings import ENTRY
from apigen_ray.verifiers import VERIFIERS

NOTE = "<!-- Written by docs/generate.py: `make docs`. Do not edit. -->\n"

MEANING = {
    "sample_id": "content hash of `prompt_id` and `pair`: the same config and seed, the same id",
    "source_id": "`apigen verify`: the id that the record came with; null in a run",
    "run": "`apigen merge`: name and fingerprint of the run that the row came from; null in that run itself",
    "prompt_id": "content hash of the run's fingerprint, generator, round and index",
    "round": "number of the round, from 0",
    "generator": "name of the generator that was asked",
    "index": "position of the prompt in its round and generator",
    "style": "`simple`, `multiple`, `parallel`, `parallel_multiple` or `irrelevance`; null where not known",
    "mode": "`query_first` or `call_first`",
    "template": "name of the prompt template",
    "pairs": "`query_first`: pairs asked for in one reply",
    "api_ids": "content hashes of the offered functions, in the order of `tools`",
    "tools": "JSON list of the offered functions: `name`, `description`, `parameters` (JSON Schema 2020-12)",
    "seed_ids": "content hashes of the examples shown",
    "examples": "JSON list of the examples shown: `query`, `answers`, `tools`",
    "candidates": "`call_first`: JSON list of `calls` and `api_ids`; the first that executes is taken",
    "planned": "`call_first`: JSON list of the calls taken; null where none executed",
    "planned_results": "`call_first`: JSON list of their outcomes",
    "reply": "what the generator gave back; its fields are below",
    "planted": "scripted engine only: JSON of the fault planted and the verdict and code that must come out",
    "pair": "which pair of the reply, from 0",
    "of": "how many samples the reply was split into",
    "record": "the text that is judged, as the model wrote it",
    "query": "the request, where it could be read",
    "answers": "JSON list of calls, `name` and `arguments`, where they could be read",
    "results": "JSON list of outcomes, one for each call: `status`, `value` (JSON text too); `code` and `detail` where "
    "it failed; `simulated` where it was not made",
    "execution_mode": "what was done about the calls of this row: `live`, `record`, `replay`, `simulate` (an answer is "
    "made up) or `none` ([modes](modes.md))",
    "likelihood": "reply of the check of that name",
    "roundtrip": "reply of the check of that name",
    "judge": "reply of the check of that name",
    "semantic_words": "JSON object: what each check said, with its figure",
    "verdict": "what became of the row, and its partition: `verified`, `fail_<stage>`, `duplicate` or `error`",
}
PARTS = {
    "status": "`passed`, `rejected` (the sample is to blame), `error` (we are) or `skipped`",
    "code": "one of the stage's [codes](codes.md), or empty",
    "detail": "the reason in words, for people",
}
COLUMNS_INTRO = """# Columns of `samples/`

What each row of a run says, column by column, in their order. Every file has this one schema. Calls, arguments, tools
and results are JSON texts: Arrow structs would change mixed arguments without a word. `drafts/` has the columns that
come from the plan and the generator.

| column | type | from | meaning |
|---|---|---|---|
"""
CODES_INTRO = """# Codes

Every reason that a stage may give, with an example. A stage leaves `<stage>_status`, `<stage>_code` and
`<stage>_detail` in every row. Any stage may also say `earlier_stage` (status `skipped`: an earlier stage did not pass),
`not_requested` (status `skipped`: not asked for, or nothing to judge; the row goes on) and `internal_error` (status
`error`: a defect of ours).
"""
NOTES = {
    "format": 'In the examples `Q` is `"query": "..."`, `A` is `"answers": [...]`, `CALL` a call that is right; '
    'the tool is\n`area(base: int >= 1, unit: "cm" | "m" = "cm", at: {"x": number} = null)`.\n'
}

CLI_INTRO = """# Command line

Every verb of `apigen`, with its arguments and options. `--help` after a verb shows the same in a terminal.

Exit codes: 0 done; 1 what was given cannot be used, nothing has begun; 2 the run failed; 3 a limit that was set
stopped it; 130 interrupted; 141 nobody reads the output any more (`apigen show RUN | head -1`). After 2, 3 and 130 the
same command with `--resume` goes on; it is printed.
"""

RUN_FILE_INTRO = """# The run file

Every key of a run file, section by section: what it takes, what it is where it is left out, what it does. A run file is
YAML; an unknown key is refused with the nearest that there is. `--set a.b=c` sets a key from the command line, and in
Python a run file is a dictionary ([Python API](python-api.md)). A key that stands twice is refused. Relative paths
start from the current folder. Sections have a place of their own below, as `sampling.feedback` for `feedback` in
`sampling`.
"""


def columns() -> str:
    """The page of the columns of ``samples/``, in their order.

    Raises:
        KeyError: a column has no meaning here; add it.
    """
    rows = [f"| `{field.name}` | {_type(field)} | {_origin(field.name)} | {_meaning(field.name)} |" for field in SAMPLE]
    fields = "".join(f"- `{field.name}` {field.type}\n" for field in REPLY)
    reply = "\n## A reply\n\n`error` is set where there is none; `logprob` is the mean over the tokens, in nats.\n\n"
    return NOTE + COLUMNS_INTRO + "\n".join(rows) + "\n" + reply + fields


def codes() -> str:
    """The page of every stage's codes, out of the verifiers' docstrings.

    Raises:
        ValueError: a docstring and the closed list of codes differ.
    """
    page = NOTE + CODES_INTRO
    for verifier in VERIFIERS:
        found = {match["code"]: match for match in ENTRY.finditer(inspect.getdoc(verifier) or "")}
        if missing := set(verifier.codes) - set(found):
            raise ValueError(f"{verifier.__name__}: the docstring does not name {', '.join(sorted(missing))}")
        page += f"\n## {verifier.name}\n\n{NOTES.get(verifier.name, '')}"
        page += "\n" * (verifier.name in NOTES) + "| code | status | when, and an example |\n|---|---|---|\n"
        for code in verifier.codes:
            text = " ".join(found[code]["text"].split()).replace("|", "\\|").rstrip(".")
            status = (
                "error" if "error" in (found[code]["status"], *re.findall(r"status ``(\w+)``", text)) else "rejected"
            )
            page += f"| `{code}` | {status} | {text} |\n"
    return page


def cli() -> str:
    """The page of the command line, out of Typer's declarations."""
    page = NOTE + CLI_INTRO
    for name, verb in _verbs(typer.main.get_command(app), "apigen"):
        arguments = [parameter for parameter in verb.params if parameter.param_type_name == "argument"]
        options = [parameter for parameter in verb.params if parameter.param_type_name == "option"]
        usage = [name, *(str(argument.metavar) for argument in arguments), *(["[OPTIONS]"] if options else [])]
        page += f"\n## {name}\n\n{verb.help}\n\n`{' '.join(usage)}`\n\n| | | default |\n|---|---|---|\n"
        page += "".join(f"| {_names(each)} | {_cell(each.help)} | {_default(each)} |\n" for each in arguments + options)
    return page


def run_file() -> str:
    """The page of the run file, out of the specs that `RunConfig` is composed from."""
    page, places = NOTE + RUN_FILE_INTRO, dict(_sections(RunConfig, ""))
    for model, place in places.items():
        told = docstring_parser.parse(inspect.getdoc(model) or "")
        meaning = {each.arg_name: " ".join((each.description or "").split()) for each in told.params}
        words = " ".join(f"{told.short_description or ''} {told.long_description or ''}".split())
        page += f"\n## {place or 'At the top'}\n\n{words}\n\n| key | takes | default | |\n|---|---|---|---|\n"
        form = model.model_json_schema(mode="validation")
        for name, values in form["properties"].items():
            if name == "spec":
                continue  # its keys stand beside the others
            takes = _takes(values, name, form.get("$defs", {}))
            default = (
                "" if takes.startswith("the section") else _json(values.get("default"))
            )  # it has a table of its own
            default = "required" if name in form.get("required", ()) else default
            default = {("", "name"): "the file's name", ("generators", "name"): "the model's name"}.get(
                (place, name), default
            )
            cells = (f"`{name}`", takes, default, re.sub(r"\bNone\b", "null", meaning.get(name, "").removesuffix(".")))
            page += f"| {' | '.join(map(_cell, cells))} |\n"
    return page


PAGES = {"columns.md": columns, "codes.md": codes, "cli.md": cli, "run-file.md": run_file}


def main() -> None:
    """Writes the pages beside this file."""
    for name, page in PAGES.items():
        path = Path(__file__).parent / name
        path.write_text(page(), "utf-8")
        sys.stdout.write(f"{path}\n")


def _sections(model: type[BaseModel], place: str) -> Iterator[tuple[type[BaseModel], str]]:
    """Every spec below one, each once, with the name of its section."""
    seen = {model}
    yield model, place
    for name, field in model.model_fields.items():
        path = place if name == "spec" else f"{place}.{name}".lstrip(".")
        parts = list(_models(field.annotation))
        for part in parts:
            first, values = next(iter(part.model_json_schema()["properties"].items()))
            which = f"{path} ({first}: {values['const']})" if "const" in values else f"{path} (with {first})"
            for found, where in _sections(part, which if len(parts) > 1 else path):
                if found not in seen:
                    seen.add(found)
                    yield found, where


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _takes(values: Any, name: str, others: Any) -> str:
    """What a key takes, out of its JSON Schema and the definitions beside it; another section is told by its name."""
    if "$ref" in values:
        values = others[values["$ref"].rpartition("/")[2]]
    if "anyOf" in values or "oneOf" in values:
        each = values.get("anyOf") or values["oneOf"]
        return " or ".join(dict.fromkeys(_takes(one, name, others) for one in each))
    if "properties" in values:
        return f"the section `{name}`"
    if "const" in values or "enum" in values:
        return ", ".join(f"`{word}`" for word in values.get("enum") or [values["const"]])
    kind = values.get("type", "text")
    if kind == "array" and "prefixItems" in values:
        return "a number or [low, high]"
    if kind == "array":
        return f"list of {_takes(values.get('items') or {}, name, others)}".replace("list of the section", "list of")
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    bounds = ", ".join(f"{sign} {values[key]}".removesuffix(".0") for key, sign in signs.items() if key in values)
    words = {"string": "text", "boolean": "true or false", "null": "null", "object": "mapping"}
    return f"{words.get(kind, kind)} {bounds}".strip()


def _json(value: Any) -> str:
    if value in (None, "", [], {}) or (isinstance(value, dict) and any(isinstance(v, dict) for v in value.values())):
        return ""
    text = json.dumps(value, ensure_ascii=False).strip('"')
    return f"`{text}`" if len(text) < 120 else ""


def _verbs(command: Any, name: str) -> list[tuple[str, Any]]:
    """The verbs of a command and of the groups in it, with their whole names."""
    if not hasattr(command, "commands"):
        return [(name, command)]
    return [found for word, verb in command.commands.items() for found in _verbs(verb, f"{name} {word}")]


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _cell(f"`{parameter.metavar}`")
    value = "" if parameter.is_flag else f" {parameter.metavar or parameter.name.upper()}"
    return _cell(", ".join(f"`{name}{value}`" for name in parameter.opts))


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    return "" if parameter.default in (None, False, ()) else f"`{parameter.default}`"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|")


def _type(field: pa.Field) -> str:
    return "reply" if field.type == REPLY else str(field.type).replace("element: ", "").replace("item: ", "")


def _origin(name: str) -> str:
    if name in PLAN.names:
        return "plan"
    if name in DRAFT.names:
        return "generator"
    for verifier in VERIFIERS:
        own = [*(field.name for field in verifier.columns), *(f"{verifier.name}_{part}" for part in PARTS)]
        if name in own:
            return verifier.name
    return {"query": "format", "answers": "format", "verdict": "all stages"}.get(name, "split")


def _meaning(name: str) -> str:
    stage, _, part = name.rpartition("_")
    if part in PARTS and stage in [verifier.name for verifier in VERIFIERS]:
        return PARTS[part]
    return MEANING[name]


if __name__ == "__main__":
    main()
