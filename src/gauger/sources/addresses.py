"""Logs at addresses: object stores and HDFS, opened by Arrow's file systems.

Credentials come from where each platform keeps them (environment, configuration files, instance role), in whichever
process opens the address; an address never holds any. Arrow retries a request that fails or is cut off; what still
fails after that is an error, never the end of a log.
"""

import fnmatch
import glob
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, BinaryIO, Final, cast

import pyarrow as pa
from pyarrow import fs

from gauger.errors import InputError
from gauger.sources.places import ALIASES, SCHEMES, Stamp

_SCHEME: Final = "|".join([*SCHEMES, *ALIASES])
_FORM: Final = re.compile(rf"(?P<scheme>{_SCHEME})://(?P<authority>[^/]*)(?:/(?P<key>.*))?", re.DOTALL)
#: abfss://CONTAINER@ACCOUNT... and hdfs://USER@HOST... have an @ before the host; none has a password.
_AUTHORITY: Final = re.compile(r"[\w.-]+(@[\w.-]+)?(:\d+)?")
#: A key that was signed for whoever holds it: the signature is as good as a password.
_SIGNED: Final = re.compile(r"[?&](sig|[\w-]*signature|[\w-]*token|[\w-]*secret[\w-]*|[\w-]*password)=", re.IGNORECASE)

#: Bytes fetched at a time: few at first, as many logs are told by their beginning, then twice as many each time.
_FIRST_FETCH: Final = 1 << 18
_LAST_FETCH: Final = 1 << 23

#: What an object store says beside the size that changes with the object.
_TELLING: Final = frozenset({"etag", "last-modified", "versionid", "generation", "metageneration", "updated", "mtime"})

#: What is found in the words of a failure -> what it means, and what to do.
_MEANINGS: Final = (
    (
        r"ACCESS_DENIED|FORBIDDEN|INVALID_ACCESS_KEY|SIGNATURE|EXPIRED_TOKEN|UNAUTHENTICATED|PERMISSION.?DENIED"
        r"|credential|HTTP status 40[13]|AuthenticationFailed|AuthorizationPermission",
        "access is denied",
        "check the credentials that this platform gives (environment, configuration, instance role; on a cluster those"
        " of the workers too), and that they may list and read this",
    ),
    (r"NO_SUCH_BUCKET|ContainerNotFound|bucket does not exist", "there is no such bucket", "check the address"),
    (
        r"NETWORK_CONNECTION|REQUEST_TIMEOUT|SLOW_DOWN|SERVICE_UNAVAILABLE|INTERNAL_FAILURE|curlCode|connect|time",
        "the connection failed, several times over",
        "check the network and the endpoint, and run the same command again: what was read counts",
    ),
    (
        r"HTTP status 301|PERMANENT_?REDIRECT|AUTHORIZATION_?HEADER_?MALFORMED|region",
        "the region may be another",
        "set AWS_REGION to that of the bucket",
    ),
    (
        r"libjvm|libhdfs|HDFS|hdfs",
        "the client of HDFS did not start or was refused",
        "install Hadoop's native client and Java, and set JAVA_HOME, HADOOP_HOME and CLASSPATH",
    ),
    (r"account name", "the account is missing", "write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """An address: scheme, bucket or host, and the key or path under it, taken to the letter (nothing is decoded)."""

    scheme: str
    authority: str
    key: str

    @classmethod
    def of(cls, text: str) -> "Address":
        """Return the address that a text is.

        Raises
        ------
        InputError
            It is none, or holds a password or a signature.
        """
        found = _FORM.fullmatch(text)
        if found is None or _AUTHORITY.fullmatch(found["authority"]) is None or _SIGNED.search(found["key"] or ""):
            raise InputError(
                "this is no address that can be read",
                where=text.partition("://")[0] + "://...",  # the rest may hold a secret
                todo="write it like s3://bucket/logs/*.gz; credentials come from the environment, never in an address",
            )
        scheme = ALIASES.get(found["scheme"], found["scheme"])
        return cls(scheme, found["authority"], (found["key"] or "").strip("/"))

    @property
    def name(self) -> str:
        """The address as it stands in tables."""
        return f"{self.scheme}://{self.authority}/{self.key}"

    def under(self, key: str) -> "Address":
        """Return the address of another key at the same place."""
        return Address(self.scheme, self.authority, key)


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """An object at an address (`gauger.sources.places.Place`)."""

    address: Address

    @property
    def name(self) -> str:
        """The address."""
        return self.address.name

    @property
    def may_grow(self) -> bool:
        """An object is replaced as a whole."""
        return False

    def open(self) -> BinaryIO:
        """Open the object; what is read of it is fetched in pieces."""
        with _explained(self.name):
            return cast("BinaryIO", _RemoteFile(self.name, _opened(self.address)))

    def arrow_source(self) -> BinaryIO:
        """Return the opened object: read by Arrow itself, a failure would look like damage."""
        return self.open()

    def stamp(self) -> Stamp:
        """Return the size and what the store says changes with the object."""
        with _explained(self.name), _opened(self.address) as file:
            said = {name.lower(): value for name, value in _texts(file.metadata()) if name.lower() in _TELLING}
            if not said:
                system, root = _system(self.address)
                said["mtime"] = system.get_file_info(root + self.address.key).mtime_ns
            return Stamp(int(file.size()), tuple(sorted(said.items())))


class _RemoteFile(io.RawIOBase):
    """An object as a file: fetched in growing pieces, and every failure an `InputError`."""

    def __init__(self, name: str, file: pa.NativeFile) -> None:
        self._name = name
        self._file = file
        self._size = int(file.size())
        self._at = 0
        self._piece, self._piece_at, self._fetch = b"", 0, _FIRST_FETCH

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        n_read = 0
        while n_read < len(view) and self._at < self._size:
            found = self._next(len(view) - n_read)
            view[n_read : n_read + len(found)] = found
            n_read += len(found)
            self._at += len(found)
        return n_read

    def close(self) -> None:
        if not self.closed:
            self._piece = b""
            self._file.close()
        super().close()

    def _next(self, size: int) -> memoryview:
        """Return bytes from here on, at least one and at most `size`."""
        start = self._at - self._piece_at
        if not 0 <= start < len(self._piece):
            goes_on = start == len(self._piece)
            self._fetch = min(2 * self._fetch, _LAST_FETCH) if goes_on and self._piece else _FIRST_FETCH
            self._piece, self._piece_at, start = self._fetched(max(size, self._fetch)), self._at, 0
        return memoryview(self._piece)[start : start + size]

    def _fetched(self, size: int) -> bytes:
        size = min(size, self._size - self._at)
        with _explained(self._name):
            found = bytes(self._file.read_at(size, self._at))
            if len(found) != size:
                message = f"connection cut: {len(found)} of {size} bytes came"
                raise OSError(message)
            return found


def found_at(address: Address) -> tuple[list[str], bool]:
    """Return the names of the objects that an address names, and whether it names a folder.

    An address names an object, a folder, or as a glob (`*`, `?`, `[...]`, and `**` for folders of any depth) any number
    of objects; as with paths, no wildcard stands for a name that begins with a dot.

    Raises
    ------
    InputError
        There is no such bucket, or it may not be listed.
    """
    with _explained(address.name):
        system, root = _system(address)
        kind = system.get_file_info(root + address.key).type if address.key else fs.FileType.Directory
        if kind == fs.FileType.File:
            return [address.name], False
        if kind == fs.FileType.Directory:
            return [address.under(key).name for key in _keys(system, root, address.key, is_deep=True)], True
        return [address.under(key).name for key in _matching(system, root, address.key)], False


def matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path, name by name, fits a glob, part by part."""
    if not pattern:
        return not names
    first, *others = pattern
    if first == "**":
        goes_down = bool(names) and not names[0].startswith(".")
        return matches(names, others) or (goes_down and matches(names[1:], pattern))
    if not names or names[0].startswith(".") > first.startswith("."):
        return False
    return fnmatch.fnmatchcase(names[0], first) and matches(names[1:], others)


def _matching(system: fs.FileSystem, root: str, key: str) -> Iterator[str]:
    parts = key.split("/")
    n_plain = next((at for at, part in enumerate(parts) if glob.has_magic(part)), len(parts))
    pattern = parts[n_plain:]
    if not pattern:
        _require_root(system, root)
        return
    folder = "/".join(parts[:n_plain])
    for found in _keys(system, root, folder, is_deep=len(pattern) > 1 or pattern[0] == "**"):
        if matches(found.split("/")[n_plain:], pattern):
            yield found


def _require_root(system: fs.FileSystem, root: str) -> None:
    if system.get_file_info(root.rstrip("/") or "/").type == fs.FileType.NotFound:
        message = "NO_SUCH_BUCKET"
        raise OSError(message)


def _keys(system: fs.FileSystem, root: str, folder: str, *, is_deep: bool) -> list[str]:
    """Return the keys of the objects in a folder, sorted; none where there is no such folder."""
    _require_root(system, root)
    selector = fs.FileSelector((root + folder).rstrip("/") or "/", recursive=is_deep, allow_not_found=bool(folder))
    return sorted(
        found.path.removeprefix(root) for found in system.get_file_info(selector) if found.type == fs.FileType.File
    )


def _opened(address: Address) -> pa.NativeFile:
    system, root = _system(address)
    return system.open_input_file(root + address.key)


def _system(address: Address) -> tuple[fs.FileSystem, str]:
    """Return the file system of an address, and what every path of it begins with there."""
    return _connected(f"{address.scheme}://{address.authority}")


@lru_cache(maxsize=8)
def _connected(uri: str) -> tuple[fs.FileSystem, str]:
    system, base = fs.FileSystem.from_uri(uri)
    return system, base.rstrip("/") + "/"


def _texts(metadata: Any) -> list[tuple[str, str]]:
    """Return what an object store says of an object."""

    def text(value: Any) -> str:
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    return [(text(name), text(value)) for name, value in (metadata or {}).items()]


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn the failures of Arrow's file systems into errors that say what, where and what to do."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(
            "there is no such object", where=name, todo="check the address; was it removed meanwhile?"
        ) from error
    except (OSError, pa.ArrowException) as error:
        said = " ".join(str(error).split("(Request ID")[0].split())[:300]
        for sign, meaning, todo in _MEANINGS:
            if re.search(sign, said, re.IGNORECASE):
                raise InputError(f"{meaning} ({said})", where=name, todo=todo) from error
        raise InputError(f"the log cannot be read: {said}", where=name, todo="check the address") from error
