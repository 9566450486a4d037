"""Executes tools of live servers of the Model Context Protocol, and fetches the lists of their tools."""

from apigen_ray.runners.mcp.listing import list_tools
from apigen_ray.runners.mcp.runner import McpRunner

__all__ = ["McpRunner", "list_tools"]
