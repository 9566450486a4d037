"""Readers of a run: its rows, and its exports to the formats of others."""

from apigen_ray.export.base import Export
from apigen_ray.export.bfcl import BfclExport
from apigen_ray.export.openai import OpenAIExport
from apigen_ray.export.plain import JsonlExport, ParquetExport
from apigen_ray.export.sharegpt import ShareGPTExport
from apigen_ray.export.xlam import XlamExport

EXPORTS: tuple[type[Export], ...] = (
    XlamExport,
    OpenAIExport,
    ShareGPTExport,
    BfclExport,
    ParquetExport,
    JsonlExport,
)
"""Every format of ``apigen export``; a new one is a file and a line here."""

__all__ = ["EXPORTS", "Export"]
