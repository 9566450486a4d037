"""The language layer: what ordinary code may say, what it returns, and what is refused with which line."""

# ruff: noqa: E501 - foreign sources, as short as they can be
import datetime
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.runners.sandbox.arguments import converter
from apigen_ray.runners.sandbox.language import Compiled, Needs, Opened, Refused, compile_entry, preload


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    preload()


def opened(text: str, entry: str = "f", clock: str = "real", **more: str | None) -> Opened:
    made = compile_entry({"m": text, **{name.replace("__", "."): value for name, value in more.items()}}, "m", entry)
    assert isinstance(made, Compiled), made
    return Compiled.from_bytes(made.to_bytes()).open(clock)


def run(text: str, **arguments: Any) -> Any:
    return opened(text).function(**arguments)


def refused(text: str, entry: str = "f") -> Refused:
    made = compile_entry({"m": text}, "m", entry)
    assert isinstance(made, Refused), made
    return made


SAME = {
    "private names": "_T = {'a': 1}\ndef _g(_x): return _T['a'] + _x\ndef f(): return _g(_x=2)",
    "items in place": "def f():\n d = {'a': [1]}\n d['a'][0] += 2\n d['b'] = d.get('b', 0)\n d['b'] += 1\n return d",
    "target once": "def f():\n n = []\n def k():\n  n.append(1)\n  return 0\n x = [5]\n x[k()] += 1\n return x, len(n)",
    "attributes in place": "class C:\n def __init__(self): self._n = 1\n def up(self):\n  self._n += 1\n  return self._n\n"
    "def f(): return C().up()",
    "mangled": "class C:\n def __init__(self): self.__x = 3\n def get(self): return self.__x\ndef f(): return C().get()",
    "match": "def f():\n match {'k': [1, 2, 3]}:\n  case {'k': [a, *rest]} if rest: return a, rest",
    "match class": "from dataclasses import dataclass\n@dataclass\nclass P:\n x: int\n y: int = 2\n"
    "def f():\n match P(1):\n  case P(x=a, y=2): return a",
    "walrus": "def f(): return [y for x in range(4) if (y := x * x) > 1]",
    "dataclass": "from dataclasses import dataclass, field, replace, asdict\n@dataclass(frozen=True, order=True, slots=True)\n"
    "class P:\n x: int\n y: list = field(default_factory=list)\n"
    "def f(): return asdict(replace(P(1), x=2)), P(1) < P(2), repr(P(3)), hash(P(1, ())) == hash(P(1, ()))",
    "post init": "from dataclasses import dataclass, InitVar\n@dataclass\nclass P:\n x: int\n k: InitVar[int] = 2\n"
    " def __post_init__(self, k): object.__setattr__(self, 'x', self.x * k)\ndef f(): return P(4).x",
    "named tuple": "from typing import NamedTuple\nclass N(NamedTuple):\n a: int\n b: int = 2\n"
    "def f(): return N(1)._replace(b=5)._asdict(), N._fields",
    "enum": "from enum import Enum, auto, IntEnum\nclass E(Enum):\n A = auto()\n B = auto()\n"
    " @classmethod\n def _missing_(cls, v): return cls.A\ndef f(): return E('?').name, [e.value for e in E], E['B'].name",
    "enum with fields": "from enum import Enum\nclass E(Enum):\n A = (1, 'x')\n def __init__(self, n, t): self._n = n\n"
    " @property\n def n(self): return self._n\ndef f(): return E.A.n",
    "protocol": "from typing import Protocol, runtime_checkable\n@runtime_checkable\nclass Q(Protocol):\n def q(self): ...\n"
    "class A:\n def q(self): return 1\ndef f(): return isinstance(A(), Q), isinstance(3, Q)",
    "abstract": "from abc import ABC, abstractmethod\nclass A(ABC):\n @abstractmethod\n def m(self): ...\n"
    "class B(A):\n def m(self): return 1\ndef f():\n try: A()\n except TypeError: return B().m()",
    "abstract metaclass": "import abc\nclass A(metaclass=abc.ABCMeta):\n @abc.abstractmethod\n def m(self): ...\n"
    "def f():\n try: A()\n except TypeError: return 1",
    "generic": "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass B(Generic[T]):\n"
    " def __init__(self, v: T): self.v = v\ndef f(): return B[int](3).v",
    "super": "class A:\n def __init__(self, x): self.x = x\nclass B(A):\n def __init__(self):\n  super().__init__(4)\n"
    " def __repr__(self): return f'{self.__class__.__name__}({self.x!r})'\ndef f(): return repr(B()), type(B()).__name__",
    "init by name": "class A:\n def __init__(self, x): self.x = x\nclass B(A):\n def __init__(self): A.__init__(self, 4)\n"
    "class E(ValueError):\n def __init__(self): ValueError.__init__(self, 'e')\ndef f(): return B().x, str(E())",
    "init subclass": "class A:\n K = []\n def __init_subclass__(cls, **k):\n  super().__init_subclass__(**k)\n"
    "  A.K.append(cls.__name__)\nclass B(A): pass\ndef f(): return A.K",
    "slots and setattr": "class C:\n __slots__ = ('a',)\n def __setattr__(self, n, v): super().__setattr__(n, v + 1)\n"
    "def f():\n c = C()\n c.a = 1\n setattr(c, 'a', 5)\n return c.a, hasattr(c, 'b'), getattr(c, 'b', 9)",
    "operators": "class V:\n def __init__(self, n): self.n = n\n def __add__(self, o): return V(self.n + o.n)\n"
    " def __eq__(self, o): return self.n == o.n\n def __len__(self): return self.n\n def __iter__(self): yield self.n\n"
    " def __contains__(self, x): return x == self.n\n def __getitem__(self, i): return i\n def __enter__(self): return self\n"
    " def __exit__(self, *a): return True\n def __call__(self): return 7\n"
    "def f():\n v = V(1) + V(2)\n with v as w: raise ValueError\n return len(w), list(w), 3 in w, w[5], w(), v == V(3)",
    "closures": "def f():\n n = 0\n def g():\n  nonlocal n\n  n += 1\n  return n\n g()\n return g()",
    "globals": "N = 1\ndef g():\n global N\n N += 1\ndef f():\n g()\n return N",
    "format": "def f(): return '{} {x[a]} {:>4}'.format(1, 2, x={'a': 3}), '%s %d' % ('a', 1), f'{3.14159:.2f}'",
    "format attribute": "class C:\n name = 'n'\ndef f(): return '{0.name}'.format(C()), '{c.name!r:>5}'.format_map({'c': C()})",
    "decorators": "import functools\ndef twice(g):\n @functools.wraps(g)\n def h(*a, **k): return 2 * g(*a, **k)\n return h\n"
    "@twice\n@functools.lru_cache(maxsize=None)\ndef g(x):\n 'doc'\n return x\ndef f(): return g(3), g.__name__, g.__doc__",
    "total ordering": "from functools import total_ordering\n@total_ordering\nclass A:\n def __init__(self, n): self.n = n\n"
    " def __lt__(self, o): return self.n < o.n\n def __eq__(self, o): return self.n == o.n\ndef f(): return A(1) >= A(0)",
    "single dispatch": "from functools import singledispatch\n@singledispatch\ndef g(x): return 'any'\n"
    "@g.register(int)\ndef _(x): return 'int'\ndef f(): return g(1), g('a')",
    "optional import": "try:\n import numpy as np\nexcept ImportError:\n np = None\ndef f(): return np is None",
    "type": "def f(): return type(1) is int, isinstance(int, type), issubclass(bool, int), type('a').__name__",
    "exceptions": "class E(ValueError):\n def __init__(self, a):\n  super().__init__(f'no {a}')\n  self.a = a\n"
    "def f():\n try:\n  try: raise KeyError('k')\n  except KeyError as e: raise E(1) from e\n"
    " except E as e: return str(e), e.a, type(e.__cause__).__name__, e.args\n finally: pass",
    "context": "from contextlib import contextmanager, suppress\n@contextmanager\ndef c():\n yield 1\n"
    "def f():\n with suppress(KeyError), c() as x: {}[x]\n return x",
    "itemgetter": "from operator import attrgetter, itemgetter, methodcaller\n"
    "def f(): return sorted([(2, 1), (1, 2)], key=itemgetter(1)), attrgetter('real')(3), methodcaller('upper')('a')",
    "typed dict": "from typing import TypedDict\nclass T(TypedDict, total=False):\n a: int\ndef f():\n t: T = {'a': 1}\n return T(a=2), t",
    "late annotations": "from __future__ import annotations\ndef f(x: Nowhere = 1) -> Gone:\n y: Lost\n z: Lost = x\n return z",
    "main guard": "import math\ndef f(): return math.floor(2.5)\nif __name__ == '__main__':\n import os\n os._exit(f())",
    "forbidden beside": "import os, subprocess\nROOT = os.environ['X']\ndef g(): return subprocess.run(ROOT)\ndef f(): return 1",
    "table filled": "T = {}\nfor i in range(3):\n T[i] = i\nT.update({9: 9})\ndef f(): return T",
    "local like a builtin": "def f(input=3, compile=4):\n open = input + compile\n return open",
    "local like a module": "import os\ndef f(os=3): return os",
    "library classes": "from collections import Counter, OrderedDict, namedtuple, deque\nclass C(Counter):\n pass\n"
    "P = namedtuple('P', 'x y')\ndef f(): return C('aab').most_common(1), P(1, 2).x, list(deque([1, 2], 1))",
    "json": "import json\nclass E(json.JSONEncoder):\n def default(self, o): return str(o)\n"
    "def f(): return json.dumps({'a': 1, 'b': 2j}, cls=E)",
    "print and logs": "import logging, sys\nlog = logging.getLogger(__name__)\ndef f():\n print('x', file=sys.stderr)\n"
    " log.info('%s', 1)\n return 1",
    "generator": "def g():\n x = yield 1\n yield x\ndef f():\n i = g()\n return next(i), i.send(5)",
    "regex": "import re\n_R = re.compile(r'(?P<a>\\d+)')\ndef f(): return _R.sub(lambda m: m['a'] * 2, 'x12')",
    "decimal": "from decimal import Decimal, getcontext, localcontext\ndef f():\n with localcontext() as c:\n  c.prec = 3\n"
    "  return str(Decimal(1) / 3)",
}


@pytest.mark.parametrize("name", SAME)
def test_returns_what_plain_python_returns(name: str) -> None:
    plain: dict[str, Any] = {"__name__": "m"}
    if name not in ("forbidden beside", "optional import"):
        exec(SAME[name], plain)  # noqa: S102 - what plain Python makes of it
        assert run(SAME[name]) == plain["f"]()
    else:
        assert run(SAME[name]) in (True, 1)


REFUSED = {
    "import os\ndef f():\n return os.listdir('.')": 3,
    "def f():\n import socket\n return 1": 2,
    "import subprocess\ndef g():\n return subprocess\ndef f():\n return g()": 1,
    "def f():\n return open('x')": 2,
    "def f(x):\n return x.gi_frame": 2,
    "def f(x):\n match x:\n  case AttributeError(obj=y):\n   return y": 3,
    "class A(AttributeError):\n __match_args__ = ('obj',)\ndef f():\n return A": 2,
    "class A:\n __annotations__ = {}\ndef f():\n return A()": 2,
    "class A:\n def __subclasshook__(c, o): return True\ndef f():\n return A()": 2,
    "def f():\n try:\n  pass\n except* ValueError:\n  pass": 2,
    "import sys\ndef f():\n return str(sys)": 3,
    "def f():\n  return 1 +": 2,
    "async def f():\n  return 1": 1,
    "def f():\n  async def g(): pass\n  return 1": 2,
    "x = 1\n_getattr_ = 2\ndef f(): return 1": 2,
    "def f(x, _write_, /): return 1": 1,
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal_names_the_line_and_the_reason(text: str) -> None:
    found = refused(text)
    assert (found.line, found.code) == (REFUSED[text], "refused")
    assert found.reason


@pytest.mark.parametrize("entry", ["__init__", "f ", "f.__globals__", "K", "dedent", "missing", "VALUE"])
def test_only_functions_of_the_module_are_entries(entry: str) -> None:
    text = "from textwrap import dedent\nVALUE = 1\nclass K: pass\ndef f(): return 1"
    assert refused(text, entry).code == "unknown_function"


RAISES = {
    "def f(): return getattr([], '__class' + '__')": AttributeError,
    "def f(): return '{0.__class__}'.format([])": AttributeError,
    "def f(): return str.format('{0.__class__}', [])": AttributeError,
    "class S(str):\n def g(self): return super().format([])\ndef f(): return S('{0.__class__}').g()": AttributeError,
    "import collections.abc as c\ndef f(): c.Mapping.register(int)": AttributeError,
    "from fractions import Fraction\ndef f(): Fraction.limit_denominator = 1": TypeError,
    "import statistics\ndef f(): setattr(statistics, 'mean', max)": TypeError,
    "from fractions import Fraction\nfrom dataclasses import dataclass\ndef f(): dataclass(Fraction)": TypeError,
    "def f(): return type('X', (), {})": TypeError,
    "def f(): return type(type(1))('X', (), {})": TypeError,
    "def f(): return object.__getattribute__([], '__class__')": AttributeError,
    "def f(): return vars(int)": TypeError,
    "from typing import TypedDict\nfrom dataclasses import dataclass\nT = TypedDict('T', {'a b': int})\nclass U(T):\n c: int\n"
    "def f(): return dataclass(U)": TypeError,
    "def f():\n class M(type): pass\n return M": TypeError,
    "import math\ndef f(): math.__init__('math', {'pi': 3})": AttributeError,
    "import math\ndef f(): type(math).__init__(math, 'math', {'pi': 3})": TypeError,
    "import calendar\ndef f(): calendar.month_name.__init__('%d')": AttributeError,
    "import calendar\ndef f():\n class M(type(calendar.month_name)): pass\n M.__init__(calendar.month_name, '%d')": TypeError,
    "def f():\n raise SystemExit": SystemExit,
    "def f(): exit(0)": NameError,
}


@pytest.mark.parametrize("text", RAISES)
def test_what_only_shows_at_run_time_raises(text: str) -> None:
    entry = opened(text)
    with pytest.raises(RAISES[text]):
        entry.function()


def test_every_call_has_fresh_globals_and_classes() -> None:
    text = "T = []\nclass A:\n n = 0\ndef f():\n T.append(1)\n A.n += 1\n return len(T), A.n"
    made = compile_entry({"m": text}, "m", "f")
    assert isinstance(made, Compiled)
    assert [made.open().function() for _ in range(3)] == [(1, 1)] * 3


def test_effects_stay_and_what_has_none_goes() -> None:
    with pytest.raises(ZeroDivisionError):
        opened("1 / 0\ndef f(): return 1")
    assert run("raise_later = lambda: 1 / 0\nX = [1, 2]\ndef f(): return 1") == 1


def test_modules_of_the_package_are_asked_for_and_taken_apart() -> None:
    texts: dict[str, str | None] = {"p.a": "from .b import g\nfrom . import c\ndef f(): return g() + c.h()"}
    asked = compile_entry(texts, "p.a", "f")
    assert isinstance(asked, Needs)
    assert {"p.b", "p.c"} <= set(asked.modules)
    texts |= dict.fromkeys(asked.modules)
    texts |= {
        "p.b": "import socket\nfrom p import c\ndef g(): return c.h() * 2",
        "p.c": "_K = 3\ndef h(): return _K",
        "p": "",
    }
    made = compile_entry(texts, "p.a", "f")
    while isinstance(made, Needs):
        texts |= dict.fromkeys(made.modules)
        made = compile_entry(texts, "p.a", "f")
    assert isinstance(made, Compiled), made
    assert Compiled.from_bytes(made.to_bytes()).open().function() == 9


def test_hints_are_resolved_and_fields_with_them() -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import Annotated, TYPE_CHECKING\n"
        "import datetime\nif TYPE_CHECKING:\n import numpy\n@dataclass\nclass In:\n d: datetime.date\n"
        "@dataclass\nclass Out:\n parts: list[In]\ndef f(o: Out, n: Annotated[int, 'x'], w: numpy.ndarray = None): return o.parts[0].d"
    )
    entry = opened(text)
    hints = entry.hints
    assert list(hints) == ["o", "n"]
    assert hints["n"] is int
    assert hints["o"].__module__ == entry.function.__module__ == "m"
    convert = converter(hints["o"], "m", [])
    assert convert is not None
    assert entry.function(convert({"parts": [{"d": "2025-02-03"}]}), 1) == datetime.date(2025, 2, 3)


def test_a_frozen_clock_and_seeded_numbers_repeat() -> None:
    text = (
        "import random, time, uuid\nfrom datetime import datetime, date, timezone\n"
        "def f(): return (datetime.now().isoformat(), datetime.now(timezone.utc).isoformat(), date.today().isoformat(),\n"
        "  getattr(date, 'today')().year, time.time(), random.random(), str(uuid.uuid4()), random.Random().random())"
    )
    state = random.getstate()
    answers = []
    for _ in range(2):
        random.seed(7)
        answers.append(opened(text, clock="frozen").function())
    random.setstate(state)
    assert answers[0] == answers[1]
    assert answers[0][:5] == ("2025-01-01T00:00:00", "2025-01-01T00:00:00+00:00", "2025-01-01", 2025, 1735689600.0)


@pytest.mark.parametrize(
    "text",
    ["x = 1\n" * 300_000, "def f(:", "def f():\n return '\0'", "def f(): return " + "(" * 300 + ")" * 300, "\ud800"],
)
def test_what_does_not_parse_is_refused(text: str) -> None:
    assert refused(text).code == "refused"


@given(st.text(alphabet="abf_ .()[]:=\n\t'\"{}0123456789,*@", max_size=60))
def test_any_text_gets_an_answer(text: str) -> None:
    assert isinstance(compile_entry({"m": text}, "m", "f"), Compiled | Refused | Needs)
