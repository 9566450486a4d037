"""What of a config is published: nothing that names a machine or opens a door, and all that changes a row."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from apigen_ray.config import dump_config, load_config, parse_config
from apigen_ray.hub.published import config_text, published

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]

SECRETS = [
    "hf_abcdefghijklmnopqrstuvwxyz0123",
    "sk-proj-abcdefghijklmnop0123456789",
    "ghp_abcdefghijklmnopqrstuvwxyz0123",
    "AKIAABCDEFGHIJKLMNOP",
    "Bearer abcdefgh12345678",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc",
    "Basic bWU6d29yZA==",
    "-----BEGIN PRIVATE KEY-----",
]
PRIVATE = [
    "http://localhost:8000/v1",
    "http://127.0.0.1:8000/v1",
    "http://10.1.2.3/v1",
    "http://[::1]:8000/v1",
    "http://gpu-7:8000/v1",
    "https://llm.corp/v1",
    "http://judge.default.svc/v1",
    "https://me:word@api.example.com/v1",
    "https://api.example.com/v1?key=abc",
    "http://[bad/v1",
]
PATHS = [
    "/home/me/shop.json",
    "~/shop.json",
    "~me/shop.json",
    "../../me/shop.json",
    "s3://bucket/deep/shop.json",
    "/srv/shop.json/",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("wrap", ["{}", "a {} b", "--token={}", "https://api.example.com/{}"])
def test_a_secret_goes_wherever_it_stands(secret: str, wrap: str) -> None:
    form = {
        "generators": [{"engine_args": {"note": wrap.format(secret), "kept": 1}}],
        "list": [wrap.format(secret), "a"],
    }
    clean, changed = published(form)
    assert clean == {"generators": [{"engine_args": {"kept": 1}}], "list": ["a"]}
    assert changed == ["generators.0.engine_args.note", "list.0"]


@pytest.mark.parametrize(
    "key",
    """hf_token api_key X-Api-Key password client_secret aws_secret Authorization hf_tokens api_keys key pass pwd sas
    signature headers session_key account_key subscription-key cookie dsn""".split(),
)
def test_a_key_that_names_a_secret_goes(key: str) -> None:
    for value in ("short", ["short"], {"a": "short"}):
        assert published({"engine_args": {key: value}}) == ({"engine_args": {}}, [f"engine_args.{key}"])
        assert published({"auth": {key: value}}) == ({"auth": {}}, [f"auth.{key}"])


def test_a_figure_can_be_a_secret() -> None:
    form = {"password": 12345678, "max_tokens": 80, "skip_special_tokens": True, "pin_memory": True}
    clean, changed = published({"engine_args": form})
    assert clean == {"engine_args": {"max_tokens": 80, "skip_special_tokens": True, "pin_memory": True}}
    assert changed == ["engine_args.password"]


def test_of_what_is_sent_to_a_server_as_it_stands_figures_stay() -> None:
    form = {"generators": [{"extra_body": {"top_k": 5, "user": "me", "any": {"thinking": True, "words": ["x", 2]}}}]}
    clean, changed = published(form)
    assert clean == {"generators": [{"extra_body": {"top_k": 5, "any": {"thinking": True, "words": [2]}}}]}
    assert [key.rpartition("extra_body.")[2] for key in changed] == ["user", "any.words.0"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_go(address: str) -> None:
    assert published({"base_url": address}) == ({}, ["base_url"])


@pytest.mark.parametrize(
    "address", ["https://api.example.com/v1", "http://8.8.8.8/v1", "https://petstore.example.org/api.json"]
)
def test_public_addresses_stay(address: str) -> None:
    assert published({"base_url": address}) == ({"base_url": address}, [])


def test_private_hosts_go_from_lists_of_hosts() -> None:
    hosts = ["127.0.0.1", "db.internal:5432", "*.example.com", "http://gpu-7", "8.8.8.8"]
    form = {"rest": {"allow_hosts": hosts, "hosts": [{"host": "gpu-7", "rate": 1}]}}
    clean, changed = published(form)
    assert clean == {"rest": {"allow_hosts": ["*.example.com", "8.8.8.8"], "hosts": [{"rate": 1}]}}
    assert changed[-1] == "rest.hosts.0.host"


@pytest.mark.parametrize("path", PATHS)
def test_of_a_path_the_last_part_stays(path: str) -> None:
    assert published({"library": [{"path": path}]}) == ({"library": [{"path": "shop.json"}]}, ["library.0.path"])


def test_what_says_where_it_runs_goes() -> None:
    form = {"output": {"dir": "x"}, "limits": {}, "library": [{"server": {"command": ["python", "x"], "cwd": "/a"}}]}
    clean, changed = published(form)
    assert clean == {"library": [{"server": {}}]}
    assert changed == ["output", "limits", "library.0.server.command", "library.0.server.cwd"]


def test_what_is_no_secret_stays() -> None:
    form = {
        "api_key_env": "MY_KEY",
        "env": ["SHOP_TOKEN"],
        "sampling": {"max_tokens": 80, "stop": ["\n"], "styles": {"simple": 1.0}},
        "library": [
            {"path": "jobs/my_functions.py", "auth": {"token": ["SHOP_TOKEN"]}},
            {"module": "a.b", "server": {"auth": {"token": ["SHOP_TOKEN"]}}},
        ],
        "model": "owner/name",
        "note": "km/h and 1/2, either/or; skateboarding_competition",
        "key": None,
    }
    assert published(form) == (form, [])


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.yaml")), ids=lambda path: path.stem)
def test_recipes_can_be_published_and_run_again(path: Path) -> None:
    config = load_config(path)
    text = config_text(yaml.safe_load(dump_config(config)))
    again = yaml.safe_load(text)
    told = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   ")]
    assert {"output", "limits"} <= set(told)
    if told == ["output", "limits"]:
        assert parse_config(again).identity() == config.identity()


@given(
    st.recursive(
        st.sampled_from([*SECRETS, *PRIVATE, *PATHS, "a", 1, None, True]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "env", "path", "x"]), inner),
        max_leaves=12,
    )
)
def test_nothing_private_is_left_in_any_shape(value: Any) -> None:
    text = yaml.safe_dump(published({"config": value})[0])
    left = [word for word in (*SECRETS, *PRIVATE, "/home", "bucket", "me/", "/srv", "~") if word in text]
    assert left == []
