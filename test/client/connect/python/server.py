"""A FastMCP server: `server.py http PORT` or `server.py stdio`."""

import os
import sys

from fastmcp import FastMCP

server = FastMCP("python")


@server.tool(annotations={"readOnlyHint": True})
def add(first: int, second: int) -> int:
    """Adds two numbers."""
    return first + second


@server.tool
def process() -> int:
    """Says in which process it runs."""
    return os.getpid()


if sys.argv[1] == "stdio":
    server.run(show_banner=False)
else:
    server.run(
        transport="http",
        host="127.0.0.1",
        port=int(sys.argv[2]),
        show_banner=False,
        log_level="error",
        uvicorn_config={"lifespan": "on"},
    )
