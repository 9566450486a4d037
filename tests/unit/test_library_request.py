"""The form of a request: its JSON text says all of it, and nothing twice."""

import json

import pytest

from apigen_ray.library.request import FieldForm, RequestForm, SecretForm

PLAIN = RequestForm("GET", "https://a.example/v1", "/pets")
WHOLE = RequestForm(
    "POST",
    "https://a.example/v1",
    "/pets/{pet-id}?all",
    fields=(
        FieldForm("pet_id", "pet-id", "path", "matrix", explode=True),
        FieldForm("q", "q", "query", "form", reserved=True, empty=True),
        FieldForm("größe", "größe", "property", content="application/json"),
    ),
    media="application/json",
    body=True,
    constants=(("header", "X-Target", "only"),),
    auth=(
        SecretForm("apiKey", "header", "X-Api-Key", ("KEY",)),
        SecretForm("oauth2", "header", "Authorization", ("ID", "SECRET"), "https://a.example/token", ("read", "write")),
    ),
)


@pytest.mark.parametrize("form", [PLAIN, WHOLE])
def test_the_text_says_all_of_it(form: RequestForm) -> None:
    assert RequestForm.loads(form.dumps()) == form
    assert RequestForm.loads(form.dumps()).dumps() == form.dumps()


def test_defaults_are_not_written() -> None:
    assert json.loads(PLAIN.dumps()) == {"method": "GET", "server": "https://a.example/v1", "path": "/pets"}
    assert json.loads(WHOLE.dumps())["fields"][1] == {
        "name": "q", "original": "q", "place": "query", "style": "form", "reserved": True, "empty": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "{", "5", "[]", "{}", '{"method": "GET", "server": "", "path": "", "more": 1}',
             '{"method": "GET", "server": "", "path": "", "fields": [5]}',
             '{"method": "GET", "server": "", "path": "", "constants": [[1, 2]]}']
)  # fmt: skip
def test_a_text_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no form of a request"):
        RequestForm.loads(text)
