"""What a batch of finished samples comes to, in a few numbers that the driver adds up while a run goes on."""

import pyarrow as pa
import pyarrow.compute as pc

from apigen_ray.config import REPLIES, STAGES
from apigen_ray.records import Status

TALLY = pa.schema(
    [
        pa.field("generator", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("stage", pa.string()),  # that ended the rows' way; "" where none did
        pa.field("code", pa.string()),  # that it gave them
        pa.field("rows", pa.int64()),
        pa.field("prompts", pa.int64()),  # whose first sample is among the rows
        pa.field("prompt_tokens", pa.int64()),  # of the generator: a reply counts with its first sample
        pa.field("completion_tokens", pa.int64()),
        pa.field("judge_prompt_tokens", pa.int64()),
        pa.field("judge_completion_tokens", pa.int64()),
    ]
)
"""What the sink says of a batch: rows, prompts and tokens for each generator, verdict, stage and code."""

_GROUPS, _SUMS = TALLY.names[:4], TALLY.names[5:]
_TOKENS = ("prompt_tokens", "completion_tokens")
_JUDGED = [name for name in REPLIES if name != "reply"]
_STATUSES = pa.array([str(Status.REJECTED), str(Status.ERROR)])

COLUMNS = ["generator", "pair", *(f"{name}.{tokens}" for name in REPLIES for tokens in _TOKENS)]
"""The columns of a sample file that `spent` reads; no text is among them."""


def tally(samples: pa.Table) -> pa.Table:
    """Counts samples that every stage has spoken on.

    Args:
        samples: rows of `config.SAMPLE`.

    Returns:
        A table of `TALLY`.
    """
    stage = code = pa.repeat(pa.scalar("", pa.string()), samples.num_rows)
    for name in reversed(STAGES):
        blamed = pc.is_in(samples[f"{name}_status"], _STATUSES)
        stage = pc.if_else(blamed, name, stage)
        code = pc.if_else(blamed, pc.coalesce(samples[f"{name}_code"], ""), code)
    columns = {"verdict": samples["verdict"], "stage": stage, "code": code, **_spent(samples)}
    groups = pa.table(columns).group_by(_GROUPS).aggregate([([], "count_all"), *((name, "sum") for name in _SUMS)])
    return groups.rename_columns(TALLY.names).cast(TALLY)


def spent(samples: pa.Table) -> pa.Table:
    """Of a `tally` the prompts and tokens of each generator, whatever became of the rows.

    Args:
        samples: rows of `config.SAMPLE`, or those of its `COLUMNS`.
    """
    groups = pa.table(_spent(samples)).group_by(_GROUPS[0]).aggregate([(name, "sum") for name in _SUMS])
    return groups.rename_columns([_GROUPS[0], *_SUMS])


def _spent(samples: pa.Table) -> dict[str, pa.ChunkedArray]:
    first = pc.equal(pc.fill_null(samples["pair"], 0), 0)
    columns = {"generator": samples["generator"], "prompts": first.cast(pa.int64())}
    for name in _TOKENS:
        columns[name] = pc.if_else(first, _numbers(samples, "reply", name), 0)
        judged = [_numbers(samples, column, name) for column in _JUDGED]
        columns[f"judge_{name}"] = judged[0]
        for more in judged[1:]:
            columns[f"judge_{name}"] = pc.add(columns[f"judge_{name}"], more)
    return columns


def _numbers(samples: pa.Table, column: str, name: str) -> pa.ChunkedArray:
    return pc.fill_null(pc.struct_field(samples[column], name).cast(pa.int64()), 0)
