"""``sharegpt``: the tool form of LLaMA-Factory, with the ``dataset_info.json`` that it reads."""

import json
from collections import Counter
from typing import ClassVar

import pyarrow as pa

from apigen_ray.export.base import COLUMNS, NO_CALL, Sample, texts, write_samples
from apigen_ray.export.files import Files, Part
from apigen_ray.records import Json, calls_to_json, dumps


class ShareGPTExport:
    """Conversations for LLaMA-Factory, with the dataset_info.json that it reads.

    A row is ``conversations`` and ``tools``.
    ``function_call`` holds the JSON text of one call, or of the list of several; ``tools`` is the JSON text of the
    offered functions. In a relevance row ``gpt`` says `apigen_ray.export.base.NO_CALL`. Beside the rows stands
    ``dataset_info.json``, so that the folder is a ``dataset_dir`` whose datasets are called ``apigen_<split>``.
    """

    name: ClassVar[str] = "sharegpt"
    columns: ClassVar[tuple[str, ...]] = COLUMNS
    with_results: ClassVar[bool] = False

    def __init__(self, results: bool = False) -> None: ...

    def write(self, rows: pa.Table, split: str, files: Files) -> Counter[str]:
        """Appends to ``<split>.jsonl``; see `apigen_ray.export.base.Export`."""
        part = Part(f"{split}.jsonl", split)
        return write_samples(rows, files, lambda sample: [(part, dumps(_row(sample)))])

    def features(self, config: str) -> list[Json] | None:
        """Turns of two texts, and a text."""
        return [{"name": "conversations", "list": texts("from", "value")}, *texts("tools")]

    def finish(self, files: Files) -> None:
        """Writes ``dataset_info.json``."""
        info = {
            f"apigen_{part.split}": {
                "file_name": part.path,
                "formatting": "sharegpt",
                "columns": {"messages": "conversations", "tools": "tools"},
                "tags": {
                    "role_tag": "from",
                    "content_tag": "value",
                    "user_tag": "human",
                    "assistant_tag": "gpt",
                    "function_tag": "function_call",
                    "observation_tag": "observation",
                },
            }
            for part in files.rows
        }
        files.write("dataset_info.json", json.dumps(info, indent=2) + "\n")


def _row(sample: Sample) -> Json:
    said = {"from": "gpt", "value": NO_CALL}
    if sample.calls:
        calls = calls_to_json(sample.calls) if len(sample.calls) > 1 else dumps(sample.calls[0].form())
        said = {"from": "function_call", "value": calls}
    return {"conversations": [{"from": "human", "value": sample.query}, said], "tools": dumps(list(sample.tools))}
