"""A real server of S3 over HTTP (moto's), for the tests that read logs from an object store.

It runs in an environment of its own, `moto` beside this one's programs (`make test` makes it): its dependencies and
Gauger's do not agree on one version.
"""

import html
import json
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

BUCKET = "bucket"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": "reader-secret-49b1", "AWS_REGION": "us-east-1"}

#: The server looks whether a request is signed, and not how, until it is told to.
_SIGNED = {
    "Content-Type": "application/octet-stream",
    "Authorization": "AWS4-HMAC-SHA256 Credential=writer/20260101/us-east-1/s3/aws4_request, SignedHeaders=host,"
    " Signature=0",
}


@dataclass(frozen=True)
class ObjectStore:
    """A running server with one bucket."""

    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells a process where the server is and who it is."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def put(self, key: str, data: bytes) -> str:
        """Store an object; return its address."""
        self._ask("PUT", f"/{urllib.parse.quote(key)}", data)
        return f"s3://{BUCKET}/{key}"

    def remove(self, key: str) -> None:
        """Remove an object."""
        self._ask("DELETE", f"/{urllib.parse.quote(key)}")

    def empty(self) -> None:
        """Remove every object."""
        for key in re.findall(r"<Key>(.*?)</Key>", self._ask("GET", "?list-type=2").decode()):
            self.remove(html.unescape(key))

    def _ask(self, method: str, path: str, data: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{self.url}/{BUCKET}{path}", data=data, method=method, headers=_SIGNED)
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    @contextmanager
    def keys_refused(self) -> Iterator[None]:
        """Refuse every request whose key the server never gave: all of them."""
        before = self._auth_after(0)
        try:
            yield
        finally:
            self._auth_after(before)

    def _auth_after(self, n_requests: int) -> int:
        url = f"{self.url}/moto-api/reset-auth"
        request = urllib.request.Request(url, data=str(n_requests).encode(), method="POST", headers=_SIGNED)
        with urllib.request.urlopen(request) as answer:
            return int(float(json.loads(answer.read())["PREVIOUS_INITIAL_NO_AUTH_ACTION_COUNT"]))


@contextmanager
def object_store(python: str) -> Iterator[ObjectStore]:
    """Start the server on a free port of this machine, with the Python that has it."""
    port = _free_port()
    environment = {**os.environ, "PYTHONPATH": "", "INITIAL_NO_AUTH_ACTION_COUNT": str(10**9)}
    command = [python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        store = ObjectStore(f"http://127.0.0.1:{port}")
        _wait_for(store.url, server)
        store._ask("PUT", "")
        yield store
    finally:
        server.terminate()
        server.wait(timeout=30)


def forget_connections() -> None:
    """Let this process look anew for where a store is and who it is."""
    from gauger.sources import addresses

    addresses._connected.cache_clear()


@dataclass
class Wire:
    """A relay in front of the server: what a network does to a connection.

    Attributes
    ----------
    cut_after
        Connections end after so many bytes of answers, each one; None: they do not.
    n_cut
        Connections that were.
    """

    url: str = ""
    cut_after: int | None = None
    n_cuts_left: int = 10**9
    n_cut: int = 0
    n_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def takes(self, n: int, sent: int) -> int:
        """Return how many of the next bytes pass."""
        with self._lock:
            if self.cut_after is None or self.n_cuts_left == 0 or sent + n <= self.cut_after:
                self.n_bytes += n
                return n
            self.n_cut += 1
            self.n_cuts_left -= 1
            return max(0, self.cut_after - sent)


@contextmanager
def wire_to(store: ObjectStore) -> Iterator[Wire]:
    """Open a relay."""
    target = int(store.url.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        wire = Wire(f"http://127.0.0.1:{listener.getsockname()[1]}")
        threading.Thread(target=_accept, args=(listener, target, wire), daemon=True).start()
        yield wire


def _accept(listener: socket.socket, target: int, wire: Wire) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", target))
            threading.Thread(target=_relay, args=(client, server, None), daemon=True).start()
            threading.Thread(target=_relay, args=(server, client, wire), daemon=True).start()


def _relay(source: socket.socket, sink: socket.socket, wire: Wire | None) -> None:
    sent = 0
    with suppress(OSError):
        while data := source.recv(1 << 16):
            n = len(data) if wire is None else wire.takes(len(data), sent)
            sink.sendall(data[:n])
            sent += n
            if n < len(data):
                break
    for one in (source, sink):
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{url}/moto-api/"):
            return
        time.sleep(0.1)
    message = "the server of objects does not start"
    raise RuntimeError(message)
