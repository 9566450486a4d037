"""Whatever the arguments of a call hold, its request goes where the form says, or is told to be none."""

import re
from typing import Any
from urllib.parse import urlsplit

from hypothesis import example, given, settings
from hypothesis import strategies as st

from apigen_ray.library.request import FieldForm, RequestForm
from apigen_ray.runners.rest.encode import encode

STYLES = {
    "path": ("simple", "label", "matrix", "pipeDelimited"),
    "query": ("form", "spaceDelimited", "tabDelimited", "deepObject"),
    "header": ("simple", "spaceDelimited"),
    "cookie": ("form",),
}
FIELDS = tuple(
    FieldForm(f"{place}{n}", f"X-{place}{n}", place, style, n % 2 == 1, reserved=place == "query" and n > 3)
    for place, styles in STYLES.items()
    for n, style in enumerate(style for style in styles for _ in range(2))
)
PATHS = [field for field in FIELDS if field.place == "path"]
FORMS = [
    RequestForm("POST", "https://a.example/v1", "/s/" + "/".join(f"{{{field.original}}}" for field in PATHS) + "/end",
                (*FIELDS, FieldForm("body", "body", place)), media)
    for place, media in (("body", "application/json"), ("form", "multipart/form-data"),
                         ("form", "application/x-www-form-urlencoded"))
]  # fmt: skip
TEXTS = st.text() | st.sampled_from(
    ["..", ".", "a/../b", "%2e%2e", "\r\nX: y", "#", "?a=b", "//h", "@h", "; a=b", "é", "\ud800"]
)
PLAIN = TEXTS | st.none() | st.booleans() | st.integers() | st.floats()
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=6)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FORMS), st.sampled_from(FIELDS), VALUES, VALUES)
@example(FORMS[0], PATHS[0], "..", None)
def test_a_request_goes_where_its_form_says(form: RequestForm, field: FieldForm, value: Any, body: Any) -> None:
    arguments = {path.name: "p" for path in PATHS} | {field.name: value, "body": body}
    try:
        request = encode(form, arguments)
    except ValueError:
        return
    url = urlsplit(request.url)
    assert (url.scheme, url.netloc, url.fragment) == ("https", "a.example", "")
    assert re.fullmatch(r"[!-~]+", request.url)
    segments = url.path.split("/")
    assert (segments[:3], len(segments), segments[-1]) == (["", "v1", "s"], 4 + len(PATHS), "end")
    assert not {".", ".."} & set(segments)
    assert all(re.fullmatch(r"[\t -~]*", text) for pair in request.headers for text in pair)
    assert {name for name, _ in request.headers} <= {field.original, "Cookie", "Content-Type"}
    if field.place != "query":
        assert not url.query
