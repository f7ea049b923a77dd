"""An agent on the Rust core alone: the core talks to the registry, this file serves MCP and calls the provider that the core names."""

from settings import settings, wait_for_start

import asyncio
import json
import signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.request import Request, urlopen

import mcp_mesh_core as core

wait_for_start()
is_provider = settings.dependency is None
#: The provider of `greeting`, as the events of the core tell it: endpoint and function.
provider = None


def relay(who: str) -> str:
    if provider is None:
        return "unresolved"
    endpoint, function = provider
    call = {"name": function, "arguments": {"who": who}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    request = Request(f"{endpoint}/mcp", json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=5) as answer:
        return "relayed: " + json.load(answer)["result"]["content"][0]["text"]


def greet(who: str) -> str:
    return f"hello {who} from {settings.name} {settings.version}"


class Mcp(BaseHTTPRequestHandler):
    """Just enough of MCP for `tools/call`."""

    def do_POST(self) -> None:
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        try:
            text, failed = (greet if is_provider else relay)(call["params"]["arguments"]["who"]), False
        except Exception as error:
            text, failed = repr(error), True
        result = {"content": [{"type": "text", "text": text}], "isError": failed}
        body = json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def tools() -> list:
    if is_provider:
        schema, kwargs = json.dumps({"type": "object"}), json.dumps({"vendor": "anthropic"})
        return [
            core.ToolSpec("greet", "greeting", version=settings.version, tags=["en"], input_schema=schema),
            core.ToolSpec("think", "llm", version=settings.version, tags=["claude"], input_schema=schema, kwargs=kwargs),
        ]
    wanted = core.DependencySpec(settings.dependency["capability"])
    tools_for_model = json.dumps({"filter": [{"capability": "greeting"}], "filter_mode": "all"})
    model = json.dumps({"capability": "llm", "tags": ["+claude"], "version": "", "namespace": "default"})
    asking = {"llm_filter": tools_for_model, "llm_provider": model}
    return [core.ToolSpec("relay", "relay", tags=["relay"], dependencies=[wanted], **asking)]


async def main() -> None:
    global provider
    server = ThreadingHTTPServer(("127.0.0.1", settings.port), Mcp)
    Thread(target=server.serve_forever, daemon=True).start()
    # Before it starts: others know it at once, and may stop it.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: handle.shutdown())
    handle = core.start_agent(
        core.AgentSpec(
            settings.name,
            settings.registry,
            version=settings.version,
            http_host="127.0.0.1",
            http_port=settings.port,
            agent_id=f"{settings.name}-core",
            heartbeat_interval=settings.interval,
            tools=tools(),
        )
    )
    while True:
        event = await handle.next_event()
        if event is None:  # nothing happened for a second
            continue
        kind = str(event.event_type)
        print(kind, event.capability, event.endpoint, event.function_name, event.reason or event.error or "", flush=True)
        if kind in ("dependency_available", "dependency_changed"):
            provider = (event.endpoint, event.function_name)
        elif kind == "dependency_unavailable":
            provider = None
        elif kind == "llm_tools_updated":
            print("tools for the model:", *[tool.function_name for tool in event.tools], flush=True)
        elif kind == "llm_provider_available":
            print("model:", event.provider_info.vendor, event.provider_info.function_name, flush=True)
        elif kind == "shutdown":
            return


asyncio.run(main())
