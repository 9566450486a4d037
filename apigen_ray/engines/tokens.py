"""What vLLM is sent for a row and what is made of what it hands back: plain functions of tokens, no engine."""

import math
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from apigen_ray.asks.base import Ask, Row
from apigen_ray.engines.rows import answer_column
from apigen_ray.records import INTERNAL_ERROR, Json, Reply, Request, dumps
from apigen_ray.tables import Sealed, table_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CODES = (
    "context_length",  # the prompt is longer than the engine takes
    "bad_request",  # the chat template refuses the messages
    "engine_error",  # vLLM refused or lost the request, in its own words
)
"""How a reply's ``error`` begins; a detail follows after a colon."""

DETAIL = 300
"""Characters of a cause that are kept."""

ERROR = "__inference_error__"
"""The column by which ``ray.data.llm`` knows failed rows: not "", and engine and ``postprocess`` are passed by."""

ASIDE = "not for the engine"
"""In `ERROR`: this row is not to be asked, or cannot be (then ``fault`` says why)."""

_TOO_LONG = ("maximum context length", "maximum model length", "max_model_len")

PACKED = pa.schema([pa.field("line", pa.binary())])
"""What `pack` gives: pickled lines, which `opened` takes apart where the processor begins."""


@dataclass(frozen=True)
class Limits:
    """What holds for every request to one engine.

    Attributes:
        max_model_len: tokens of prompt and reply together.
        sampling: as vLLM's ``SamplingParams`` takes it: temperature, top_p, max_tokens, seed, stop.
        logprobs: whether to keep the mean log-probability of generated text.
        constrain: whether a request's schema constrains the reply.
    """

    max_model_len: int
    sampling: Mapping[str, Any]
    logprobs: bool
    constrain: bool


def pack(
    table: pa.Table,
    ask: Ask,
    where: Callable[[Row], bool],
    limits: Limits,
    tokenizer: "PreTrainedTokenizerBase",
) -> pa.Table:
    """Rows made ready for the engine.

    Args:
        table: rows of any schema.
        ask: what to ask.
        where: which rows to ask.
        limits: of the engine.
        tokenizer: the model's, with its chat template.

    Returns:
        A table of `PACKED`, a row for each row in the same order.
    """
    lines = [_line(row, ask, limits, tokenizer) if where(row) else _aside(row) for row in table.to_pylist()]
    return table_of([{"line": pickle.dumps(line)} for line in lines], PACKED)


def opened(row: Mapping[str, Any], where: Callable[[Row], bool]) -> Json:
    """A line of `pack`, for the engine.

    Args:
        row: of `PACKED`.
        where: which rows to ask: a run that stops may have changed its mind since the line was packed.

    Returns:
        ``row`` (`Sealed`), ``tokenized_prompt``, ``sampling_params``, and for `answer` ``scored``, ``limit`` and
        ``end``; where it is set aside, ``row``, ``fault`` and `ERROR`.
    """
    line: Json = pickle.loads(row["line"])  # noqa: S301 - our own bytes, packed one stage above
    if not line[ERROR] and not where(line["row"].row):
        line = _aside(line["row"].row)
    return line | {"line": b""}


def _aside(row: Row, fault: str | None = None) -> Json:
    return {"row": Sealed(row), "fault": fault, ERROR: ASIDE}


def _line(row: Row, ask: Ask, limits: Limits, tokenizer: "PreTrainedTokenizerBase") -> Json:
    try:
        request = ask.request(row)
    except Exception as error:  # an ask is our own and pure: a defect costs the rows that show it, not the run
        return _aside(row, _fault(INTERNAL_ERROR, f"ask {ask.name}: {type(error).__name__}: {error}"))
    try:
        tokens, scored = _tokens(request, tokenizer)
    except Exception as error:  # a template is the model's own program and may refuse whatever it likes
        return _aside(row, _fault("bad_request", f"chat template: {type(error).__name__}: {error}"))
    if len(tokens) >= limits.max_model_len:
        detail = f"a prompt of {len(tokens)} tokens; the engine takes {limits.max_model_len} with the reply"
        return _aside(row, _fault("context_length", detail))
    params = _sampling(request, limits)
    return {
        "row": Sealed(row),
        "tokenized_prompt": tokens,
        "sampling_params": params,
        "scored": scored,  # so many last tokens of the prompt; None where text is wanted
        "limit": params["max_tokens"],  # the engine takes `sampling_params` away
        "end": tokenizer.eos_token_id,
        ERROR: "",
    }


def unpack(table: pa.Table, name: str, model: str, schema: pa.Schema) -> pa.Table:
    """The rows that `pack` took in, each with its reply.

    Args:
        table: what the processor hands back: for answered rows ``row`` and ``reply`` (see `answer`), for the others
            what the engine knew of them; the columns differ from batch to batch.
        name: column of the reply.
        model: its name, as replies carry it.
        schema: of the table that is handed back.
    """
    rows: list[Row] = []
    replies: list[Reply | None] = []
    for line in table.to_pylist():
        rows.append(line["row"].row)
        error = line.get(ERROR) or ""
        if error == ASIDE:
            fault = line.get("fault")
            replies.append(Reply(model=model, error=fault) if fault else None)
        elif error:
            code = "context_length" if any(words in error for words in _TOO_LONG) else "engine_error"
            replies.append(Reply(model=model, error=_fault(code, error)))
        else:
            replies.append(Reply(model=model, **line["reply"]))
    return answer_column(table_of(rows, schema), name, replies, schema)


def answer(output: Mapping[str, Any], max_model_len: int) -> Json:
    """What `unpack` needs of the engine's output for one row; log-probabilities are reduced to their mean here.

    Args:
        output: what `opened` gave, and the columns of Ray's vLLM stage, which does not say why a reply ended.
        max_model_len: tokens of prompt and reply together.
    """
    prompt, written = int(output["num_input_tokens"]), int(output["num_generated_tokens"])
    reply = Reply(text=output["generated_text"], prompt_tokens=prompt, completion_tokens=written)
    changes: Json = {"seconds": float(output["time_taken_llm"])}
    scored = output.get("scored")
    if scored is not None:
        # vLLM must write one token; it was not asked for
        changes |= {"text": "", "completion_tokens": 0, "finish": "stop"}
        changes["logprob"] = mean_logprob(output["prompt_logprobs"][-int(scored) :])
    else:
        tokens = output["generated_tokens"]
        full = prompt + written >= max_model_len or written >= output["limit"]
        changes["finish"] = "length" if full and tokens[-1] != output["end"] else "stop"
        changes["logprob"] = mean_logprob(output.get("logprobs"))
    form = asdict(reply) | changes
    return {"row": output["row"], "reply": {key: value for key, value in form.items() if key not in ("model", "error")}}


def mean_logprob(tokens: Sequence[Mapping[Any, Any] | None] | None) -> float | None:
    """Mean in nats over tokens, each ``{id: {"logprob": ...}}`` with one entry; None where there is none."""
    values = [float(entry["logprob"]) for token in _given(tokens) for entry in [next(iter(token.values()))]]
    return math.fsum(values) / len(values) if values else None


def _given(tokens: Sequence[Mapping[Any, Any] | None] | None) -> Iterator[Mapping[Any, Any]]:
    for token in tokens if tokens is not None else ():
        if token:
            yield token


def _tokens(request: Request, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[int], int | None]:
    """The prompt's tokens, and how many of its last are to be scored."""

    def encoded(text: str) -> list[int]:
        # the template writes the special tokens itself
        ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    messages = list(request.messages)
    if not request.score:
        return encoded(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)), None
    # Encoded apart from what stands before it, the message's own tokens are known whatever the tokenizer merges.
    before = encoded(tokenizer.apply_chat_template(messages[:-1], tokenize=False, add_generation_prompt=True))
    message = encoded(messages[-1]["content"])
    if not before or not message:
        raise ValueError("nothing to score: the last message, or all before it, is empty")
    return before + message, len(message)


def _sampling(request: Request, limits: Limits) -> Json:
    if request.score:
        return {"temperature": 0.0, "top_p": 1.0, "max_tokens": 1, "prompt_logprobs": 0}
    params = dict(limits.sampling)
    if request.max_tokens is not None:
        params["max_tokens"] = request.max_tokens
    if limits.logprobs:
        params["logprobs"] = 0  # of the token taken, and no other
    if request.schema is not None and limits.constrain:
        params["structured_outputs"] = {"json": dumps(request.schema)}
    return params


def _fault(code: str, detail: str) -> str:
    return f"{code}: {detail}"[: len(code) + 2 + DETAIL]
