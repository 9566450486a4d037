"""Type annotations, read as text, as JSON Schema 2020-12."""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apigen_ray.library.modules import Module, NotLiteralError, documentation
from apigen_ray.library.schema import object_schema, with_null
from apigen_ray.records import Json

_SCALARS: dict[str, Json] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "None": {"type": "null"},
    "NoneType": {"type": "null"},
    "Any": {},
    "object": {},
    "Text": {"type": "string"},
    "LiteralString": {"type": "string"},
    "datetime.datetime": {"type": "string", "format": "date-time"},
    "datetime.date": {"type": "string", "format": "date"},
    "datetime.time": {"type": "string", "format": "time"},
    "datetime.timedelta": {"type": "string", "format": "duration"},
    "decimal.Decimal": {"type": "number"},
    "uuid.UUID": {"type": "string", "format": "uuid"},
    "numbers.Number": {"type": "number"},
    "numbers.Real": {"type": "number"},
    "numbers.Integral": {"type": "integer"},
}
_LISTS = frozenset("list List Sequence MutableSequence Iterable Collection Iterator deque Deque".split())
_SETS = frozenset("set Set frozenset FrozenSet AbstractSet MutableSet".split())
_MAPPINGS = frozenset("dict Dict Mapping MutableMapping OrderedDict DefaultDict defaultdict".split())
_TYPING = ("typing", "typing_extensions", "collections.abc", "collections", "builtins", "types")
_WRAPPERS = frozenset(("Required", "NotRequired", "ReadOnly", "Final", "ClassVar"))

# annotated_types and pydantic.Field name the same limits; what each means depends on the type that it limits
_LIMITS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}
_LENGTHS = {"string": "Length", "array": "Items", "object": "Properties"}
_POSITIONAL = {
    **{name: (name.lower(),) for name in ("Ge", "Gt", "Le", "Lt")},
    "MultipleOf": ("multiple_of",),
    "MinLen": ("min_length",),
    "MaxLen": ("max_length",),
    "Len": ("min_length", "max_length"),
    "Interval": (),
    "Field": (),
    "StringConstraints": (),
}


class UnsupportedTypeError(ValueError):
    """A type that plain JSON cannot carry, or that cannot be told from the text."""


_NOWHERE = Module(Path("annotation.py"), "annotation", Path("annotation"), "", ast.Module([], []))


def schema_of_text(text: str) -> Json:
    """The schema of an annotation that stands alone, such as ``"List[Union[int, float]]"``.

    Raises:
        UnsupportedTypeError: it is no annotation, or one of a type that is not built in.
    """
    return schema_of(_parse(text), _NOWHERE)


def schema_of(node: ast.expr, module: Module, inside: tuple[str, ...] = ()) -> Json:
    """The schema of an annotation.

    Scalars, lists, dicts with text keys, tuples, sets, ``Literal``, enums, ``Optional`` and unions, ``TypedDict``,
    dataclasses and pydantic models, dates, ``Annotated`` and aliases; a class that contains itself is cut there.

    Args:
        node: the annotation; a string is parsed.
        module: where its names are looked up, and in that module's own package.
        inside: the classes around it.

    Raises:
        UnsupportedTypeError: names the part that has no JSON form.
    """
    match node:
        case ast.Constant(value=None):
            return {"type": "null"}
        case ast.Constant(value=str(text)):
            return schema_of(_parse(text), module, inside)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([schema_of(left, module, inside), schema_of(right, module, inside)])
        case ast.Subscript(value=head, slice=inner):
            return _generic(_name(head, module), _items(inner), module, inside)
        case ast.Name() | ast.Attribute():
            found = module.resolve(node)
            if isinstance(found, str):
                return _plain(found)
            owner, definition = found
            if isinstance(definition, ast.ClassDef):
                return _class(definition, owner, inside)
            key = f"{owner.name}:{ast.unparse(node)}"
            if key in inside:
                raise UnsupportedTypeError(f"{ast.unparse(node)} is defined by itself")
            return schema_of(definition, owner, (*inside, key))
        case ast.Call(func=function, args=[_, base]) if _name(function, module) == "NewType":
            return schema_of(base, module, inside)
    raise UnsupportedTypeError(f"{ast.unparse(node)} has no JSON form")


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body if len(text) < 2_000 else ast.Constant(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnsupportedTypeError(f"{text[:80]!r} is no type") from error


def _items(inner: ast.expr) -> list[ast.expr]:
    return inner.elts if isinstance(inner, ast.Tuple) else [inner]


def _name(node: ast.expr, module: Module) -> str:
    """The canonical name: without its module where that is one of typing's, dotted otherwise."""
    try:
        found = module.resolve(node)
    except NotLiteralError:
        return ""
    return _canonical(found) if isinstance(found, str) else ""


def _canonical(dotted: str) -> str:
    head, _, tail = dotted.rpartition(".")
    return tail if head in _TYPING else dotted


def _plain(dotted: str) -> Json:
    name = _canonical(dotted)
    if name in _SCALARS:
        return dict(_SCALARS[name])
    if name in _LISTS or name in ("tuple", "Tuple"):
        return {"type": "array"}
    if name in _SETS:
        return {"type": "array", "uniqueItems": True}
    if name in _MAPPINGS:
        return {"type": "object"}
    raise UnsupportedTypeError(f"{dotted} has no JSON form")


def _generic(name: str, items: list[ast.expr], module: Module, inside: tuple[str, ...]) -> Json:
    if name == "Literal":
        return _choices([_member(item, module) for item in items])
    if name == "Annotated":
        return _annotated(schema_of(items[0], module, inside), items[1:], module)
    if name in ("Optional", "Union"):
        parts = [schema_of(item, module, inside) for item in items]
        return _union([*parts, {"type": "null"}] if name == "Optional" else parts)
    if name in _WRAPPERS:
        return schema_of(items[0], module, inside)
    if name in ("tuple", "Tuple"):
        return _tuple(items, module, inside)
    if name in _LISTS or name in _SETS:
        return {**_plain(name), "items": schema_of(items[0], module, inside)}
    if name in _MAPPINGS and len(items) == 2:
        keys = schema_of(items[0], module, inside)
        if keys and keys.get("type") != "string":
            raise UnsupportedTypeError(f"a key of type {ast.unparse(items[0])}: JSON has text keys only")
        limits = {key: value for key, value in keys.items() if key not in ("type", "description")}
        values = schema_of(items[1], module, inside)
        return {
            "type": "object",
            **({"propertyNames": limits} if limits else {}),
            **({"additionalProperties": values} if values else {}),
        }
    raise UnsupportedTypeError(f"{name or 'a generic type of its own'} has no JSON form")


def _tuple(items: list[ast.expr], module: Module, inside: tuple[str, ...]) -> Json:
    if len(items) == 2 and isinstance(items[1], ast.Constant) and items[1].value is ...:
        return {"type": "array", "items": schema_of(items[0], module, inside)}
    if not items:
        return {"type": "array", "maxItems": 0}
    parts = [schema_of(item, module, inside) for item in items]
    return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts), "maxItems": len(parts)}


def _member(node: ast.expr, module: Module) -> Any:
    try:
        return module.value(node)
    except NotLiteralError as error:
        raise UnsupportedTypeError(f"Literal[{ast.unparse(node)}] cannot be told from the text") from error


def _choices(values: list[Any]) -> Json:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    if not values or not all(type(value) in kinds for value in values):
        raise UnsupportedTypeError(f"choices {values!r} are not plain JSON")
    types = list(dict.fromkeys(kinds[type(value)] for value in values))
    return {"type": types[0] if len(types) == 1 else types, "enum": values}


def _union(parts: list[Json]) -> Json:
    """One schema for either of several; null is folded into the others, plain types into a list of types."""
    flat: list[Json] = []
    nullable = False
    for part in parts:
        if not part:
            return {}
        kinds = part.get("type")
        if isinstance(kinds, list) and "null" in kinds and "enum" not in part:  # a union within the union
            nullable = True
            rest = [kind for kind in kinds if kind != "null"]
            part = {**part, "type": rest[0] if len(rest) == 1 else rest}
        if part == {"type": "null"}:
            nullable = True
        elif set(part) == {"anyOf"}:
            flat += part["anyOf"]
        else:
            flat.append(part)
    flat = [part for position, part in enumerate(flat) if part not in flat[:position]]
    if {"type": "number"} in flat:  # every integer is a number
        flat = [part for part in flat if part != {"type": "integer"}]
    if not flat:
        return {"type": "null"}
    if len(flat) == 1:
        merged = flat[0]
    elif all(set(part) == {"type"} for part in flat):
        kinds = [kind for part in flat for kind in ([part["type"]] if isinstance(part["type"], str) else part["type"])]
        merged = {"type": list(dict.fromkeys(kinds))}
    else:
        merged = {"anyOf": flat}
    return with_null(merged) if nullable else merged


def _annotated(schema: Json, metadata: Iterable[ast.expr], module: Module) -> Json:
    out = dict(schema)
    for item in metadata:
        if isinstance(item, ast.Call):
            name = _name(item.func, module).rpartition(".")[2]
            if name == "Doc" and item.args:
                _describe(out, item.args[0], module)
            if name in _POSITIONAL:
                given = dict(zip(_POSITIONAL[name], item.args, strict=False))
                given |= {word.arg: word.value for word in item.keywords if word.arg}
                _limit(out, given, module)
        else:
            _describe(out, item, module)
    return out


def _describe(out: Json, node: ast.expr, module: Module) -> None:
    try:
        text = module.value(node)
    except NotLiteralError:
        return  # metadata for somebody else
    if isinstance(text, str) and text.strip():
        out["description"] = " ".join(text.split())


def _limit(out: Json, given: dict[str, ast.expr], module: Module) -> None:
    kinds = out.get("type", [])
    sized = next(
        (_LENGTHS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds) if kind in _LENGTHS), "Length"
    )
    for word, node in given.items():
        try:
            value = module.value(node)
        except NotLiteralError:
            continue  # a limit that cannot be read does not make the type unknown
        if word in _LIMITS and isinstance(value, int | float):
            out[_LIMITS[word]] = value
        elif word in ("min_length", "max_length") and isinstance(value, int):
            out[word[:3] + sized] = value
        elif word in ("pattern", "regex") and isinstance(value, str):
            out["pattern"] = value
        elif word == "description" and isinstance(value, str):
            out["description"] = " ".join(value.split())
        elif word == "examples" and isinstance(value, list):
            out["examples"] = value


def _class(node: ast.ClassDef, module: Module, inside: tuple[str, ...]) -> Json:
    try:
        members = module.enum_members(node)
    except NotLiteralError as error:
        raise UnsupportedTypeError(
            f"enum {node.name} has a value that cannot be told from the text: {error}"
        ) from error
    if members:
        return _choices(list(members.values()))
    key = f"{module.name}:{node.name}"
    if key in inside:
        return {"type": "object"}  # the recursion is cut
    properties: dict[str, Json] = {}
    required: dict[str, bool] = {}
    if not _collect(node, module, (*inside, key), properties, required):
        raise UnsupportedTypeError(f"class {node.name} is no enum, TypedDict, dataclass or pydantic model")
    return object_schema(properties, [name for name, needed in required.items() if needed])


def _collect(
    node: ast.ClassDef, module: Module, inside: tuple[str, ...], properties: dict[str, Json], required: dict[str, bool]
) -> bool:
    """Gathers the fields of a class and its bases; whether it is a kind of class that has fields."""
    known = any(_name(_callee(item), module).rpartition(".")[2] == "dataclass" for item in node.decorator_list)
    bases = module.bases(node)
    for base in bases:
        if isinstance(base, str):
            known |= base.rpartition(".")[2] in ("TypedDict", "BaseModel")
        elif base[1] is not node:
            known |= _collect(base[1], base[0], inside, properties, required)
    total = not any(word.arg == "total" and ast.unparse(word.value) == "False" for word in node.keywords)
    _, told = documentation(node)
    for line in node.body:
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
            continue
        name, kind = line.target.id, _outermost(line.annotation, module)
        if kind == "ClassVar" or name.startswith("_"):
            continue
        schema = schema_of(line.annotation, module, inside)
        needed = kind == "Required" or (total and kind != "NotRequired")
        if line.value is not None:
            needed = _field_default(line.value, schema, module)
        if told.get(name) and "description" not in schema:
            schema["description"] = told[name]
        properties[name], required[name] = schema, needed
    return known


def _field_default(value: ast.expr, schema: Json, module: Module) -> bool:
    """Sets the default of a class's field, as ``= 3`` or ``= field(default=3)``; whether the field is required."""
    if isinstance(value, ast.Call) and _name(value.func, module).rpartition(".")[2] in ("field", "Field"):
        words = {word.arg: word.value for word in value.keywords if word.arg}
        _limit(schema, words, module)
        if "default_factory" in words:
            return False
        given = words.get("default", value.args[0] if value.args else None)
        if given is None or (isinstance(given, ast.Constant) and given.value is ...):
            return True
        value = given
    try:
        schema["default"] = module.value(value)
    except NotLiteralError:
        pass  # there is one, and only running the code could tell it
    return False


def _outermost(node: ast.expr, module: Module) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = _parse(node.value)
    return _name(node.value, module) if isinstance(node, ast.Subscript) else _name(node, module)


def _callee(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node
