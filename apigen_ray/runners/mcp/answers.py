"""What a tool's answer means for its call: a value, what the tool says went wrong, or why it is of no use."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from apigen_ray.records import Json, Status, dumps
from apigen_ray.runners.base import Outcome
from apigen_ray.runners.sandbox.results import MAX_DETAIL, MAX_VALUE
from apigen_ray.strict_json import JsonProblem, loads


class ToolAnswer(BaseModel):
    """The result of ``tools/call``, as it came; the SDK has checked its form by then.

    Attributes:
        content: blocks ``{"type": "text" | "image" | "audio" | "resource_link" | "resource", ...}``.
        structured: the result as data, where the tool gives it.
        failed: the tool says that it did not work.
        kind: ``complete``, or ``input_required``: it asks something back.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    content: tuple[Json, ...] = ()
    structured: Any = Field(default=None, alias="structuredContent")
    failed: bool = Field(default=False, alias="isError")
    kind: str = Field(default="complete", alias="resultType")


def outcome(answer: ToolAnswer) -> Outcome:
    """What became of the call that it answers.

    Its detail is as long as the server's words are. The value is the structured content, else the text of all blocks,
    as data where that text is JSON; where there is more than text, the list of the blocks, of which pictures, sounds
    and files are named by type and size only; null where there is nothing at all.
    """
    if answer.kind != "complete":
        return Outcome(Status.REJECTED, "bad_output", detail="it asks for input in place of an answer")
    if answer.failed:
        return Outcome(Status.REJECTED, "exec_error", detail=_text(answer.content) or "it says that it failed")
    try:
        text = dumps(_value(answer))
        size = len(text.encode())
        if size > MAX_VALUE:
            return too_large(f"its result takes {size} bytes")
        loads(text)
    except (JsonProblem, ValueError, RecursionError) as error:
        words = error.detail if isinstance(error, JsonProblem) else str(error)
        return Outcome(Status.REJECTED, "bad_output", detail=f"its result is no plain data: {words}")
    return Outcome(Status.PASSED, value=text)


def too_large(words: str) -> Outcome:
    """The outcome of a call whose result is more than may be kept."""
    return Outcome(Status.REJECTED, "output_too_large", detail=f"{words}, {MAX_VALUE} may be kept")


def short(words: str) -> str:
    """A server's words, as long as a detail may be, and such that they can be written as UTF-8.

    Only for words without secrets: of one that is cut in two nobody would know the first half.
    """
    return words.encode("utf-8", "replace").decode()[:MAX_DETAIL]


def _value(answer: ToolAnswer) -> Any:
    if answer.structured is not None:
        return answer.structured
    if not answer.content:
        return None
    if any(block.get("type") != "text" for block in answer.content):
        return [_named(block) for block in answer.content]
    text = _text(answer.content)
    try:
        return loads(text) if len(text) <= MAX_VALUE else text
    except JsonProblem:
        return text


def _text(blocks: tuple[Json, ...]) -> str:
    return "\n".join(block["text"] for block in blocks if isinstance(block.get("text"), str))


def _named(block: Json) -> Any:
    """A block without its bytes."""
    held = block.get("resource")
    inner: Json = held if isinstance(held, dict) else block
    if isinstance(inner.get("text"), str):
        return inner["text"]
    told = {key: inner[key] for key in ("uri", "name", "mimeType") if isinstance(inner.get(key), str)}
    data = inner.get("data", inner.get("blob"))
    size = {"bytes": len(data.rstrip("=")) * 3 // 4} if isinstance(data, str) else {}  # base64
    return {"type": block.get("type")} | told | size
