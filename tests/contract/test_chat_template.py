"""The chat template beside an `openai` export: what it renders, and a trainer that learns from it."""

import importlib.util
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apigen_ray.config import SAMPLE
from apigen_ray.engines.embedded import embedded_model
from apigen_ray.errors import EnvironmentFault
from apigen_ray.export.base import NO_CALL
from apigen_ray.export.openai import CHAT_TEMPLATE
from apigen_ray.export.run import export_run
from apigen_ray.records import content_hash, dumps
from apigen_ray.rundir import RunDir
from apigen_ray.storage import write_once
from apigen_ray.tables import table_of

Json = dict[str, Any]


def function(name: str, description: str, **parameters: Json) -> Json:
    schema = {"type": "object", "properties": parameters, "required": [*parameters], "additionalProperties": False}
    return {"name": name, "description": description, "parameters": schema}


ADD = function("add", "Add < 3 numbers.", n={"type": "integer"})
NAMED = function("named", "Is it a name?", text={"type": "string"})


def row(query: str, tools: list[Json], *calls: tuple[str, Json, Json]) -> Json:
    """A verified row; a call is its name, its arguments and its outcome."""
    answers = [{"name": name, "arguments": arguments} for name, arguments, _ in calls]
    texts = {"tools": dumps(tools), "answers": dumps(answers), "results": dumps([outcome for *_, outcome in calls])}
    return {"sample_id": content_hash(query), "style": "simple", "query": query, "verdict": "verified", **texts}


FOUR = {"status": "passed", "value": "4"}
LATE = {"status": "rejected", "value": None, "code": "timeout", "detail": "5 s"}
ONE = row("Two and two?", [ADD], ("add", {"n": 4}, FOUR))
TWO = row('Add 4; is "Zoë" a name?', [ADD, NAMED], ("add", {"n": 4}, FOUR), ("named", {"text": '"Zoë" <b>\n{}'}, LATE))
NO_FIT = row("What is the weather?", [NAMED])
NO_TOOLS = row("What is the time?", [])
ROWS = [ONE, TWO, NO_FIT, NO_TOOLS]


def exported(folder: Path, rows: list[Json], results: bool = False) -> Path:
    run = RunDir(folder / "run")
    run.update_manifest(fingerprint="x")
    write_once(table_of(rows, SAMPLE), run.samples(0) / "verdict=verified", "part-0")
    run.close_round(0, sorted(run.samples(0).rglob("*.parquet")))
    export_run(folder / "run", "openai", folder / "out", results=results)
    return folder / "out"


def conversations(out: Path) -> dict[str, Json]:
    """The rows of an export by their query."""
    rows = [json.loads(line) for line in (out / "train.jsonl").read_text("utf-8").splitlines()]
    return {row["messages"][0]["content"]: row for row in rows}


def rendered(conversation: Json, **options: Any) -> tuple[str, list[str]]:
    """A conversation's text, and of it what the assistant says."""
    utils = pytest.importorskip("transformers.utils.chat_template_utils", reason="transformers is not installed")
    options |= {"chat_template": CHAT_TEMPLATE.read_text("utf-8"), "return_assistant_tokens_mask": True}
    texts, spans = utils.render_jinja_template([conversation["messages"]], tools=conversation["tools"], **options)
    return texts[0], [texts[0][start:end] for start, end in spans[0]]


ADD_TEXT = (
    '{"name":"add","description":"Add < 3 numbers.","parameters":'
    '{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}}'
)
NAMED_TEXT = (
    '{"name":"named","description":"Is it a name?","parameters":'
    '{"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}}'
)
SYSTEM = """\
<|im_start|>system
You can call the functions between <tools> and </tools>, one JSON object each:
<tools>
{tools}
</tools>
Answer the request with calls, each of them in this form:
<tool_call>
{{"name":"the function","arguments":{{"the argument":"its value"}}}}
</tool_call>
If none of the functions can do what is asked, say so.<|im_end|>
"""
SAID_ONE = '<tool_call>\n{"name":"add","arguments":{"n":4}}\n</tool_call><|im_end|>'
SAID_TWO = """\
<tool_call>
{"name":"add","arguments":{"n":4}}
</tool_call>
<tool_call>
{"name":"named","arguments":{"text":"\\"Zoë\\" <b>\\n{}"}}
</tool_call><|im_end|>"""
SAID = {
    "Two and two?": SAID_ONE,
    'Add 4; is "Zoë" a name?': SAID_TWO,
    "What is the weather?": f"{NO_CALL}<|im_end|>",
    "What is the time?": f"{NO_CALL}<|im_end|>",
}
OFFERED = {
    "Two and two?": SYSTEM.format(tools=ADD_TEXT),
    'Add 4; is "Zoë" a name?': SYSTEM.format(tools=f"{ADD_TEXT}\n{NAMED_TEXT}"),
    "What is the weather?": SYSTEM.format(tools=NAMED_TEXT),
    "What is the time?": "",
}
GAVE_BACK = """\
<|im_start|>tool
<tool_response>
4
</tool_response><|im_end|>
<|im_start|>tool
<tool_response>
{"error":"timeout","detail":"5 s"}
</tool_response><|im_end|>
"""


@pytest.mark.parametrize("query", SAID)
def test_an_exported_row_as_text(tmp_path: Path, query: str) -> None:
    conversation = conversations(exported(tmp_path, ROWS))[query]
    text, said = rendered(conversation)
    asked = f"{OFFERED[query]}<|im_start|>user\n{query}<|im_end|>\n<|im_start|>assistant\n"
    assert text == f"{asked}{SAID[query]}\n"
    assert said == [SAID[query]], "the part to be learnt: all that the assistant says, and its end"
    conversation["messages"].pop()
    assert rendered(conversation, add_generation_prompt=True) == (asked, []), "what the model reads at work"


def test_results_follow_their_calls(tmp_path: Path) -> None:
    conversation = conversations(exported(tmp_path, ROWS, results=True))['Add 4; is "Zoë" a name?']
    before, _ = rendered({**conversation, "messages": conversation["messages"][:2]})
    text, said = rendered(conversation)
    assert text == before + GAVE_BACK
    assert said == [SAID_TWO], "results are read, not learnt"


def test_turns_that_users_add(tmp_path: Path) -> None:
    conversation = conversations(exported(tmp_path, ROWS))["Two and two?"]
    user, assistant = conversation["messages"]
    told = {"role": "system", "content": "Be brief."}
    text, _ = rendered({**conversation, "messages": [told, user]})
    assert text == (
        OFFERED["Two and two?"].replace("system\n", "system\nBe brief.\n\n", 1)
        + "<|im_start|>user\nTwo and two?<|im_end|>\n"
    )
    text, _ = rendered({"tools": None, "messages": [told, user, told]})
    system = "<|im_start|>system\nBe brief.<|im_end|>\n"
    assert text == f"{system}<|im_start|>user\nTwo and two?<|im_end|>\n{system}"
    spoken = {**assistant, "content": "I add."}
    assert rendered({**conversation, "messages": [user, spoken, user, spoken]})[1] == [f"I add.\n{SAID_ONE}"] * 2


def test_arguments_as_an_object_are_the_same_text(tmp_path: Path) -> None:
    """Axolotl reads the texts of `arguments` before it renders; tools may come without their wrapper."""
    conversation = conversations(exported(tmp_path, ROWS))['Add 4; is "Zoë" a name?']
    expected = rendered(conversation)
    for call in conversation["messages"][1]["tool_calls"]:
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    conversation["tools"] = [tool["function"] for tool in conversation["tools"]]
    assert rendered(conversation) == expected


def test_the_documented_row_is_rendered_so() -> None:
    page = (Path(__file__).parents[2] / "docs" / "exports.md").read_text("utf-8")
    section = page.partition("\n## openai\n")[2].partition("\n## ")[0]
    conversation, messages = (json.loads(block) for block in re.findall("```json\n(.*?)```", section, re.DOTALL))
    [told] = re.findall("```text\n(.*?)```", section, re.DOTALL)
    text, _ = rendered({**conversation, "messages": messages})
    assert text.startswith("<|im_start|>system\n")
    assert text.partition("<|im_end|>\n")[2] == told


def test_trl_takes_two_steps_on_what_the_assistant_says(tmp_path: Path) -> None:
    missing = [name for name in ("trl", "datasets", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    try:
        model = embedded_model()
    except EnvironmentFault as fault:
        pytest.skip(fault.message)
    out = exported(tmp_path, ROWS)
    # of two busy threads on two busy cores each waits for the other
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(Path(__file__).with_name("trl_steps.py")), str(model), str(out), str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    texts = [rendered(conversation) for conversation in conversations(out).values()]
    assert sorted(told["texts"]) == sorted(text for text, _ in texts)
    assert sorted(told["learnt"]) == sorted(said for _, [said] in texts)
    assert told["template"] == {"calls tools": True, "keeps prefixes": True, "learns to stop": True}
    assert len(told["losses"]) == 2
    assert all(math.isfinite(loss) and loss > 0 for loss in told["losses"])
    assert told["changed"] == told["weights"] > 200
