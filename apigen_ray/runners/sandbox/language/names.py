"""Which names foreign code may bind, read and define; standard library and RestrictedPython only."""

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

PYTHONS_OWN = frozenset(
    """__annotations__ __build_class__ __builtins__ __cached__ __class__ __debug__ __dict__ __file__ __globals__
    __import__ __loader__ __metaclass__ __name__ __package__ __path__ __spec__""".split()
)
"""Names with two underscores on both sides that Python or a guard gives a meaning to in a module."""

ENUM_NAMES = frozenset("_generate_next_value_ _ignore_ _missing_ _name_ _order_ _value_".split())
"""What an Enum class may define although it looks like a guard."""

READABLE_GLOBALS = frozenset("__name__ __doc__ __debug__ __all__".split())

OPERATORS = frozenset(
    """__abs__ __add__ __aenter__ __aexit__ __and__ __bool__ __bytes__ __call__ __ceil__ __complex__ __contains__
    __copy__ __deepcopy__ __delattr__ __delitem__ __dir__ __divmod__ __enter__ __eq__ __exit__ __float__ __floor__
    __floordiv__ __format__ __fspath__ __ge__ __getattr__ __getattribute__ __getitem__ __gt__ __hash__ __iadd__ __iand__
    __ifloordiv__ __ilshift__ __imatmul__ __imod__ __imul__ __index__ __init__ __int__ __invert__ __ior__ __ipow__
    __irshift__ __isub__ __iter__ __itruediv__ __ixor__ __le__ __len__ __length_hint__ __lshift__ __lt__ __matmul__
    __missing__ __mod__ __mul__ __ne__ __neg__ __new__ __next__ __or__ __pos__ __post_init__ __pow__ __radd__ __rand__
    __rdivmod__ __repr__ __reversed__ __rfloordiv__ __rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__ __round__ __rpow__
    __rrshift__ __rshift__ __rsub__ __rtruediv__ __rxor__ __setattr__ __setitem__ __str__ __sub__ __truediv__ __trunc__
    __xor__ __init_subclass__ __class_getitem__ __set_name__ __get__ __set__ __delete__""".split()
)
"""Methods that a class may define."""

LEFT_OUT = frozenset(
    "__del__ __getnewargs__ __getnewargs_ex__ __getstate__ __reduce__ __reduce_ex__ __setstate__ __sizeof__".split()
)
"""Methods that are left out of classes: only pickling and the end of an object would call them, behind our back."""

CLASS_NAMES = OPERATORS | ENUM_NAMES | frozenset("__slots__ __match_args__ __doc__ __version__ __author__".split())
"""What a class body may bind."""

HELD = frozenset("__setattr__ __delattr__ __getattribute__ __getattr__".split())
"""Methods that take an attribute's name: on anything but an object of a foreign class they pass by the guards."""

READABLE = (
    OPERATORS
    | ENUM_NAMES
    | frozenset(
        """__name__ __qualname__ __doc__ __module__ __members__ __cause__ __context__ __suppress_context__ __slots__
        __match_args__ __wrapped__ __version__ __isabstractmethod__ __notes__ __supertype__ __bound__
        __constraints__ __required_keys__ __optional_keys__ __total__""".split()
    )
) - frozenset(["__get__", "__set__", "__delete__", "__set_name__", "__class_getitem__"])
"""Attributes with two underscores on both sides that may be read."""

UNWRAPPED = frozenset("__wrapped__ __members__ __isabstractmethod__".split())
"""Attributes that the library follows where an object has them: a foreign ``__getattr__`` is not asked for them."""

WRITABLE = frozenset("__doc__ __name__ __qualname__ __cause__ __suppress_context__ __wrapped__".split())

FORBIDDEN = INSPECT_ATTRIBUTES | frozenset(
    """tb_lasti tb_lineno f_lasti f_lineno gi_running gi_suspended cr_running cr_suspended ag_running mro
    __roles__""".split()
)
"""Attributes that are refused on whatever object."""

CAREFUL = frozenset("__init__ __init_subclass__ clear_cache format format_map obj register now today utcnow".split())
"""Attributes that are looked at twice: see `guards`."""

BORING = frozenset(
    name
    for kind in (str, bytes, list, dict, set, frozenset, tuple, int, float, complex, bytearray)
    for name in dir(kind)
    if not name.startswith("_") and name not in CAREFUL
)
"""Names of methods of the plain types: reading them needs no guard, as nothing sensitive goes by such a name."""

NOT_OFFERED = frozenset("__import__ breakpoint compile eval exec globals help input locals open".split())
"""Built-in functions that code is refused for; what is neither offered nor here is a NameError of its own."""


def is_dunder(name: str) -> bool:
    """Whether a name has two underscores on both sides."""
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def is_guard(name: str) -> bool:
    """Whether a name is, or may be, one of a guard: an underscore on both sides, or a dunder that means something."""
    if is_dunder(name):
        return name in PYTHONS_OWN
    return len(name) > 2 and name[0] == name[-1] == "_" and bool(name.strip("_"))


def mangled(name: str, classes: list[str]) -> str:
    """A private name (two underscores before, none behind) as Python calls it inside a class."""
    if not classes or not name.startswith("__") or name.endswith("__"):
        return name
    owner = classes[-1].lstrip("_")
    return f"_{owner}{name}" if owner else name
