"""The records that flow through a run: Api, Call, Reply, statuses and verdicts, and their JSON and Arrow forms."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import pyarrow as pa

Json = dict[str, Any]


class Style(StrEnum):
    """The query styles of the paper (section 3.2), and its relevance rows."""

    SIMPLE = "simple"  # one API offered, one call
    MULTIPLE = "multiple"  # several offered, one call
    PARALLEL = "parallel"  # one offered, several calls
    PARALLEL_MULTIPLE = "parallel_multiple"  # several offered, several calls
    IRRELEVANCE = "irrelevance"  # none of the offered APIs serves: no call


class Mode(StrEnum):
    """How a sample is drafted."""

    QUERY_FIRST = "query_first"  # the paper: a model writes query and calls together
    CALL_FIRST = "call_first"  # calls are sampled and executed by code, a model only phrases the request


class Status(StrEnum):
    """What one stage says of one sample. ``rejected`` blames the sample, ``error`` blames us and is tried again."""

    PASSED = "passed"
    REJECTED = "rejected"
    ERROR = "error"
    SKIPPED = "skipped"


EARLIER_STAGE = "earlier_stage"  # codes of ``skipped``
NOT_REQUESTED = "not_requested"
INTERNAL_ERROR = "internal_error"  # code of ``error`` of any stage: our own defect, with the exception in the detail


class Verdict(StrEnum):
    """What becomes of a sample, beside ``fail_<stage>``: all are named in `apigen_ray.config.VERDICTS`."""

    VERIFIED = "verified"
    DUPLICATE = "duplicate"
    ERROR = "error"


def dumps(value: Any) -> str:
    """The one JSON text of a value: compact, keys as given, no NaN.

    Raises:
        ValueError: a float is not finite.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def content_hash(*parts: str | int | None) -> str:
    """24 hex digits (96 bits) that name the parts: the same parts, the same id, on every machine.

    Ten million ids collide with a probability below 1e-15.
    """
    text = "\x1f".join("" if part is None else str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def query_key(query: str) -> str:
    """What two queries have in common that a reader would call the same: letter case, accents, punctuation, spaces.

    Signs, operators, currencies and decimal points tell queries apart: "is -5 warm?" is not "is 5 warm?".
    """
    if query.isascii():  # the same, in a third of the time
        plain = query.lower()
    else:
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", query).casefold())
    return content_hash("query", " ".join(_PUNCTUATION.sub(" ", plain).split()))


_ACCENTS = re.compile("[\u0300-\u036f]")  # not every combining mark: those of Indic scripts are vowels
_OTHERS = r"""!?"'`:;()\[\]{}_~|\\\u00a1\u00ab\u00bb\u00bf\u2000-\u206f\u3000-\u303f"""
# A sign is looked for first, and then what is around it: five times as fast as the other way about.
_PUNCTUATION = re.compile(
    rf"""[.,\-{_OTHERS}]
    (?: (?<=[{_OTHERS}]) | (?<=[.,]) (?: (?<!\d.) | (?!\d) ) | (?<=-) (?: (?<=\w.) | (?!\s?\d) ) )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Source:
    """Where an API comes from and what executes it.

    Attributes:
        kind: the source's kind, for example ``python`` or ``openapi``.
        location: what to load it from: a file path, a module name or a URL.
        entry: its name there: the function's name, or method and path.
        digest: content hash of what stands behind it (a function's module text), so that a
            changed source is a changed API.
        trust: ``trusted`` where the user says so: then what executes it confines its process and not its language.
        runner: the runner that executes it; "": the one of its kind.
        hosts: what it may speak to, for a runner that lets it.
        env: names of the environment variables that it is given, for a runner that gives any.
        server: the base of its requests as its document says, an ``http`` or ``https`` URL; "" where it says none.
        hidden: its parameters that no model sees, since executing a call fills them in: above all credentials.
        request: JSON text of what its runner needs to make a call, complete in itself, since the document need not be
            where the call is made; it names environment variables in place of secrets. "" where nothing is needed.
    """

    kind: str
    location: str
    entry: str
    digest: str = ""
    trust: str = "untrusted"
    runner: str = ""
    hosts: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    server: str = ""
    hidden: tuple[str, ...] = ()
    request: str = ""

    @property
    def executed_by(self) -> str:
        """The kind of the runner that executes it."""
        return self.runner or self.kind


@dataclass(frozen=True)
class Api:
    """One callable function as it is offered to a model.

    Attributes:
        name: identifier of at most 64 characters, unique in its library (dots allowed in foreign tools only).
        description: what it does, for a model.
        parameters: JSON Schema 2020-12 of the arguments: an object with ``properties`` and ``required``, closed.
        returns: JSON Schema of the result, or None where unknown.
        category: one of the paper's 21 categories or the user's own, or None.
        source: where it comes from; None for a tool that is only known by its form.
    """

    name: str
    description: str
    parameters: Json
    returns: Json | None = None
    category: str | None = None
    source: Source | None = None

    @cached_property
    def api_id(self) -> str:
        """Content hash of form and source."""
        origin = (self.source.kind, self.source.entry, self.source.digest) if self.source else ()
        return content_hash("api", self.name, self.description, json.dumps(self.parameters, sort_keys=True), *origin)

    def tool(self) -> Json:
        """The form that is offered to a model and stored in ``tools``: name, description, parameters."""
        return {"name": self.name, "description": self.description, "parameters": self.parameters}


@dataclass(frozen=True)
class Call:
    """One function call: ``{"name", "arguments"}`` in JSON."""

    name: str
    arguments: Json = field(default_factory=dict)

    def form(self) -> Json:
        """The JSON form of the call."""
        return {"name": self.name, "arguments": self.arguments}


def calls_to_json(calls: Sequence[Call]) -> str:
    """``[{"name", "arguments"}, ...]`` as one JSON text."""
    return dumps([call.form() for call in calls])


def calls_from_json(text: str) -> list[Call]:
    """The inverse of `calls_to_json`; for text of our own, which is known to be well formed."""
    return [Call(item["name"], item["arguments"]) for item in json.loads(text)]


@dataclass(frozen=True)
class Example:
    """A seed: a query, the calls that answer it and the tools that were offered; used as a few-shot example.

    Attributes:
        seed_id: content hash of query and answers.
        style: its query style.
        query: the request.
        answers: the calls that answer it.
        tools: the offered tools in the form of `Api.tool`; empty where the seed file leaves them to the library.
    """

    style: Style
    query: str
    answers: tuple[Call, ...]
    tools: tuple[Json, ...] = ()

    @cached_property
    def seed_id(self) -> str:
        """Content hash of query and answers."""
        return content_hash("seed", self.query, calls_to_json(self.answers))


@dataclass(frozen=True)
class Request:
    """What is put to an engine for one row.

    Attributes:
        messages: chat messages ``{"role", "content"}``.
        schema: JSON Schema that constrains the reply where the engine can; None for free text.
        score: when true nothing is generated: the last message must be the assistant's, and the reply's
            ``logprob`` is the mean log-probability (nats per token) of that message given the ones before it.
        max_tokens: overrides the engine's own limit for this request where set.
    """

    messages: tuple[Json, ...]
    schema: Json | None = None
    score: bool = False
    max_tokens: int | None = None


@dataclass(frozen=True)
class Reply:
    """What came back for one request; either ``text`` (or a score's ``logprob``) or ``error`` is set.

    Attributes:
        text: the model's words; "" for a score.
        model: the model that answered.
        finish: why it stopped: ``stop``, ``length`` or the engine's own word.
        prompt_tokens: tokens read.
        completion_tokens: tokens written.
        seconds: from submission to the last token.
        logprob: mean log-probability of the written (or scored) tokens in nats, where the engine gives it.
        error: why there is no reply: ``code: detail``; such a row is an ``error``, tried again on resume.
    """

    text: str | None = None
    model: str = ""
    finish: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    logprob: float | None = None
    error: str | None = None


REPLY = pa.struct(
    [
        pa.field("text", pa.string()),
        pa.field("model", pa.string()),
        pa.field("finish", pa.string()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("completion_tokens", pa.int32()),
        pa.field("seconds", pa.float32()),
        pa.field("logprob", pa.float32()),
        pa.field("error", pa.string()),
    ]
)
"""A `Reply` in Arrow: flat and fully typed, so that no value can change its shape from row to row."""

PLAN = pa.schema(
    [
        pa.field("prompt_id", pa.string()),
        pa.field("round", pa.int32()),
        pa.field("generator", pa.string()),
        pa.field("index", pa.int64()),
        pa.field("style", pa.string()),
        pa.field("mode", pa.string()),
        pa.field("template", pa.string()),
        pa.field("pairs", pa.int32()),  # query_first: how many pairs to write in one reply
        pa.field("api_ids", pa.list_(pa.string())),  # of the offered tools, in their order
        pa.field("tools", pa.string()),  # JSON list of Api.tool()
        pa.field("seed_ids", pa.list_(pa.string())),
        pa.field("examples", pa.string()),  # JSON list of {"query", "answers", "tools"}
        pa.field(
            "candidates", pa.string()
        ),  # call_first: JSON list of {"calls", "api_ids"}, the first that executes is taken
        pa.field("planned", pa.string()),  # call_first: JSON list of the calls taken; null where none executed
        pa.field("planned_results", pa.string()),  # call_first: JSON list of Outcome forms, one per call
    ]
)
"""One prompt to be put to a generator."""

DRAFT = pa.schema([*PLAN, pa.field("reply", REPLY), pa.field("planted", pa.string())])
"""A prompt with its reply: a row of ``drafts/``. ``planted`` is the scripted engine's word on what must come out."""

SAMPLE_HEAD = pa.schema(
    [
        pa.field("sample_id", pa.string()),
        pa.field("source_id", pa.string()),  # verify: the id that the record came with
        pa.field("run", pa.string()),  # merge: the run that the row came from
        *DRAFT,
        pa.field("pair", pa.int32()),  # which of the reply's pairs
        pa.field("of", pa.int32()),  # how many pairs the reply was split into
        pa.field("record", pa.string()),  # the candidate's text: {"query", "answers"} if the model kept to the form
        pa.field("query", pa.string()),
        pa.field("answers", pa.string()),  # JSON list of calls
    ]
)
"""A sample before the verifiers; each of them adds its columns (see `apigen_ray.verifiers`)."""


def status_fields(name: str) -> list[pa.Field]:
    """The three columns that every verifier writes."""
    return [pa.field(f"{name}_{part}", pa.string()) for part in ("status", "code", "detail")]
