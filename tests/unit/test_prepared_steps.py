"""The steps of preparing a library: what passes, what falls and why, what is never done twice; no Ray, no network."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from apigen_ray.asks.categorise import Categorise, category_said
from apigen_ray.asks.describe import Describe, undescribed
from apigen_ray.graph.preparing import to_ask
from apigen_ray.graph.preparing_steps import (
    EXAMPLE,
    Plan,
    judge_accessibility,
    judge_quality,
    use_category,
    use_description,
)
from apigen_ray.library.categories import CATEGORIES
from apigen_ray.library.mcp import StdioServer, ToolForm
from apigen_ray.library.prepared import ENTRY, STEPS, api_form, api_of, blame
from apigen_ray.library.quality import LONGEST, noise
from apigen_ray.library.request import RequestForm
from apigen_ray.records import Api, Source, Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task

PLAN = Plan(STEPS, ExecutionSpec(), {})
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FINE = "Tell the weather of a city."


def api(description: str = FINE, **rest: Any) -> Api:
    rest = {"parameters": CITY, "category": "Weather", "source": Source("python", "f.py", "weather")} | rest
    return Api("weather", description, **rest)


def http(method: str, server: str = "https://example.com") -> Api:
    request = RequestForm(method, server, "/weather").dumps()
    return api(source=Source("openapi", "a.json", f"{method} /weather", runner="rest", request=request))


def row(made: Api | None = None, **values: Any) -> dict[str, Any]:
    made = made or api()
    out = dict.fromkeys(ENTRY.names) | {"row_id": "r", "entry": "weather", "name": made.name, "api": api_form(made)}
    return out | {"parse_status": "passed", "parse_code": "", "parse_detail": ""} | values


def passed(**values: Any) -> dict[str, Any]:
    """A row that has come as far as the description."""
    return row(**{"quality_status": "passed", "accessibility_status": "passed"} | values)


def said(one: dict[str, Any], step: str) -> tuple[str | None, str]:
    return one[f"{step}_status"], one[f"{step}_code"]


class Calls:
    """Stands for the runners: gives one outcome after another for each try, and keeps the arguments."""

    def __init__(self, *outcomes: Outcome | Any) -> None:
        self.outcomes = [each if isinstance(each, Outcome) else ok(each) for each in outcomes]
        self.arguments: list[Any] = []

    def __call__(self, tasks: Sequence[Task]) -> list[Outcome]:
        self.arguments += [json.loads(task.arguments) for task in tasks]
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        return [outcome] * len(tasks)


def ok(value: Any) -> Outcome:
    return Outcome(Status.PASSED, value=json.dumps(value))


def fell(code: str, status: Status = Status.REJECTED) -> Outcome:
    return Outcome(status, code, detail="because")


def accessible(one: dict[str, Any], *outcomes: Any, plan: Plan = PLAN) -> Calls:
    calls = Calls(*outcomes)
    judge_accessibility([one], plan, calls)
    return calls


# Quality


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        (api(), ("passed", "")),
        (
            api(parameters={"type": "object", "properties": {}, "additionalProperties": False}),
            ("rejected", "no_parameters"),
        ),
        (api(""), ("rejected", "no_description")),
        (api("weather"), ("rejected", "no_description")),
        (api("- / 12"), ("rejected", "no_description")),
    ],
)
def test_quality(made: Api, verdict: tuple[str, str]) -> None:
    one = row(made)
    judge_quality([one], PLAN, {})
    assert said(one, "quality") == verdict


def test_a_missing_description_may_be_written_where_somebody_writes() -> None:
    one = row(api(""))
    judge_quality([one], Plan(STEPS, ExecutionSpec(), {}, writes=True), {})
    assert said(one, "quality") == ("passed", "")
    judge_quality([one], Plan(("quality",), ExecutionSpec(), {}, writes=True), {})
    assert said(one, "quality") == ("rejected", "no_description"), "it is looked at anew: who writes has gone"


def test_a_duplicate_names_the_one_it_repeats() -> None:
    one = row()
    judge_quality([one], PLAN, {"r": "weather_1"})
    assert said(one, "quality") == ("rejected", "duplicate")
    assert one["quality_detail"].startswith("weather_1 ")


def test_what_could_not_be_read_reaches_no_step() -> None:
    one = row() | {"parse_status": "rejected", "parse_code": "malformed", "api": None}
    judge_quality([one], PLAN, {})
    accessible(one, 1)
    use_description(one, PLAN)
    use_category(one, PLAN)
    assert {said(one, step) for step in STEPS} == {("skipped", "earlier_stage")}
    assert blame(one) == ("parse", "rejected", "malformed", "")


# Accessibility


def test_a_call_that_is_answered_is_kept_as_an_example() -> None:
    one = row(quality_status="passed")
    calls = accessible(one, {"degrees": 21})
    assert said(one, "accessibility") == ("passed", "")
    assert json.loads(one["example"]) == {"arguments": calls.arguments[0], "result": {"degrees": 21}}
    long = row(quality_status="passed")
    accessible(long, "x" * (2 * EXAMPLE))
    assert len(json.loads(long["example"])["result"]) == EXAMPLE + 1


def test_other_values_are_tried_and_the_first_that_is_answered_counts() -> None:
    one = row(quality_status="passed")
    calls = accessible(one, fell("http_error"), fell("timeout"), [1])
    assert said(one, "accessibility") == ("passed", "")
    assert len(calls.arguments) == len({call["city"] for call in calls.arguments}) == 3
    assert json.loads(one["example"])["arguments"] == calls.arguments[2]
    again = row(quality_status="passed")
    assert accessible(again, fell("http_error"), fell("timeout"), [1]).arguments == calls.arguments, (
        "the same each time"
    )


@pytest.mark.parametrize(
    ("outcomes", "verdict", "tries"),
    [
        ([fell("http_error")], ("rejected", "http_error"), 3),
        ([fell("timeout")], ("rejected", "timeout"), 3),
        ([fell("bad_output")], ("rejected", "bad_output"), 3),
        ([fell("endpoint_unavailable", Status.ERROR)], ("error", "endpoint_unavailable"), 3),
        ([fell("endpoint_unavailable", Status.ERROR), fell("http_error")], ("rejected", "http_error"), 3),
        ([fell("blocked_address")], ("rejected", "blocked_address"), 1),
        ([fell("no_credentials", Status.ERROR)], ("error", "no_credentials"), 1),
        ([None], ("rejected", "empty_answer"), 3),
        ([{}], ("rejected", "empty_answer"), 3),
        ([[], [1]], ("passed", ""), 2),
        ([{"error": "no such city"}], ("rejected", "error_answer"), 3),
        ([{"error": "", "message": "fine"}], ("passed", ""), 1),
        ([{"errors": 3, "city": "Oslo"}], ("passed", ""), 1),
        ([0], ("passed", ""), 1),
        ([False], ("passed", ""), 1),
    ],
)
def test_what_an_answer_comes_to(outcomes: list[Any], verdict: tuple[str, str], tries: int) -> None:
    one = row(quality_status="passed")
    calls = accessible(one, *outcomes)
    assert (said(one, "accessibility"), len(calls.arguments)) == (verdict, tries)
    assert (one["example"] is None) == (verdict[0] != "passed")


def test_of_an_http_answer_the_body_is_looked_at() -> None:
    for body, verdict in (({}, "empty_answer"), (None, "empty_answer"), ({"error": "x"}, "error_answer"), ([1], "")):
        one = row(http("GET"), quality_status="passed")
        accessible(one, {"status": 200, "content_type": "application/json", "body": body})
        assert one["accessibility_code"] == verdict


@pytest.mark.parametrize(
    ("made", "plan", "words"),
    [
        (http("POST"), PLAN, "POST may change something"),
        (api(source=Source("openapi", "a.json", "GET /x")), PLAN, "nothing is behind it"),
        (api(), Plan(STEPS, ExecutionSpec(mode="none"), {}), "execution.mode is none"),
        (
            api(
                source=Source(
                    "mcp",
                    "t.json",
                    "w",
                    runner="mcp",
                    request=ToolForm(server=StdioServer(command=("x",)), tool="w").dumps(),
                )
            ),
            PLAN,
            "only reads",
        ),
    ],
)
def test_what_may_change_something_is_not_called_unless_it_is_allowed(made: Api, plan: Plan, words: str) -> None:
    one = row(made, quality_status="passed")
    assert accessible(one, 1, plan=plan).arguments == []
    assert said(one, "accessibility") == ("skipped", "not_requested")
    assert words in one["accessibility_detail"]
    assert blame(one) is None, "a run may offer it all the same"


def test_a_method_that_is_allowed_is_called() -> None:
    allowed = Plan(STEPS, ExecutionSpec.model_validate({"rest": {"methods": ["GET", "POST"]}}), {})
    one = row(http("POST"), quality_status="passed")
    assert len(accessible(one, {"status": 201, "body": {"id": 1}}, plan=allowed).arguments) == 1
    assert said(one, "accessibility") == ("passed", "")


def test_a_made_up_answer_shows_nothing() -> None:
    one = row(http("GET"), quality_status="passed")
    simulate = Plan(STEPS, ExecutionSpec(mode="simulate"), {})
    accessible(one, Outcome(Status.PASSED, value="1", simulated=True), plan=simulate)
    assert said(one, "accessibility") == ("skipped", "not_requested")


def test_the_documents_own_examples_are_tried_first() -> None:
    form = {
        "id": {"type": "integer", "examples": [7]},
        "unit": {"type": "string", "default": "C"},
        "q": {"type": "string"},
    }
    made = api(parameters={"type": "object", "properties": form, "required": ["id", "unit"]})
    assert accessible(row(made, quality_status="passed"), 1).arguments == [{"id": 7, "unit": "C"}]


def test_a_value_that_cannot_be_drawn_is_told() -> None:
    form = {"code": {"type": "string", "pattern": "^[0-9]{9}X$"}}
    one = row(api(parameters={"type": "object", "properties": form, "required": ["code"]}), quality_status="passed")
    assert accessible(one, 1).arguments == []
    assert said(one, "accessibility") == ("rejected", "no_values")


@pytest.mark.parametrize(
    ("status", "code", "tries"),
    [
        ("passed", "", 0),
        ("rejected", "http_error", 0),
        ("error", "endpoint_unavailable", 1),
        ("skipped", "not_requested", 1),
        ("skipped", "earlier_stage", 1),
        ("rejected", "blocked_address", 1),
    ],
)
def test_a_verdict_is_not_made_twice(status: str, code: str, tries: int) -> None:
    one = row(quality_status="passed", accessibility_status=status, accessibility_code=code, accessibility_detail="d")
    before = dict(one)
    assert len(accessible(one, 1).arguments) == tries
    assert tries or one == before


def test_a_step_that_is_not_asked_for_says_so_and_keeps_what_it_said() -> None:
    plan = Plan(("quality",), ExecutionSpec(), {})
    one = row(quality_status="passed")
    accessible(one, 1, plan=plan)
    assert said(one, "accessibility") == ("skipped", "not_requested")
    for status, code in (("error", "endpoint_unavailable"), ("passed", ""), ("rejected", "timeout")):
        one = row(quality_status="passed", accessibility_status=status, accessibility_code=code)
        accessible(one, 1, plan=plan)
        assert said(one, "accessibility") == (status, code)


# Description and category

WRITES = Plan(STEPS, ExecutionSpec(), {}, writes=True)


def reply(text: str | None = None, error: str | None = None) -> dict[str, Any]:
    return {"text": text, "error": error}


@pytest.mark.parametrize(
    ("description", "why"),
    [
        (FINE, ""),
        ("Über die Wetterlage in Städten berichten.", ""),
        ("Compare a < b and b > c for two numbers.", ""),
        ("", "missing"),
        ("weather", "fewer"),
        ("<p>Tell the weather</p>", "HTML"),
        ("Tell the weather &amp; wind", "HTML"),
        ("Tell the weather, see [docs](x)", "Markdown"),
        ("See https://example.com for the weather", "link"),
        ("TODO: say what it does", "says nothing"),
        ("Wetter fÃ¼r eine Stadt", "decoded"),
        ("long words " * LONGEST, "longer"),
    ],
)
def test_noise(description: str, why: str) -> None:
    found = noise(api(description), 2)
    assert why in found
    assert bool(why) == bool(found)


def test_a_name_is_no_description() -> None:
    made = Api("get_weather_city", "Get weather city.", CITY)
    assert noise(made, 2) == "it only says the name"


def test_a_description_is_written_anew_and_the_original_kept() -> None:
    one = passed(made=api("<b>weather</b> of it"))
    ask = Describe(2)
    assert to_ask(one, "description", WRITES, ask)
    request = ask.request(one)
    assert request.schema is not None
    assert request.schema["properties"]["parameters"]["required"] == ["city"]
    for words in ("<b>weather</b>", "weather", "city"):
        assert words in request.messages[1]["content"]
    one["describe"] = reply(json.dumps({"description": FINE, "parameters": {"city": "Its  name.", "other": "no"}}))
    use_description(one, WRITES)
    assert said(one, "description") == ("passed", "")
    new = api_of(one["api"])
    assert (new.description, new.parameters["properties"]) == (
        FINE,
        {"city": {"type": "string", "description": "Its name."}},
    )
    assert json.loads(one["original"]) == {"description": "<b>weather</b> of it", "parameters": CITY}
    before = dict(one)
    assert not to_ask(one, "description", WRITES, ask)
    use_description(one, WRITES)
    assert one == before


def test_what_the_schema_says_of_a_parameter_stays() -> None:
    form = {"type": "object", "properties": {"city": {"type": "string", "description": "Theirs."}, "day": {}}}
    made = api("", parameters=form)
    assert undescribed(made) == ["day"]
    new = Describe(2).described(made, json.dumps({"description": FINE, "parameters": {"city": "Ours.", "day": "D."}}))
    assert new is not None
    assert [part["description"] for part in new.parameters["properties"].values()] == ["Theirs.", "D."]


@pytest.mark.parametrize(
    "text", ["", "weather", "[]", '{"description": 3}', '{"description": "<p>Tell the weather</p>"}']
)
def test_a_reply_that_is_no_better_rejects(text: str) -> None:
    one = passed(made=api(""), describe=reply(text))
    use_description(one, WRITES)
    assert said(one, "description") == ("rejected", "not_described")
    assert api_of(one["api"]).description == ""
    assert one["original"] is None


def test_a_fine_description_is_not_asked_about() -> None:
    one = passed()
    assert not to_ask(one, "description", WRITES, Describe(2))
    use_description(one, PLAN)
    assert said(one, "description") == ("passed", "")


Use = Callable[[dict[str, Any], Plan], None]


@pytest.mark.parametrize(
    ("step", "ask", "use"), [("description", Describe(2), use_description), ("category", Categorise(), use_category)]
)
def test_an_engine_that_fails_is_an_error_and_asked_again(step: str, ask: Any, use: Use) -> None:
    one = passed(made=api("", category="public"))
    if step == "category":
        one["description_status"] = "passed"
    use(one, PLAN)
    assert said(one, step) == ("skipped", "not_requested"), "nobody writes"
    use(one, WRITES)
    assert said(one, step) == ("skipped", "not_requested"), "a run that was stopped has asked nobody"
    assert to_ask(one, step, WRITES, ask)
    assert not to_ask(one, step, Plan(("quality",), ExecutionSpec(), {}, writes=True), ask)
    one[ask.name] = reply(error="endpoint_down: gone")
    use(one, WRITES)
    assert said(one, step) == ("error", "engine_error")
    assert to_ask(one, step, WRITES, ask)
    one[ask.name] = reply(text="{}")
    assert not to_ask(one, step, WRITES, ask), "it was paid for"


def test_a_source_that_tells_its_category_is_believed() -> None:
    one = passed(description_status="passed")
    assert not to_ask(one, "category", WRITES, Categorise())
    use_category(one, PLAN)
    assert said(one, "category") == ("passed", "")
    assert (api_of(one["api"]).category, one["category_detail"]) == ("Environment", "the source says 'Weather'")


@pytest.mark.parametrize(
    ("text", "category"),
    [('{"category": "Travel"}', "Travel"), ("travel", "Travel"), ('{"category": "Ships"}', "Other"), ("[1]", "Other")],
)
def test_a_model_chooses_where_the_source_leaves_it_open(text: str, category: str) -> None:
    one = passed(made=api(category="public"), description_status="passed")
    request = Categorise().request(one)
    assert "public" in request.messages[1]["content"]
    assert all(name in request.messages[0]["content"] for name in CATEGORIES)
    one["categorise"] = reply(text)
    use_category(one, WRITES)
    assert said(one, "category") == ("passed", "")
    assert api_of(one["api"]).category == category
    assert (category_said(text) is None) == ("named none" in one["category_detail"])
