"""Calls the capability `greeting` of another agent, with the Python runtime that is installed."""

from settings import bind_loopback, settings, wait_for_start

import inspect

import mesh
import uvicorn  # noqa: F401  the runtime imports it between two decorators, which takes long on a loaded machine
from fastmcp import FastMCP

bind_loopback()
wait_for_start()
app = FastMCP(settings.name)
# Its name differs between the runtimes.
Proxy = mesh.McpMeshTool if hasattr(mesh, "McpMeshTool") else mesh.McpMeshAgent


@app.tool()
@mesh.tool(capability="relay", version="1.0.0", tags=["relay"], dependencies=[settings.dependency])
async def relay(who: str = "world", greeter: Proxy = None) -> str:
    if greeter is None:
        return "unresolved"
    said = greeter(who=who)
    return f"relayed: {await said if inspect.isawaitable(said) else said}"


@mesh.agent(name=settings.name, version="1.0.0", http_port=settings.port, auto_run=True)
class Agent:
    pass
