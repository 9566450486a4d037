"""Documents that nobody in the project wrote: nearly all entries become APIs, and each of the others says why."""

import json
import random
import re
from collections import Counter
from functools import lru_cache
from pathlib import Path

import jsonschema_rs
import pytest

from apigen_ray.library import Parsed
from apigen_ray.library.base import ApiSource
from apigen_ray.library.dataset import DatasetSource
from apigen_ray.library.mcp import McpSource
from apigen_ray.library.openapi import OpenApiSource
from apigen_ray.library.rapidapi import RapidApiSource
from apigen_ray.library.request import RequestForm
from apigen_ray.runners.rest.encode import encode
from apigen_ray.sampling.values import Arguments

DATA = Path(__file__).parents[2].parent / "shared" / "data"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not beside this checkout")

EXPECTED = {"openapi": (510, {"file_upload": 1}), "rapidapi": (144, {}), "mcp": (137, {}), "dataset": (1324, {})}
"""kind -> (APIs, rejects by code). The one operation rejected takes an archive, ``in: formData`` and ``type: file``."""


def sources() -> list[ApiSource]:
    specs = json.loads((DATA / "openapi_specs" / "index.json").read_text())
    return [
        *(OpenApiSource(path=f"openapi_specs/{entry['file']}") for entry in specs),
        RapidApiSource(path="toolbench_tools"),
        McpSource(path="mcp_tools.json"),
        DatasetSource(path="xlam_samples.jsonl"),
        DatasetSource(path="bfcl_candidates.jsonl"),
    ]


@lru_cache(maxsize=1)
def parsed() -> list[tuple[ApiSource, Parsed]]:
    return [(source, source.parse(DATA)) for source in sources()]


def test_what_becomes_an_api() -> None:
    assert Counter(source.kind for source in sources())["openapi"] == 21
    assert len(list((DATA / "toolbench_tools").rglob("*.json"))) == 40
    apis: Counter[str] = Counter()
    rejects: dict[str, Counter[str]] = {kind: Counter() for kind in EXPECTED}
    for source, found in parsed():
        apis[source.kind] += len(found.apis)
        rejects[source.kind].update(reject.code for reject in found.rejects)
    assert {kind: (apis[kind], dict(rejects[kind])) for kind in EXPECTED} == EXPECTED
    assert sum(apis.values()) >= 0.99 * (sum(apis.values()) + sum(sum(codes.values()) for codes in rejects.values()))


def test_names_and_schemas() -> None:
    for source, found in parsed():
        names = [api.name for api in found.apis]
        assert len(set(names)) == len(names), source
        for api in found.apis:
            assert re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", api.name)
            assert jsonschema_rs.meta.is_valid(api.parameters), api.name
            jsonschema_rs.Draft202012Validator(api.parameters)
            assert "$ref" not in json.dumps(api.parameters, allow_nan=False)
            assert api.returns is None or jsonschema_rs.meta.is_valid(api.returns)
            if source.kind in ("openapi", "rapidapi"):
                assert all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,63}", name) for name in api.parameters["properties"])


def test_no_credential_is_shown() -> None:
    secret = re.compile("(?i)(x-?)?(rapid)?api_?key|authorization|.*(access|oauth)_?token|x_amz_(signature|credential)")
    for source, found in parsed():
        for api in found.apis:
            shown = [name for name in api.parameters["properties"] if secret.fullmatch(name)]
            assert not shown, (source.kind, api.name, shown)
    hidden = Counter(bool(api.source and api.source.hidden) for _, found in parsed() for api in found.apis)
    assert hidden[True] > 200


def test_operations_can_be_called() -> None:
    """All but those with a body of ``application/jwt``: their forms make a request of calls that fit the schema."""
    operations = [api for source, found in parsed() for api in found.apis if source.kind == "openapi"]
    forms = [(api, RequestForm.loads(api.source.request)) for api in operations if api.source and api.source.request]
    assert (len(operations), len(forms)) == (510, 505)
    assert all(api.source and api.source.executed_by == "rest" for api, _ in forms)
    drawn = [(form, Arguments(api, {}).draw(random.Random(api.name))) for api, form in forms]
    requests = [(form, arguments, encode(form, arguments)) for form, arguments in drawn if arguments is not None]
    assert len(requests) > 450
    for form, arguments, request in requests:
        assert request.url.startswith(f"{form.server}/")
        assert request.url.isascii()
        assert "{" not in request.url
        names = {field.original for field in form.fields if field.place == "property" and field.name in arguments}
        assert not names or json.loads(request.body).keys() == names
