"""What the samplers read: seeds, templates, categories and lexicons, ours and the user's."""

import json
from pathlib import Path

import pytest

from apigen_ray.errors import ConfigError, RecordError
from apigen_ray.records import Api, Mode, Style
from apigen_ray.sampling import (
    OUR_TEMPLATES,
    lexicon_files,
    lexicons_digest,
    load_categories,
    load_lexicons,
    load_seeds,
    load_templates,
    seeds_digest,
    templates_digest,
    with_categories,
)

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
LIBRARY = (Api("add", "Adds.", SCHEMA), Api("sub", "Subtracts.", SCHEMA))


def seed(**changes):
    form = {"style": "simple", "query": "Add 3.", "tools": ["add"], "answers": [{"name": "add", "arguments": {"a": 3}}]}
    return {key: value for key, value in (form | changes).items() if value is not ...}


def written(tmp_path: Path, text: str, name: str = "f.jsonl") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_seeds_name_tools_bring_them_or_leave_them(tmp_path):
    other = {"name": "mul", "description": "d", "parameters": SCHEMA}
    lines = [
        seed(),
        seed(tools=...),
        seed(tools=[other, "sub"], answers=[{"name": "mul", "arguments": {"a": 1}}], style="multiple"),
        seed(style="irrelevance", answers=[]),
    ]
    seeds = load_seeds(written(tmp_path, "\n\n".join(map(json.dumps, lines)) + "\n"), LIBRARY)
    assert [example.style for example in seeds] == ["simple", "simple", "multiple", "irrelevance"]
    assert [[tool["name"] for tool in example.tools] for example in seeds] == [
        ["add"],
        ["add"],
        ["mul", "sub"],
        ["add"],
    ]
    assert seeds[0].answers[0].arguments == {"a": 3}
    assert seeds_digest(seeds) != seeds_digest(seeds[:3])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is not an object"),
        (seed(style="easy"), "'easy' is no style"),
        (seed(query=" "), "query: is no text"),
        (seed(answers={}), "answers: is not a list"),
        (seed(answers=[{"name": "add"}]), "is not {name, arguments}"),
        (seed(answers=[{"name": "sub", "arguments": {"a": 1}}]), "'sub' is not among the tools"),
        (seed(answers=[{"name": "add", "arguments": {"a": "3"}}]), "answers: add: "),
        (seed(tools=["mul"]), "the library has no 'mul'"),
        (seed(tools=[3]), "neither a name nor a tool"),
        (seed(tools="add"), "tools: is not a list"),
        (seed(note="x"), "unknown field 'note'"),
    ],
)
def test_a_bad_seed_is_named_by_file_and_line(tmp_path, line, message):
    text = json.dumps(seed()) + "\n" + (line if isinstance(line, str) else json.dumps(line))
    path = written(tmp_path, text)
    with pytest.raises(RecordError) as caught:
        load_seeds(path, LIBRARY)
    assert f"{path}:2" in str(caught.value)
    assert message in str(caught.value)
    assert caught.value.mend


def test_unreadable_files_are_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none", tmp_path / "binary"):
        with pytest.raises(RecordError, match="cannot be read"):
            load_seeds(path, LIBRARY)
        with pytest.raises(ConfigError, match="cannot be read"):
            load_lexicons([path])
        with pytest.raises(ConfigError, match="cannot be read"):
            load_categories([path])


def test_a_users_template_adds_to_ours_or_replaces_one(tmp_path):
    written(tmp_path, "ours a", "ours/query_first/simple/a.md")
    written(tmp_path, "ours b\n", "ours/query_first/simple/b.md")
    written(tmp_path, "read me", "ours/README.md")
    written(tmp_path, "theirs b", "theirs/query_first/simple/b.md")
    written(tmp_path, "theirs c", "theirs/call_first/parallel/c.md")
    ours = load_templates([tmp_path / "ours"])
    both = load_templates([tmp_path / "ours", tmp_path / "theirs"])
    assert [(t.name, t.text) for t in both[Mode.QUERY_FIRST, Style.SIMPLE]] == [("a", "ours a"), ("b", "theirs b")]
    assert [t.name for t in both[Mode.CALL_FIRST, Style.PARALLEL]] == ["c"]
    assert templates_digest(ours) != templates_digest(both)
    assert templates_digest(ours) == templates_digest(load_templates([tmp_path / "ours"]))


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("sometimes/simple/a.md", "x", "not named after a mode"),
        ("query_first/easy/a.md", "x", "not named after a style"),
        ("query_first/simple/a.md", " \n", "is empty"),
    ],
)
def test_bad_templates_are_refused(tmp_path, path, text, message):
    written(tmp_path, text, path)
    with pytest.raises(RecordError, match=message):
        load_templates([tmp_path])
    with pytest.raises(RecordError, match="is not a folder"):
        load_templates([tmp_path / "absent"])


def test_categories(tmp_path):
    path = written(tmp_path, "Math: [add]\nMy own: [sub]\n", "c.yaml")
    apis = with_categories(LIBRARY, load_categories([path]))
    assert [api.category for api in apis] == ["Math", "My own"]
    assert [api.api_id for api in apis] == [api.api_id for api in LIBRARY]
    with pytest.raises(RecordError, match="Math: is not a list"):
        load_categories([written(tmp_path, "Math: add", "d.yaml")])
    with pytest.raises(ConfigError, match=r"e\.yaml: the file holds a list.*\n  mend: .*category: \[function"):
        load_categories([written(tmp_path, "- add", "e.yaml")])
    with pytest.raises(ConfigError, match=r"f\.yaml: line 2: the key 'Math' stands twice"):
        load_categories([written(tmp_path, "Math: [add]\nMath: [sub]", "f.yaml")])


def test_lexicons(tmp_path):
    first = written(tmp_path, "city: {values: [Ulm, Bonn]}\nn: {range: [1, 5], step: 2}\n", "a.yaml")
    second = written(tmp_path, "f.xs: {items: {range: [1, 9]}, count: [2, 5]}\ncity: {values: [Jena]}\n", "b.yaml")
    lexicons = load_lexicons([first, second])
    assert lexicons["city"].values == ("Jena",)
    assert (lexicons["n"].range, lexicons["n"].step) == ((1, 5), 2)
    assert (lexicons["f.xs"].items.range, lexicons["f.xs"].count) == ((1, 9), (2, 5))
    moved = load_lexicons([written(tmp_path, first.read_text(), "moved/a.yaml"), second])
    assert lexicons_digest(moved) == lexicons_digest(lexicons)
    assert lexicons_digest(moved) != lexicons_digest(load_lexicons([first]))


@pytest.mark.parametrize(
    "entry",
    ["[a]", "{values: []}", "{values: a}", "{range: [5, 1]}", "{range: [1]}", "{range: [1, 2], step: 0}", "{items: {}}",
     "{values: [a], range: [1, 2]}", "{items: {values: [a]}, count: [0.5, 2]}", "{range: [true, false]}"],
)  # fmt: skip
def test_bad_lexicons_are_refused(tmp_path, entry):
    with pytest.raises(RecordError, match="city: is not a lexicon"):
        load_lexicons([written(tmp_path, f"city: {entry}", "a.yaml")])


def test_unquoted_dates_are_refused(tmp_path):
    with pytest.raises(RecordError, match="put quotes"):
        load_lexicons([written(tmp_path, "day: {values: [2024-03-01]}", "a.yaml")])


def test_ours_load():
    templates = load_templates([OUR_TEMPLATES])
    assert all(len(templates[mode, style]) >= 4 for mode in Mode for style in Style if style != Style.IRRELEVANCE)
    assert len(load_lexicons(lexicon_files())) >= 20
