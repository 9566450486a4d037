"""The examples themselves: that they are what a run can be tried on, and what they promise beside answering."""

import asyncio
import importlib
import pkgutil
from collections import Counter, defaultdict, deque
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import HTTPException

from apigen_ray.library import functions
from apigen_ray.library.categories import CATEGORIES
from examples.mcp_server.server import office
from examples.rest_service.app import create_app
from examples.rest_service.areas import AREAS
from examples.rest_service.conduct import Flaky, Page, RateLimit
from examples.rest_service.database import known, one, open_database


def test_the_service_says_what_it_offers() -> None:
    document = create_app("http://127.0.0.1:1").openapi()
    operations = [form for item in document["paths"].values() for form in item.values()]
    assert len(operations) >= 40
    assert document["servers"] == [{"url": "http://127.0.0.1:1"}]
    assert {tag for form in operations for tag in form["tags"]} == set(AREAS) <= set(CATEGORIES)
    assert len(AREAS) >= 8
    assert set(document["components"]["securitySchemes"]) == {"apiKey", "bearer", "basic", "oauth2"}
    methods = Counter(method for item in document["paths"].values() for method in item)
    assert methods["get"] > 40
    assert set(methods) == {"get", "post", "put", "delete"}
    for form in operations:
        assert form["description"].endswith("."), form["operationId"]
        for parameter in form.get("parameters", ()):
            assert parameter["description"], (form["operationId"], parameter["name"])


def test_one_library_holds_them_and_our_functions() -> None:
    modules = [f"{functions.__name__}.{info.name}" for info in pkgutil.iter_modules(functions.__path__)]
    ours = {name for module in modules for name in importlib.import_module(module).__all__}
    assert len(ours) > 100
    paths = create_app().openapi()["paths"].values()
    names = [form["operationId"] for item in paths for form in item.values()]
    assert len(set(names)) == len(names)
    assert not ours & set(names)


def test_the_data_are_the_same_each_time_and_kept_in_a_file(tmp_path: Any) -> None:
    assert "\n".join(open_database().iterdump()) == "\n".join(open_database().iterdump())
    path = str(tmp_path / "almanac.db")
    first = open_database(path)
    with first:
        first.execute("DELETE FROM planet WHERE name = 'Mars'")
    first.close()
    again = open_database(path)
    assert again.execute("SELECT count(*) FROM planet").fetchone()[0] == 7
    again.close()


def test_what_is_not_there_is_404() -> None:
    database = open_database()
    assert one(database, "SELECT capital FROM country WHERE name = ?", "Norway") == {"capital": "Oslo"}
    with pytest.raises(HTTPException) as raised:
        one(database, "SELECT capital FROM country WHERE name = ?", "Atlantis")
    assert raised.value.status_code == 404
    assert "Mars" in known("planet")["enum"]


def requests_to(name: str) -> Any:
    state = SimpleNamespace(passed=defaultdict(deque), counts=Counter())
    return SimpleNamespace(app=SimpleNamespace(state=state), scope={"route": SimpleNamespace(name=name)})


def answers(dependency: Any, count: int) -> list[int]:
    request = requests_to("x")
    found: list[int] = []
    waits: list[int] = []
    for _ in range(count):
        try:
            asyncio.run(dependency(request))
            found.append(200)
        except HTTPException as error:
            found.append(error.status_code)
            if error.status_code == 429:
                waits.append(int((error.headers or {})["Retry-After"]))
    assert all(wait >= 1 for wait in waits)
    return found


def test_failures_come_at_their_time() -> None:
    assert answers(Flaky(3), 7) == [503, 200, 200, 503, 200, 200, 503]
    assert answers(RateLimit(2, seconds=3600), 4) == [200, 200, 429, 429]
    assert answers(RateLimit(1, seconds=0), 3) == [200, 200, 200]


def test_pages() -> None:
    rows = [{"n": n} for n in range(5)]
    assert Page(1, 2).of(rows) == {"items": rows[:2], "total": 5, "next_page": 2}
    assert Page(3, 2).of(rows) == {"items": rows[4:], "total": 5, "next_page": None}
    assert Page(9, 2).of(rows) == {"items": [], "total": 5, "next_page": None}


def test_the_office_has_tools_of_every_kind() -> None:
    async def calls() -> list[Any]:
        asked: list[tuple[str, dict[str, Any]]] = [
            ("beaufort", {"wind": 26}),
            ("spell", {"word": "Oslo"}),
            ("passage_time", {"distance": 120, "speed": 6.5}),
            ("distance_between", {"origin": "Oslo", "destination": "Oslo"}),
            ("tide_height", {"harbour": "Cork", "day": "2025-01-01", "hour": 0}),
        ]
        return [(await office.call_tool(name, given)).structured_content for name, given in asked]

    tools = asyncio.run(office.list_tools())
    assert len(tools) >= 10
    assert all(tool.description and tool.input_schema["properties"] for tool in tools)
    wind, spelt, passage, nowhere, tide = asyncio.run(calls())
    assert wind == {"force": 6, "name": "strong breeze"}
    assert spelt == {"result": "Oscar Sierra Lima Oscar"}
    assert passage == {"hours": 18.46, "text": "18 h 28 min"}
    assert (nowhere, tide) == ({"result": 0.0}, {"result": 3.0})
