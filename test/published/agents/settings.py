"""The settings of one agent, from the command line. Import it before `mesh`: both runtimes read the environment at import."""

import argparse
import json
import os
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--name", required=True)
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--registry", required=True)
parser.add_argument("--version", default="1.0.0")
parser.add_argument("--interval", type=int, default=1, help="Seconds between two heartbeats.")
parser.add_argument("--dependency", type=json.loads, default={"capability": "greeting"})
parser.add_argument("--wait", action="store_true", help="Register only after a line on the standard input.")
settings = parser.parse_args()

os.environ.update(
    {
        "MCP_MESH_REGISTRY_URL": settings.registry,
        "MCP_MESH_HTTP_HOST": "127.0.0.1",
        "MCP_MESH_HTTP_PORT": str(settings.port),
        "MCP_MESH_HEALTH_INTERVAL": str(settings.interval),
        # A call of a function whose dependency is unresolved otherwise blocks for 20 s after the start.
        "MCP_MESH_SETTLE_TIMEOUT": "0",
        # The runtime binds its port twice where more than this passes between two decorators, in seconds.
        "MCP_MESH_DEBOUNCE_DELAY": "2",
        "MCP_MESH_LOG_LEVEL": "INFO",
        "HOST": "127.0.0.1",
    }
)


def bind_loopback() -> None:
    """The runtime of 2025 binds every address, whatever is set."""
    try:
        from _mcp_mesh.shared.host_resolver import HostResolver
    except ImportError:
        return
    if hasattr(HostResolver, "get_binding_host"):
        HostResolver.get_binding_host = staticmethod(lambda: "127.0.0.1")


def wait_for_start() -> None:
    """Call it after the slow imports: agents that wait come without the delay of their start."""
    if settings.wait:
        print("waiting", flush=True)
        sys.stdin.readline()
