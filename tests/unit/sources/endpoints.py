"""A real HTTP server on the loopback that answers as it is told, and misbehaves as it is told."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def answer(text: str, *, model: str = "suspect-1", **more: object) -> bytes:
    """The body of a chat completion."""
    return json.dumps(
        {
            "model": model,
            "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": len(text.split())},
            **more,
        }
    ).encode()


@dataclass
class Server:
    """Its address, and what it was sent: bodies and headers, in order."""

    url: str
    bodies: list[dict] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """One request. `behave` writes what it likes."""

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size))
        with self.server.lock:
            self.server.seen.bodies.append(body)
            self.server.seen.headers.append(dict(self.headers))
            number = len(self.server.seen.bodies)
        self.server.behave(self, body, number)

    def reply(self, body: bytes, status: int = 200, **headers: object) -> None:
        """An ordinary response; a header that is given replaces ours."""
        self.send_response(status)
        sent = {"Content_Type": "application/json", "Content_Length": len(body), **headers}
        for name, value in sent.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


Behaviour = Callable[[Handler, dict, int], None]


@contextmanager
def serving(behave: Behaviour, *, certificate: Path | None = None) -> Iterator[Server]:
    """Serve on a free port until the block ends; over TLS with a PEM file of key and certificate."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None
    server.behave, server.lock = behave, threading.Lock()
    server.seen = Server(f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}/v1")
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.seen
    finally:
        server.shutdown()
        server.server_close()


def well(handler: Handler, body: dict, _number: int) -> None:
    """Repeat the question."""
    said = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
    handler.reply(answer(f"you said {said}"))


def drip(handler: Handler, _body: dict, _number: int) -> None:
    """A byte now and then, for ever: each read is quick, the whole never ends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def drip_headers(handler: Handler, _body: dict, _number: int) -> None:
    """The same, before the body has begun."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(90):
        handler.wfile.write(f"X-{number}: 1\r\n".encode())
        handler.wfile.flush()
        time.sleep(0.02)
