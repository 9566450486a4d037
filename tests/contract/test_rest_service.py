"""The REST runner against a real service on loopback: every behaviour that its documents promise, end to end."""

import base64
import json
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from apigen_ray.graph.preparing_steps import Plan, judge_accessibility
from apigen_ray.library import OpenApiSource
from apigen_ray.library.prepared import ENTRY, STEPS, api_form
from apigen_ray.records import Api, Json, Status
from apigen_ray.runners.base import ExecutionSpec, Outcome, Task
from apigen_ray.runners.rest.leases import LocalLeases
from apigen_ray.runners.rest.runner import RestRunner
from apigen_ray.runners.rest.spec import RestSpec
from apigen_ray.sampling import lexicon_files, load_lexicons
from apigen_ray.sampling.values import Arguments
from examples.rest_service.process import running

VARIABLES = ("API_KEY", "TOKEN", "USER", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET")
SECRETS = {f"ALMANAC_{name}": f"{name.lower()}-{secrets.token_hex(12)}" for name in VARIABLES}
AUTH = {
    "apiKey": "ALMANAC_API_KEY",
    "bearer": "ALMANAC_TOKEN",
    "basic": ["ALMANAC_USER", "ALMANAC_PASSWORD"],
    "oauth2": ["ALMANAC_CLIENT_ID", "ALMANAC_CLIENT_SECRET"],
}
PRIVATE = ("invoice_status", "account_balance", "mailbox_size", "department_staff")
"""An operation for each scheme, in the order of `AUTH`."""


@dataclass(frozen=True)
class Almanac:
    """The service that runs, and what its document says."""

    port: int
    apis: dict[str, Api]
    rejects: dict[str, str]

    def at(self, name: str, server: str) -> Api:
        """The operation as if its server were another one."""
        api = self.apis[name]
        assert api.source is not None
        here = json.dumps(f"http://127.0.0.1:{self.port}")
        assert api.source.request.count(here) >= 1
        return replace(api, source=replace(api.source, request=api.source.request.replace(here, json.dumps(server))))


@pytest.fixture(scope="module")
def almanac(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Almanac]:
    with running("--slow", "60", secrets=SECRETS) as url:
        path = tmp_path_factory.mktemp("almanac") / "openapi.json"
        path.write_bytes(httpx.get(f"{url}/openapi.json").content)
        parsed = OpenApiSource.model_validate({"path": str(path), "auth": AUTH}).parse(Path())
        rejects = {reject.entry: reject.code for reject in parsed.rejects}
        yield Almanac(int(url.rpartition(":")[2]), {api.name: api for api in parsed.apis}, rejects)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


def run(calls: list[tuple[Api, Json]], resolve: Any = None, **rest: Any) -> list[Outcome]:
    usual = {"allow_hosts": ["127.0.0.1"], "requests_per_s": None, "backoff_s": 0.01}
    spec = ExecutionSpec(rest=RestSpec.model_validate({**usual, **rest}))
    runner = RestRunner(spec, LocalLeases(), resolve)
    try:
        outcomes = runner.run([Task(api, json.dumps(arguments)) for api, arguments in calls])
    finally:
        runner.close()
    for outcome in outcomes:  # whatever a call does, no secret is in what becomes of it
        assert not told(json.dumps(outcome.form())), outcome
    return outcomes


def told(text: str) -> list[str]:
    """The secrets that a text tells, as they are or as part of a header of Basic."""
    user, password = SECRETS["ALMANAC_USER"], SECRETS["ALMANAC_PASSWORD"]
    hidden = [SECRETS["ALMANAC_API_KEY"], SECRETS["ALMANAC_TOKEN"], password, SECRETS["ALMANAC_CLIENT_SECRET"]]
    hidden.append(base64.b64encode(f"{user}:{password}".encode()).decode())
    return [secret for secret in hidden if secret in text]


def codes(outcomes: list[Outcome]) -> list[tuple[Status, str]]:
    return [(outcome.status, outcome.code) for outcome in outcomes]


def body(outcome: Outcome) -> Any:
    assert outcome.status == Status.PASSED, outcome
    value = json.loads(outcome.value or "")
    assert value["content_type"] == "application/json"
    return value["body"]


PASSED = (Status.PASSED, "")


def test_its_document(almanac: Almanac) -> None:
    assert almanac.rejects == {"POST /products/{product}/photo": "file_upload"}
    assert len(almanac.apis) >= 60
    assert len({api.category for api in almanac.apis.values()}) >= 8
    for api in almanac.apis.values():
        assert api.source is not None
        assert api.source.executed_by == "rest"
        assert api.description
        assert not told(api.source.request)
        # a credential goes where it is asked for, and nowhere else
        assert ("ALMANAC_" in api.source.request) == (api.name in (*PRIVATE, "transfer_money", "key_allowance"))


MISFITS = {
    "store_hours": "bad_output",  # HTML
    "lost_property": "bad_output",  # nothing
    "store_ledger": "output_too_large",
    "daily_horoscope": "http_error",  # 500
}
LATER = ("short_link", "pharmacy_search", "weather_archive")
"""What has a test of its own, since it depends on more than its arguments."""


def test_sampled_values_lead_to_answers(almanac: Almanac) -> None:
    """Each operation that works answers what is drawn for it, each that does not has its code."""
    lexicons, rng = load_lexicons(lexicon_files()), random.Random(5)
    reads = [api for api in almanac.apis.values() if api.source and api.source.entry.startswith("GET ")]
    calls = [
        (api, Arguments(api, lexicons).draw(rng))
        for api in reads
        if api.name not in LATER
        for _ in range(1 if api.name in MISFITS else 4)
    ]
    outcomes = run([(api, drawn or {}) for api, drawn in calls], max_retries=4)
    assert len(calls) >= 170
    for (api, drawn), outcome in zip(calls, outcomes, strict=True):
        assert drawn is not None
        assert outcome.code == MISFITS.get(api.name, ""), (api.name, drawn, outcome)


def accessible(apis: list[Api], **rest: Any) -> dict[str, tuple[str, str]]:
    """Status and code that the step ``accessibility`` gives each entry of a library."""
    usual = {"allow_hosts": ["127.0.0.1"], "requests_per_s": None, "max_retries": 4, "backoff_s": 0.01}
    execution = ExecutionSpec(rest=RestSpec.model_validate({**usual, **rest}))
    rows: list[Json] = [
        dict.fromkeys(ENTRY.names)
        | {"row_id": api.name, "entry": api.name, "name": api.name, "api": api_form(api)}
        | {"parse_status": "passed", "quality_status": "passed"}
        for api in apis
    ]
    runner = RestRunner(execution, LocalLeases())
    try:
        judge_accessibility(rows, Plan(STEPS, execution, load_lexicons(lexicon_files())), runner.run)
    finally:
        runner.close()
    assert not told(json.dumps(rows))
    return {row["name"]: (row["accessibility_status"], row["accessibility_code"] or "") for row in rows}


def test_a_library_keeps_what_works(almanac: Almanac) -> None:
    slow = almanac.apis["weather_archive"]
    assert accessible([slow], timeout_s=0.2) == {slow.name: ("rejected", "timeout")}
    found = accessible([api for api in almanac.apis.values() if api is not slow])
    assert sum(status == "passed" for status, _ in found.values()) >= 50
    for name, said in found.items():
        api = almanac.apis[name]
        assert api.source is not None
        if not api.source.entry.startswith("GET "):
            assert said == ("skipped", "not_requested"), name
        elif name == "short_link":  # by which of its links are drawn
            assert said[1] in ("", "redirect_refused", "blocked_address")
        else:
            assert said == (("rejected", MISFITS[name]) if name in MISFITS else ("passed", "")), name


def test_where_parameters_go(almanac: Almanac) -> None:
    asked: list[tuple[str, Json, Json]] = [
        ("book_author", {"title": "Don Quixote"}, {"author": "Miguel de Cervantes"}),
        ("exchange_rates", {"base": "EUR", "currencies": ["JPY", "USD"]}, {"rates": {"JPY": 163, "USD": 1.08}}),
        ("monthly_temperature", {"city": "Oslo", "month": "July", "X_Unit": "fahrenheit"}, {"unit": "fahrenheit"}),
        ("product_price", {"product": "desk lamp", "currency": "GBP"}, {"price": 29.66, "currency": "GBP"}),
        ("planet_weight", {"planet": "Mars", "mass_kg": 60}, {"kilograms": 22.8}),
        ("product_reviews", {"product": "toaster", "page": 2, "page_size": 3}, {"total": 7, "next_page": 3}),
    ]
    for outcome, (_, _, expected) in zip(
        run([(almanac.apis[name], arguments) for name, arguments, _ in asked]), asked, strict=True
    ):
        assert body(outcome).items() >= expected.items()


def test_what_changes_state_is_refused_unless_allowed(almanac: Almanac) -> None:
    writing: list[tuple[str, Json]] = [
        ("create_order", {"product": "hammock", "quantity": 2}),
        ("change_order", {"id": 5003, "quantity": 9}),
        ("cancel_order", {"id": 5003}),
        ("subscribe_newsletter", {"email": "mira@example.com", "topic": "garden"}),
        ("transfer_money", {"from_account": "AC-1003", "to_account": "AC-1004", "amount": 100.5}),
    ]
    calls = [(almanac.apis[name], arguments) for name, arguments in writing]
    assert codes(run(calls)) == [(Status.REJECTED, "method_refused")] * 5
    order = (almanac.apis["order_status"], {"id": 5003})
    assert body(run([order])[0])["quantity"] == 2

    methods = ["GET", "POST", "PUT", "DELETE"]
    outcomes = [run([call], methods=methods)[0] for call in calls]
    assert [json.loads(outcome.value or "")["status"] for outcome in outcomes] == [201, 200, 200, 201, 201]
    assert body(outcomes[0])["product"] == "hammock"
    assert body(outcomes[1])["quantity"] == 9
    assert body(outcomes[3]) == {"email": "mira@example.com", "topic": "garden"}
    assert body(outcomes[4])["balance"] == 15300 - 100.5
    gone = run([order])[0]
    assert (gone.status, gone.code) == (Status.REJECTED, "http_error")
    assert "404" in gone.detail
    too_many = run([(almanac.apis["create_order"], {"product": "hammock", "quantity": 99})], methods=methods)[0]
    assert (too_many.code, "422" in too_many.detail) == ("http_error", True)


PRIVATE_CALLS: list[Json] = [{"number": "INV-302"}, {"number": "AC-1001"}, {"user": "omar"}, {"department": "design"}]


def private(almanac: Almanac) -> list[tuple[Api, Json]]:
    return [(almanac.apis[name], arguments) for name, arguments in zip(PRIVATE, PRIVATE_CALLS, strict=True)]


def test_credentials_of_four_kinds(almanac: Almanac, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, account, mailbox, staff = (body(outcome) for outcome in run(private(almanac)))
    assert (invoice["total"], account["balance"], mailbox["megabytes"], staff["employees"]) == (12900, 2410.5, 128, 12)
    for api, _ in private(almanac):
        assert api.source is not None
        assert not told(api.source.request)

    for name in SECRETS:
        monkeypatch.setenv(name, "somebody-else")
    assert codes(run(private(almanac)))[:3] == [(Status.REJECTED, "http_error")] * 3
    for name in SECRETS:
        monkeypatch.delenv(name)
    outcomes = run(private(almanac))
    assert codes(outcomes) == [(Status.ERROR, "no_credentials")] * 4
    for outcome, variables in zip(outcomes, AUTH.values(), strict=True):
        assert (variables if isinstance(variables, str) else variables[0]) in outcome.detail


def test_a_service_that_repeats_the_key(almanac: Almanac, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    outcome = run([(almanac.apis["key_allowance"], {"plan": "pro"})])[0]
    assert body(outcome) == {"key": "***", "plan": "pro", "calls_left": 9000}
    assert not told(caplog.text)


def test_too_many_requests(almanac: Almanac) -> None:
    search = almanac.apis["pharmacy_search"]
    calls: list[tuple[Api, Json]] = [(search, {"city": city}) for city in ("Oslo", "Rome", "Paris", "Tokyo", "Berlin")]
    at_once = run(calls, max_retries=0)
    late = [outcome for outcome in at_once if outcome.status != Status.PASSED]
    assert codes(late) == [(Status.ERROR, "endpoint_unavailable")] * max(1, len(late))
    assert all("429" in outcome.detail for outcome in late)
    patient = run(calls, max_retries=2)  # Retry-After: 1
    assert codes(patient) == [PASSED] * 5


def test_failures_now_and_then(almanac: Almanac) -> None:
    calls: list[tuple[Api, Json]] = [(almanac.apis["stock_price"], {"symbol": "ALPN"})] * 6
    once = run(calls, max_retries=0)
    assert sorted(codes(once)) == sorted([PASSED] * 4 + [(Status.ERROR, "endpoint_unavailable")] * 2)
    assert codes(run(calls, max_retries=3)) == [PASSED] * 6


def test_slowness(almanac: Almanac) -> None:
    slow: list[tuple[Api, Json]] = [(almanac.apis["weather_archive"], {"city": "Oslo", "year": 1999})]
    for limit in ({"timeout_s": 0.2}, {"read_timeout_s": 0.2}):
        assert codes(run(slow, **limit)) == [(Status.REJECTED, "timeout")]


def test_answers_that_are_none(almanac: Almanac) -> None:
    calls: list[tuple[Api, Json]] = [
        (almanac.apis["store_hours"], {"store": "Station"}),
        (almanac.apis["lost_property"], {"city": "Oslo"}),
        (almanac.apis["daily_horoscope"], {"sign": "leo"}),
        (almanac.apis["store_ledger"], {"store": "Station"}),
        (almanac.apis["word_definition"], {"word": "xyzzy"}),
        (almanac.apis["word_definition"], {}),
    ]
    outcomes = run(calls, max_bytes=1 << 20)
    found = ["bad_output", "bad_output", "http_error", "output_too_large", "http_error", "argument_error"]
    assert codes(outcomes) == [(Status.REJECTED, code) for code in found]
    assert "HTML" in outcomes[0].detail
    assert "there is no 'xyzzy'" in outcomes[4].detail
    whole = run(calls[3:4], max_bytes=8 << 20)[0]
    assert len(body(whole)) == 60_000


def test_redirects(almanac: Almanac) -> None:
    link = almanac.apis["short_link"]
    calls: list[tuple[Api, Json]] = [
        (almanac.apis["country_currency"], {"country": "Norway"}),
        (link, {"link": "capital-of-norway"}),
        (link, {"link": "round"}),
        (link, {"link": "credentials"}),
    ]
    moved, capital, endless, metadata = run(calls)
    assert body(moved) == {"country": "Norway", "currency": "Norwegian krone"}
    assert body(capital)["capital"] == "Oslo"
    assert (endless.status, endless.code) == (Status.REJECTED, "redirect_refused")
    assert (metadata.status, metadata.code) == (Status.REJECTED, "blocked_address")
    assert "169.254.169.254" in metadata.detail
    assert codes(run(calls[:1], max_redirects=0)) == [(Status.REJECTED, "redirect_refused")]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"])
def test_private_addresses_are_not_asked(almanac: Almanac, host: str) -> None:
    api = almanac.at("planet_radius", f"http://{host}:{almanac.port}")
    assert codes(run([(api, {"planet": "Mars"})], allow_hosts=[])) == [(Status.REJECTED, "blocked_address")]
    assert codes(run([(api, {"planet": "Mars"})], allow_hosts=[f"127.0.0.1:{almanac.port + 1}"])) == [
        (Status.REJECTED, "blocked_address")
    ]


def test_a_name_that_leads_elsewhere_the_second_time(almanac: Almanac) -> None:
    """The connection is made to the address that was judged, so that nobody asks for the name again."""
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    api = almanac.at("planet_radius", f"http://almanac.example:{almanac.port}")
    call: list[tuple[Api, Json]] = [(api, {"planet": "Mars"})]
    assert codes(run(call, resolve, allow_hosts=["almanac.example"])) == [PASSED]
    assert asked == ["almanac.example"]
    assert codes(run(call, resolve, allow_hosts=["almanac.example"])) == [(Status.REJECTED, "blocked_address")]
    asked.clear()
    assert codes(run(call, resolve, allow_hosts=[])) == [(Status.REJECTED, "blocked_address")]


def test_nobody_there(almanac: Almanac) -> None:
    api = almanac.at("planet_radius", "http://127.0.0.1:1")
    assert codes(run([(api, {"planet": "Mars"})])) == [(Status.ERROR, "endpoint_unavailable")]
