"""The known holes of RestrictedPython, by their numbers: none is one of the language layer."""

# ruff: noqa: E501 - foreign sources, as short as they can be
import pytest

from apigen_ray.runners.sandbox.language import Compiled, Refused, compile_entry, preload

CASES = {
    # frames of generators and of what they wait for, reached by attributes
    "CVE-2023-37271": [
        "def f():\n g = (g.gi_frame.f_back for _ in [1])\n return next(g)",
        "def f():\n g = (i for i in [1])\n return getattr(g, 'gi_' + 'frame')",
        "def f():\n return getattr((i for i in [1]), 'gi_' + 'code')",
    ],
    # attributes reached by format strings
    "CVE-2023-41039": [
        "def f(): return '{0.__class__.__mro__}'.format([])",
        "def f(): return '{a.__class__}'.format_map({'a': 1})",
        "def f(): return getattr('{0.__class__}', 'format')(1)",
        "def f(): return list(map(str.format, ['{0.__class__}'], [1]))",
        "def f(): return '{0:{1.__class__}}'.format(1, 2)",
    ],
    # the object behind an AttributeError
    "CVE-2024-47532": [
        "import string\ndef f():\n try:\n  string.no_such_name\n except AttributeError as e:\n  return e.obj",
        "import math\ndef f():\n try:\n  getattr(math, 'nope')\n except AttributeError as e:\n  return getattr(e, 'o' + 'bj')",
        "class A(AttributeError):\n def g(self): return super().obj\ndef f(): return A(obj=1, name='x').obj",
    ],
    # types confused by except*
    "CVE-2025-22153": ["def f():\n try:\n  raise ExceptionGroup('', [ValueError()])\n except* ValueError:\n  pass"],
    # guards hidden by positional-only parameters
    "CVE-2026-55830": [
        "def f(_getattr_=1, /): return 1",
        "def g(_write_, /): return 1\ndef f(): return 1",
        "h = lambda _getitem_, /: 1\ndef f(): return 1",
    ],
    # string.Formatter: only its entry in a distribution's tracker was found, and RestrictedPython's own guard against it
    "CVE-2026-76825": [
        "import string\ndef f(): return string.Formatter().get_field('0.__class__', ([],), {})",
        "from string import Formatter\ndef f(): return Formatter().format('{0.__class__}', [])",
        "import string\ndef f(): return getattr(string, 'Formatter')().vformat('{0.__class__}', [1], {})",
    ],
}


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    preload()


@pytest.mark.parametrize(("number", "text"), [(number, text) for number, texts in CASES.items() for text in texts])
def test_a_known_hole_is_closed(number: str, text: str) -> None:
    made = compile_entry({"m": text}, "m", "f")
    if isinstance(made, Refused):
        assert made.code == "refused"
        return
    assert isinstance(made, Compiled)
    with pytest.raises((AttributeError, TypeError, ImportError)):
        made.open().function()
