"""Offers the capability `greeting`, with the Python runtime that is installed."""

from settings import bind_loopback, settings, wait_for_start

import mesh
import uvicorn  # noqa: F401  the runtime imports it between two decorators, which takes long on a loaded machine
from fastmcp import FastMCP

bind_loopback()
wait_for_start()
app = FastMCP(settings.name)


@app.tool()
@mesh.tool(capability="greeting", version=settings.version, tags=["en"], description="Says hello.")
def greet(who: str = "world") -> str:
    return f"hello {who} from {settings.name} {settings.version}"


@mesh.agent(name=settings.name, version=settings.version, http_port=settings.port, auto_run=True)
class Agent:
    pass
