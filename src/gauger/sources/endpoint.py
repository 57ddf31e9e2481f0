"""One OpenAI-compatible endpoint: a question goes out, a reply or a fault comes back, in bounded time and size.

The standard library alone. No redirect is followed and no proxy is taken from the environment, so the key goes to the
host that was named and to no other.
"""

import ipaddress
import json
import math
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import IO, Any, Final, Literal, Self, cast
from urllib.parse import SplitResult, urlsplit

import msgspec

from gauger.errors import SettingsError, UsageError
from gauger.sources.prompts import Question
from gauger.sources.replies import Fault, Reply, fault_of, read_reply

Interface = Literal["chat", "completions"]

_PATHS: Final[dict[Interface, str]] = {"chat": "/chat/completions", "completions": "/completions"}
_CHUNK: Final = 1 << 16
#: Bytes on the wire for each byte of a body: a chunk of one byte takes six.
_FRAMING: Final = 8
#: Stands in an answer where the endpoint repeated the key.
HIDDEN: Final = "[key]"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint is.

    Attributes
    ----------
    is_secure
        Whether over TLS.
    host, port
        As in the URL; the port None for the usual one.
    path
        What the URL says before the interface's own, without a closing slash.
    """

    is_secure: bool
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, url: str, *, allow_plain: bool) -> Self:
        """Return the address in a URL such as https://host/v1.

        Raises
        ------
        UsageError
            It is no such URL, names a user or a key, or would send the key in the clear to another machine.
        """
        parts, port = _split(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise _no_url("write it like https://host/v1")
        if parts.username is not None or parts.password is not None:
            raise _no_url("leave user and password out; give a key by --key-file or in GAUGER_SUSPECT_KEY")
        if not _is_written(parts.hostname, parts.path):
            raise _no_url("write its path in ASCII, other signs as in %20, and a host that there can be")
        if parts.scheme == "http" and not (allow_plain or _is_loopback(parts.hostname)):
            raise UsageError(
                "plain http would send questions and key in the clear",
                where="--endpoint",
                todo="use https, or say --insecure-http if the way there is safe",
            )
        return cls(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"))


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take: seconds from connecting to the last byte, and bytes of a body."""

    timeout_s: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Asking:
    """How questions are put: `temperature` and `seed` are left to the endpoint where None."""

    model: str
    interface: Interface
    max_tokens: int
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that may be asked from several threads.

    Attributes
    ----------
    address, asking, limits
        Where, how and how long.
    key
        The API key, or None.
    trust
        Whose certificates count; None without TLS.
    """

    address: Address
    asking: Asking
    limits: Limits
    key: str | None = field(repr=False, default=None)
    trust: ssl.SSLContext | None = field(repr=False, default=None)
    _open: "set[_Line]" = field(repr=False, default_factory=set)
    _lock: threading.Lock = field(repr=False, default_factory=threading.Lock)

    def ask(self, question: Question) -> Reply | Fault:
        """Return the answer to a question, or why there is none."""
        line = _Line(self._connection(), self.limits.timeout_s, self.trust)
        with self._bounded(line) as overdue:
            try:
                line.connect()
                answer = self._exchange(line.connection, question)
            except ssl.SSLCertVerificationError:
                answer = Fault("not trusted")
            except TimeoutError:
                answer = Fault("timeout")
            except OSError:
                answer = Fault("unreachable")
            except _TooMuch:
                answer = Fault("too long", 200)
            except HTTPException:
                answer = Fault("cut off")
            except ValueError:
                answer = Fault("broken")
        if overdue.is_set():
            return Fault("timeout")
        return self._without_key(answer) if isinstance(answer, Reply) else answer

    def hang_up(self) -> None:
        """End every request that is under way: each becomes a fault."""
        with self._lock:
            under_way = list(self._open)
        for line in under_way:
            line.shut()

    def _exchange(self, connection: HTTPConnection, question: Question) -> Reply | Fault:
        path = f"{self.address.path}{_PATHS[self.asking.interface]}"
        connection.request("POST", path, _body(self.asking, question), self._headers())
        response = connection.getresponse()
        if response.status != 200:
            return fault_of(response.status, _retry_after(response.getheader("Retry-After")))
        if (response.getheader("Content-Encoding") or "identity").lower() != "identity":
            return Fault("encoded", response.status)
        body = self._read(response)
        if isinstance(body, Fault):
            return body
        is_stream = (response.getheader("Content-Type") or "").lower().startswith("text/event-stream")
        return read_reply(body, is_stream=is_stream)

    def _read(self, response: HTTPResponse) -> bytes | Fault:
        parts, size = [], 0
        # Below http.client, which takes the size of a chunk as it comes.
        response.fp = cast(Any, _Bounded(response.fp, _FRAMING * self.limits.max_bytes + _CHUNK))
        while part := response.read(_CHUNK):
            size += len(part)
            if size > self.limits.max_bytes:
                return Fault("too long", response.status)
            parts.append(part)
        # Short of what was announced: http.client says so for chunked bodies alone.
        return Fault("cut off", response.status) if response.length else b"".join(parts)

    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "gauger",
            "Connection": "close",
        }
        return headers if self.key is None else {**headers, "Authorization": f"Bearer {self.key}"}

    def _connection(self) -> HTTPConnection:
        host, port, timeout = self.address.host, self.address.port, self.limits.timeout_s
        if self.trust is not None:
            return HTTPSConnection(host, port, timeout=timeout, context=self.trust)
        return HTTPConnection(host, port, timeout=timeout)

    @contextmanager
    def _bounded(self, line: "_Line") -> Iterator[threading.Event]:
        """Shut a line when its time is up: a timeout of the socket starts anew with every byte that drips in."""
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            line.shut()

        timer = threading.Timer(self.limits.timeout_s, end)
        timer.daemon = True
        with self._lock:
            self._open.add(line)
        timer.start()
        try:
            yield overdue
        finally:
            timer.cancel()
            with self._lock:
                self._open.discard(line)
            line.connection.close()

    def _without_key(self, reply: Reply) -> Reply:
        """Return the reply without the key: an endpoint may repeat what it was sent."""
        if not self.key:
            return reply
        fields = ("text", "reasoning", "claimed_model", "finish_reason")
        said: dict[str, Any] = {name: getattr(reply, name) for name in fields}
        shown = {name: one.replace(self.key, HIDDEN) if one else one for name, one in said.items()}
        return msgspec.structs.replace(reply, **shown, is_exact=reply.is_exact and shown == said)


class _TooMuch(HTTPException):
    """More came over the wire than an answer may take."""


class _Bounded:
    """What http.client reads a body from: so many bytes, and never "all there is"."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._left = file, most

    def read(self, size: int) -> bytes:
        """Read up to so many bytes."""
        return self._counted(self._file.read(self._checked(size)))

    def readline(self, size: int) -> bytes:
        """Read a line, or the beginning of a long one."""
        return self._counted(self._file.readline(self._checked(size)))

    def flush(self) -> None:
        """Do nothing: http.client asks for it when it closes."""

    def close(self) -> None:
        """Close what is read from."""
        self._file.close()

    def _counted(self, got: bytes) -> bytes:
        self._left -= len(got)
        if self._left < 0:
            raise _TooMuch
        return got

    @staticmethod
    def _checked(size: int) -> int:
        if size < 0:
            raise HTTPException("a chunk of less than nothing")
        return size


class _Line:
    """A connection and its socket, which http.client lets go of once an answer that ends with it has begun."""

    def __init__(self, connection: HTTPConnection, timeout_s: float, trust: ssl.SSLContext | None) -> None:
        self.connection, self._trust = connection, trust
        self._ends = time.monotonic() + timeout_s
        self._socket: socket.socket | None = None
        self._is_shut = False
        self._lock = threading.Lock()

    def connect(self) -> None:
        """Connect, and over TLS shake hands.

        Raises
        ------
        TimeoutError
            The line was shut, or its time was up, before there was a socket to shut.
        """
        # Without TLS even where there is: `wrap_socket` would hide the socket from `shut` until the handshake is over.
        HTTPConnection.connect(self.connection)
        self._hold(self.connection.sock)
        if self._trust is not None:
            secure = self._trust.wrap_socket(
                self.connection.sock, server_hostname=self.connection.host, do_handshake_on_connect=False
            )
            self.connection.sock = secure
            self._hold(secure)
            secure.do_handshake()

    def shut(self) -> None:
        """End what is under way, from any thread; what is not connected yet ends once it is."""
        with self._lock:
            self._is_shut = True
            held = self._socket
        if held is not None:
            with suppress(OSError):
                # The socket's own: that of TLS would take away what the other thread reads by.
                socket.socket.shutdown(held, socket.SHUT_RDWR)

    def _hold(self, connected: socket.socket) -> None:
        left = self._ends - time.monotonic()
        with self._lock:
            self._socket = connected
            if self._is_shut or left <= 0:
                raise TimeoutError
        connected.settimeout(left)


def check_key(key: str, where: str) -> str:
    """Return a key without white space around it.

    Raises
    ------
    SettingsError
        It is empty, or holds what cannot stand in a header; the message does not quote it.
    """
    bare = key.strip()
    if not bare or not bare.isascii() or not bare.isprintable():
        raise SettingsError("this is no API key", where=where, todo="give one line of printable ASCII")
    return bare


def trust(address: Address, ca_file: str | None) -> ssl.SSLContext | None:
    """Return whose certificates are trusted: the system's, or those in a file.

    Raises
    ------
    SettingsError
        The file holds no certificates.
    """
    if not address.is_secure:
        return None
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(
            "no certificates can be read from it", where=ca_file, todo="give a file of PEM certificates"
        ) from error


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        return (parts := urlsplit(url)), parts.port
    except ValueError:
        raise _no_url("write it like https://host/v1") from None


def _is_written(host: str, path: str) -> bool:
    """Return whether a request can name them: no white space, a path in ASCII, a host that can be looked up."""
    try:
        written = host.encode("idna") + path.encode("ascii")
    except UnicodeError:
        return False
    return all(0x20 < byte < 0x7F for byte in written)


def _no_url(todo: str) -> UsageError:
    # Never quoted: somebody may have put a key into it.
    return UsageError("this is no address of an endpoint", where="--endpoint", todo=todo)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _body(asking: Asking, question: Question) -> bytes:
    put: dict[str, object] = {"model": asking.model, "max_tokens": asking.max_tokens, "stream": False}
    if asking.temperature is not None:
        put["temperature"] = asking.temperature
    put |= {"prompt": question.text} if asking.interface == "completions" else {"messages": question.messages}
    return json.dumps(put).encode()


def _retry_after(value: str | None) -> float | None:
    """Return the seconds that a header asks to wait; None where it says nothing that makes sense."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _seconds_until(value)
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(date: str) -> float:
    try:
        then = parsedate_to_datetime(date)
        now = datetime.now(UTC)  # noqa: TID251 - compared with the endpoint's own clock, for a wait
        return max((then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds(), 0.0)
    except (ValueError, OverflowError, TypeError):
        return math.nan
