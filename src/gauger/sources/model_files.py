"""The files of a model on this disk, by which it is known exactly: names, sizes and hashes."""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from gauger.errors import InputError

_CHUNK: Final = 1 << 22
_CONFIG: Final = "config.json"
_SHARDS: Final = "*.safetensors.index.json"
#: Of a distributed checkpoint: with one such file, Transformers reads every file of weights there is.
_PARTS: Final = "shard-*-model-*.safetensors"
_TODO: Final = "give the folder that `save_pretrained` wrote, with config.json and *.safetensors"


class ModelFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of a model: its path in the folder, with `/`, its SHA-256 in hexadecimal, its size in bytes."""

    name: str
    sha256: str
    size_bytes: int


def read_model_files(
    folder: Path, *, progress: Callable[[int, int], None] = lambda _done, _all: None
) -> list[ModelFile]:
    """Return every file of a model, by name; hidden ones (`.git`, `.cache`) are none of it, linked ones are.

    Parameters
    ----------
    folder
        As `save_pretrained` writes it.
    progress
        Told how many bytes of how many are read.

    Raises
    ------
    InputError
        It cannot be read, holds no model in safetensors or a link to a folder, which may have no end, or takes parts of
        it from elsewhere: hashes would not name it.
    """
    try:
        paths = _paths(folder)
        n_bytes, done, found = sum(path.stat().st_size for path in paths.values()), 0, []
        for name, path in sorted(paths.items(), key=lambda one: one[0].encode()):
            digest, size = hashlib.sha256(), 0
            with path.open("rb") as file:
                while part := file.read(_CHUNK):
                    digest.update(part)
                    size += len(part)
                    progress(done + size, n_bytes)
            done += size
            found.append(ModelFile(name=name, sha256=digest.hexdigest(), size_bytes=size))
    except OSError as error:
        raise _unread(error, folder) from error
    return found


@contextmanager
def only_named(folder: Path) -> Iterator[Path]:
    """Yield a folder of links to the files by which a model is known, and to nothing else.

    Whoever loads a model from there takes no weights from a hidden file, whatever a name in it says: its hash would not
    name them. (Errors: `read_model_files`.)
    """
    with TemporaryDirectory(prefix="gauger-model-") as place:
        try:
            for name, path in _paths(folder).items():
                link = Path(place, name)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())
        except OSError as error:
            raise _unread(error, folder) from error
        yield Path(place)


def digest_of(files: Sequence[ModelFile]) -> str:
    r"""Return one hash for all files of a model, 64 hexadecimal digits.

    It is the SHA-256 of what `sha256sum` prints of them, sorted by name as bytes, so anybody can make it again:
    `find . -xtype f -not -path '*/.*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum`.
    """
    listed = "".join(f"{one.sha256}  {one.name}\n" for one in files)
    return hashlib.sha256(listed.encode()).hexdigest()


def _paths(folder: Path) -> dict[str, Path]:
    """Return the files of a model by name, once they are seen to be the whole of one."""
    paths = {_name(path, folder): path for path in _files(folder)}
    _check(folder, paths)
    return paths


def _unread(error: OSError, folder: Path) -> InputError:
    return InputError(f"the model cannot be read: {error.strerror}", where=str(folder), todo=_TODO)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if linked := [path for name in folders if (path := Path(place, name)).is_symlink()]:
            raise InputError("a model has no links to folders", where=str(linked[0]), todo="put what it names there")
        yield from (path for name in names if not name.startswith(".") and (path := Path(place, name)).is_file())


def _refuse(error: OSError) -> None:
    raise error


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _check(folder: Path, names: Collection[str]) -> None:
    """Refuse what is no model, or not the whole of one."""
    if not all(name.isprintable() for name in names):
        raise InputError("a file has a name that cannot be written down", where=str(folder), todo="rename it")
    if not (folder / _CONFIG).is_file() or not any(folder.glob("*.safetensors")):
        raise InputError("this folder holds no model in safetensors", where=str(folder), todo=_TODO)
    if any(folder.glob(_PARTS)):
        raise InputError(
            "this is a checkpoint of a training in parts", where=str(folder), todo="save the whole with save_pretrained"
        )
    if (folder / "adapter_config.json").exists():
        raise InputError(
            "this is an adapter, whose base lies elsewhere", where=str(folder), todo="merge the two and save the whole"
        )
    for index in folder.glob(_SHARDS):
        named = _shards(index)
        if not all(name in names and "/" not in name for name in named):
            raise InputError("its index names weights outside the folder", where=str(index), todo=_TODO)
        if not all(name.endswith(".safetensors") for name in named):
            raise InputError("its index names weights that are not in safetensors", where=str(index), todo=_TODO)


def _shards(index: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(index.read_bytes())["weight_map"].values()]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError("this is no index of weights", where=str(index), todo=_TODO) from None
