"""The examples in the docstrings of Protocols: they are run, as they stand there."""

import inspect
import re
import textwrap
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import BaseModel

from apigen_ray.engines.base import Engine, Finding, Holds, as_it_is
from apigen_ray.engines.rows import answer_column
from apigen_ray.library.base import ApiSource, Parsed, Reject
from apigen_ray.library.documents import read_text
from apigen_ray.library.schema import object_schema
from apigen_ray.records import REPLY, Api, Reply, Source, content_hash


def example(protocol: type, **names: Any) -> Any:
    """The class that a docstring defines, made with the names that it takes from around it."""
    block = re.search(r"::\n\n((?:    .*\n|\n)+)", inspect.getdoc(protocol) or "")
    assert block is not None
    exec(textwrap.dedent(block[1]), names)  # noqa: S102  the example is our own
    return names[block[1].split()[1].partition("(")[0].removesuffix(":")]


def test_the_source_reads_its_lines(tmp_path: Path) -> None:
    made = example(
        ApiSource,
        **{
            "Api": Api,
            "BaseModel": BaseModel,
            "ClassVar": ClassVar,
            "Literal": Literal,
            "Parsed": Parsed,
            "Path": Path,
        },
        **{"Reject": Reject, "Source": Source, "content_hash": content_hash, "object_schema": object_schema},
        read_text=read_text,
    )
    (tmp_path / "tools.txt").write_text("shout: Write a text in capital letters.\nsilent:\n")
    parsed = made(kind="lines", path="tools.txt").parse(tmp_path)
    assert [(api.name, api.description) for api in parsed.apis] == [("shout", "Write a text in capital letters.")]
    assert [(reject.entry, reject.code) for reject in parsed.rejects] == [("silent", "no_description")]


class Column:
    """What an example takes for an ask: its column, and for a dataset: one table."""

    name = "reply"

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def map_batches(self, answer: Any, **_: Any) -> pa.Table:
        return answer(self._table)


def test_the_engine_answers_every_row_that_it_is_asked_for() -> None:
    made = example(Engine, Finding=Finding, Holds=Holds, Reply=Reply, answer_column=answer_column, as_it_is=as_it_is)()
    schema = pa.schema([("n", pa.int64()), ("reply", REPLY)])
    table = pa.Table.from_pylist([{"n": 0}, {"n": 1, "reply": {"text": "kept"}}], schema)
    rows = made.attach(Column(table), Column, lambda row: row["n"] == 0, schema).to_pylist()
    assert [(row["n"], row["reply"]["text"]) for row in rows] == [(0, ""), (1, "kept")]
    assert made.probe(0).ok
    assert made.holds(0) == Holds()
