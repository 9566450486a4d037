"""A harbour office as an MCP server: an ordinary one, by the official SDK, over stdio or streamable HTTP."""
