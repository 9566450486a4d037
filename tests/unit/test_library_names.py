"""Names that are legal and unique whatever stands beside them, and which parameters are credentials."""

from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.library.credentials import is_credential, without_credentials
from apigen_ray.library.names import entries_once, identifier, unique_names

NAMES = st.lists(st.text("ab_ 1é", max_size=5) | st.just("x" * 70))


@given(NAMES)
def test_names_are_unique(texts: list[str]) -> None:
    keys = entries_once(texts)
    assert len(set(keys)) == len(keys)
    assert all(key.startswith(text) for key, text in zip(keys, texts, strict=True))
    names = unique_names([identifier(text) for text in texts], keys)
    assert len({*names}) == len(names)
    assert all(name.isidentifier() and name.isascii() and len(name) <= 64 for name in names)


def test_entries_that_look_numbered_already() -> None:
    assert entries_once(["a", "a #2", "a", "a"]) == ["a", "a #2", "a #3", "a #4"]


def test_a_name_depends_on_no_order() -> None:
    one, two = unique_names(["a", "a", "b"], ["3", "1", "2"])[:2]
    assert unique_names(["a", "b", "a"], ["1", "2", "3"]) == [two, "b", one]
    taken = unique_names(["a", "a"], ["1", "2"])[0]
    assert len(set(unique_names(["a", "a", taken], ["1", "2", "3"]))) == 3


def test_credentials() -> None:
    assert all(
        map(is_credential, ("X-Api-Key", "apiKey", "Authorization", "access_token", "X-Amz-Date", "client_secret"))
    )
    assert not any(map(is_credential, ("key", "token", "keyword", "tokens", "author", "max_tokens", "password")))
    assert is_credential("token", "your access token")
    assert not is_credential("key", "the musical key")
    properties = {"api_key": {}, "token": {"description": "API token"}, "password": {"description": "to authenticate"}}
    form = {"type": "object", "properties": properties, "required": ["api_key", "password"]}
    shown, hidden = without_credentials(form)
    assert (list(shown["properties"]), shown["required"], hidden) == (["password"], ["password"], ("api_key", "token"))
    assert without_credentials(shown) == (shown, ())
