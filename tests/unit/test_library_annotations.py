"""Annotations as JSON Schema, one line for each kind of type."""

import ast
from pathlib import Path

import jsonschema_rs
import pytest

from apigen_ray.library.annotations import UnsupportedTypeError, schema_of, schema_of_text
from apigen_ray.library.modules import Module, load_module

HEADER = '''
import datetime as dt
import enum
import typing as t
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum, auto
from typing import *
from annotated_types import Ge, Interval, Len
from pydantic import BaseModel, Field

class Unit(str, Enum):
    KM = "km"
    MILE = "mile"

class Level(IntEnum):
    LOW = 1
    HIGH = auto()

class Word(StrEnum):
    YES = auto()

class Odd(enum.Enum):
    A = object()

class Base(TypedDict, total=False):
    """A base.

    Attributes:
        note: what to say.
    """

    note: str
    code: Required[int]

class Item(Base):
    name: "str"
    tags: NotRequired[list[str]]

@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0
    path: list[int] = field(default_factory=list)
    label: str = field(default="p")
    origin: ClassVar[int] = 1

class Model(BaseModel):
    size: int = Field(ge=1, description="how big")
    name: str = Field("x", max_length=5)

@dataclass
class Tree:
    value: int
    children: "list[Tree]"

Alias = Optional[Unit]
Age = Annotated[int, Ge(0), Field(le=150), "in years"]
UserId = NewType("UserId", int)
Loop = list["Loop"]
BOUND = 10
'''


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Module:
    path: Path = tmp_path_factory.mktemp("types") / "types_under_test.py"
    path.write_text(HEADER)
    return load_module(path)


def of(text: str, module: Module) -> dict:
    schema = schema_of(ast.parse(text, mode="eval").body, module)
    assert jsonschema_rs.meta.is_valid(schema)
    return schema


UNIT = {"type": "string", "enum": ["km", "mile"]}


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ("int", {"type": "integer"}),
        ("'float'", {"type": "number"}),
        ("Any", {}),
        ("list", {"type": "array"}),
        ("t.List[str]", {"type": "array", "items": {"type": "string"}}),
        ("Sequence[bool]", {"type": "array", "items": {"type": "boolean"}}),
        ("set[int]", {"type": "array", "uniqueItems": True, "items": {"type": "integer"}}),
        ("dict", {"type": "object"}),
        ("Dict[str, Any]", {"type": "object"}),
        ("dict[str, float]", {"type": "object", "additionalProperties": {"type": "number"}}),
        ("dict[Unit, int]", {"type": "object", "propertyNames": {"enum": ["km", "mile"]},
                             "additionalProperties": {"type": "integer"}}),
        ("tuple[int, str]", {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False,
                             "minItems": 2, "maxItems": 2}),
        ("Tuple[int, ...]", {"type": "array", "items": {"type": "integer"}}),
        ("Literal['a', 'b']", {"type": "string", "enum": ["a", "b"]}),
        ("Literal[1, 'b', None]", {"type": ["integer", "string", "null"], "enum": [1, "b", None]}),
        ("Literal[Unit.KM]", {"type": "string", "enum": ["km"]}),
        ("Unit", UNIT),
        ("Level", {"type": "integer", "enum": [1, 2]}),
        ("Word", {"type": "string", "enum": ["yes"]}),
        ("Alias", {"type": ["string", "null"], "enum": ["km", "mile", None]}),
        ("Optional[int]", {"type": ["integer", "null"]}),
        ("int | None", {"type": ["integer", "null"]}),
        ("Union[int, str]", {"type": ["integer", "string"]}),
        ("int | str | None", {"type": ["integer", "string", "null"]}),
        ("Union[int, float]", {"type": "number"}),
        ("int | Any", {}),
        ("list[int] | int", {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "integer"}]}),
        ("list[int] | int | None", {"anyOf": [{"type": "array", "items": {"type": "integer"}}, {"type": "integer"},
                                              {"type": "null"}]}),
        ("Unit | None", {"type": ["string", "null"], "enum": ["km", "mile", None]}),
        ("date", {"type": "string", "format": "date"}),
        ("dt.datetime", {"type": "string", "format": "date-time"}),
        ("dt.time", {"type": "string", "format": "time"}),
        ("Decimal", {"type": "number"}),
        ("UserId", {"type": "integer"}),
        ("Age", {"type": "integer", "minimum": 0, "maximum": 150, "description": "in years"}),
        ("Annotated[float, Interval(gt=0, le=BOUND)]", {"type": "number", "exclusiveMinimum": 0, "maximum": 10}),
        ("Annotated[list[int], Len(1, 3)]", {"type": "array", "items": {"type": "integer"}, "minItems": 1,
                                             "maxItems": 3}),
        ("Annotated[str, Field(pattern='^a', min_length=1)]", {"type": "string", "pattern": "^a", "minLength": 1}),
        ("Annotated[int, Unit, some_call()]", {"type": "integer"}),
        ("Item", {"type": "object", "properties": {"note": {"type": "string", "description": "what to say."},
                                                   "code": {"type": "integer"}, "name": {"type": "string"},
                                                   "tags": {"type": "array", "items": {"type": "string"}}},
                  "required": ["code", "name"], "additionalProperties": False}),
        ("Point", {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number", "default": 0.0},
                                                    "path": {"type": "array", "items": {"type": "integer"}},
                                                    "label": {"type": "string", "default": "p"}},
                   "required": ["x"], "additionalProperties": False}),
        ("Model", {"type": "object", "properties": {"size": {"type": "integer", "minimum": 1, "description": "how big"},
                                                    "name": {"type": "string", "maxLength": 5, "default": "x"}},
                   "required": ["size"], "additionalProperties": False}),
        ("Tree", {"type": "object", "properties": {"value": {"type": "integer"},
                                                   "children": {"type": "array", "items": {"type": "object"}}},
                  "required": ["value", "children"], "additionalProperties": False}),
    ],
)  # fmt: skip
def test_schema(text: str, schema: dict, module: Module) -> None:
    assert of(text, module) == schema


@pytest.mark.parametrize(
    "text",
    ["bytes", "complex", "Callable[[int], int]", "Odd", "dict[int, str]", "Loop", "Literal[b'x']", "list[Nowhere]",
     "TypeVar('T')", "type[int]", "3", "'not a type'", "'" + "list[" * 300 + "int" + "]" * 300 + "'"],
)  # fmt: skip
def test_types_that_json_cannot_carry(text: str, module: Module) -> None:
    with pytest.raises(UnsupportedTypeError):
        of(text, module)


def test_text_that_stands_alone() -> None:
    assert schema_of_text("List[Union[int, float]]") == {"type": "array", "items": {"type": "number"}}
    with pytest.raises(UnsupportedTypeError):
        schema_of_text("__import__('os').system('true')")
