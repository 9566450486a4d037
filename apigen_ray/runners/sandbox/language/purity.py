"""Which top-level statements have no effect but the names that they bind; standard library only."""

import ast

HARMLESS = frozenset(
    """re.compile typing.TypeVar typing.ParamSpec typing.NewType typing.NamedTuple typing.TypedDict typing.cast
    collections.namedtuple collections.OrderedDict collections.defaultdict collections.Counter collections.deque
    logging.getLogger decimal.Decimal fractions.Fraction datetime.timedelta datetime.date datetime.datetime
    datetime.time datetime.timezone struct.Struct operator.itemgetter operator.attrgetter functools.partial
    types.MappingProxyType types.SimpleNamespace threading.Lock threading.RLock contextvars.ContextVar math.sqrt
    math.log math.radians object frozenset set dict list tuple str.maketrans int float str bool bytes type
    dataclasses.field enum.auto property staticmethod classmethod""".split()
)
"""Calls that do nothing but make their result, and not too much of it, as long as their arguments are pure."""

DECORATORS = frozenset(
    """functools.lru_cache functools.cache functools.wraps functools.total_ordering functools.cached_property
    functools.singledispatch dataclasses.dataclass enum.unique abc.abstractmethod property staticmethod classmethod
    typing.overload typing.final typing.override typing.runtime_checkable contextlib.contextmanager""".split()
)
_TEXT_METHODS = frozenset("split join strip lower upper encode format replace splitlines title rstrip lstrip".split())
MAX_BITS = 4096


class Purity:
    """Tells whether statements of one module are without effects.

    Args:
        imports: what a name stands for, as ``module`` or ``module.name``.
        known: names that the module binds, or that are built in.
        hooks: the module has classes that do something whenever a class is made of them.
    """

    def __init__(self, imports: dict[str, str], known: frozenset[str], hooks: bool) -> None:
        self._imports = imports
        self._known = known
        self._hooks = hooks

    def statement(self, node: ast.stmt, in_class: bool = False) -> bool:
        """Whether a statement only binds names, to values that could as well not be made."""
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]
                return all(map(self.expression, defaults)) and all(map(self._decorator, node.decorator_list))
            case ast.ClassDef():
                return (
                    not self._hooks
                    and all(map(self._decorator, node.decorator_list))
                    and all(map(self.expression, node.bases))
                    and all(self.expression(keyword.value) for keyword in node.keywords)
                    and all(self.statement(each, True) for each in node.body)
                )
            case ast.Assign(targets=targets, value=value):
                return all(map(_is_names, targets)) and self.expression(value)
            case ast.AnnAssign(target=target, value=value):
                return _is_names(target) and (value is None or self.expression(value))
            case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Import() | ast.ImportFrom() | ast.Global():
                return True
            case ast.If(test=test, body=body, orelse=orelse):
                return self.expression(test) and all(self.statement(each, in_class) for each in (*body, *orelse))
            case ast.Try():
                handled = [each for handler in node.handlers for each in handler.body]
                every = (*node.body, *handled, *node.orelse, *node.finalbody)
                return all(self.statement(each, in_class) for each in every)
            case ast.Raise():  # in an ``except ImportError``; elsewhere it is not reached
                return in_class
        return False

    def expression(self, node: ast.expr | None) -> bool:
        """Whether an expression has no effect, cannot fail and takes little time and memory."""
        match node:
            case None | ast.Constant() | ast.Lambda():
                return True
            case ast.Name(id=name):
                return name in self._known
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts) | ast.BoolOp(values=parts):
                return all(map(self.expression, parts))
            case ast.Dict(keys=keys, values=values):
                return all(map(self.expression, keys)) and all(map(self.expression, values))
            case ast.Starred(value=value) | ast.UnaryOp(operand=value):
                return self.expression(value)
            case ast.Attribute(value=ast.Name(id=name)):
                return name in self._known
            case ast.Attribute(value=ast.Attribute() as value):
                return self.expression(value)
            case ast.Subscript(value=value, slice=_):
                return self._dotted(value).startswith(
                    ("typing.", "collections.", "list", "dict", "tuple", "set", "type")
                )
            case ast.BinOp(op=ast.BitOr(), left=left, right=right):
                return self.expression(left) and self.expression(right)
            case ast.BinOp(op=ast.Add(), left=left, right=right) if _is_text(left) or _is_text(right):
                return self.expression(left) and self.expression(right)
            case ast.BinOp():
                return _bits(node) is not None
            case ast.Compare(left=left, comparators=others):
                return self.expression(left) and all(map(self.expression, others))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return all(map(self.expression, (test, body, orelse)))
            case ast.JoinedStr(values=parts):
                return all(isinstance(each, ast.Constant) for each in parts)
            case ast.Call(func=function, args=args, keywords=keywords):
                harmless = self._dotted(function) in HARMLESS
                if isinstance(function, ast.Attribute) and _is_text(function.value):
                    harmless = function.attr in _TEXT_METHODS
                if harmless:
                    return all(map(self.expression, args)) and all(self.expression(each.value) for each in keywords)
        return False

    def _decorator(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            inside = [*node.args, *(each.value for each in node.keywords)]
            return self._dotted(node.func) in DECORATORS and all(map(self.expression, inside))
        if isinstance(node, ast.Attribute) and node.attr in ("setter", "getter", "deleter"):
            return True
        return self._dotted(node) in DECORATORS

    def _dotted(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return self._imports.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self._dotted(node.value)}.{node.attr}"
        return ""


def _is_names(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_is_names, node.elts))
    return isinstance(node, ast.Name)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _bits(node: ast.expr) -> int | None:
    """At most so many bits has the value of a sum of literals; None where it may fail or be large."""
    match node:
        case ast.Constant(value=int() as number):
            return number.bit_length()
        case ast.Constant(value=float()):
            return 64
        case ast.UnaryOp(operand=operand):
            return _bits(operand)
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _bits(left), _bits(right)
            if one is None or other is None:
                return None
            match op, right:
                case ((ast.Add() | ast.Sub() | ast.BitOr() | ast.BitAnd() | ast.BitXor()), _):
                    total = max(one, other) + 1
                case ast.Mult(), _:
                    total = one + other
                case ((ast.Div() | ast.FloorDiv() | ast.Mod()), ast.Constant(value=value)) if value:
                    total = max(one, 64)
                case ((ast.Pow() | ast.LShift()), ast.Constant(value=int(value))) if 0 <= value <= MAX_BITS:
                    total = (one * value if isinstance(op, ast.Pow) else one + value) + 1
                case _:
                    return None
            return total if total <= MAX_BITS else None
    return None
