"""Whom `gauger prove query` asks: an endpoint, or a model on this disk."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from gauger.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from gauger.pipeline import Progress
    from gauger.sources.replies import Code
    from gauger.sources.suspects import Suspect
    from gauger.store.query_runs import Asked, LocalSuspect

KEY: Final = "GAUGER_SUSPECT_KEY"
#: Options that only the one kind of suspect has.
OF_ENDPOINTS: Final = (
    "endpoint", "model", "key_file", "per_minute", "concurrency", "attempts", "timeout", "max_answer", "ca_file",
    "insecure_http",
)  # fmt: skip
OF_MODELS: Final = ("model_dir", "device", "seed")

Faults = Mapping["Code", tuple[str, str]]
_ENDPOINT_FAULTS: Final[Faults] = {
    "limited": ("it still says that there are too many requests", "wait, or lower --per-minute"),
    "busy": ("it answers with errors of its own", "try again later"),
    "timeout": ("it does not answer in time", "try again later, or raise --timeout"),
    "unreachable": ("it cannot be reached", "check the address, and try again"),
    "cut off": ("it cuts its answers off", "try again later"),
    "broken": ("what it sends is no answer of this interface", "check the address and --interface"),
    "encoded": ("it sends compressed answers that nobody asked for", "ask whoever runs it"),
    "denied": ("it refuses the key", f"give another by --key-file or in {KEY}"),
    "not there": ("it knows no such path or model", "check --endpoint, --model and --interface"),
    "moved": ("it sends us elsewhere, which is not followed", "name the new address"),
    "not trusted": ("its certificate is not trusted", "name its authority with --ca-file"),
}
_MODEL_FAULTS: Final[Faults] = {
    "broken": ("it fails while it writes", "give it more memory, or check that its files belong together"),
    "cut off": ("it was interrupted", "run the same command again"),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A suspect that is named but not reached yet.

    Attributes
    ----------
    noun
        What it is called where it is given up.
    endpoint, model, local
        As `run.json` has them (`gauger.store.query_runs.Asked`).
    reach
        Returns what can be asked.
    faults
        Code -> what it means, and what to do.
    per_minute, concurrency, attempts
        How it is asked; None is as fast as it answers.
    """

    noun: str
    endpoint: str | None
    model: str
    local: "LocalSuspect | None"
    reach: "Callable[[Asked], Suspect]"
    faults: Faults
    per_minute: float | None
    concurrency: int
    attempts: int


def check_one_kind(context: typer.Context, *, is_local: bool) -> None:
    """Refuse options of the other kind of suspect, and an endpoint without a model's name.

    Raises
    ------
    UsageError
        One was given, or none was named.
    """
    given = [name for name in (OF_ENDPOINTS if is_local else OF_MODELS) if _was_given(context, name)]
    if given:
        flag = f"--{given[0].replace('_', '-')}"
        raise UsageError(
            f"{flag} is of {'an endpoint' if is_local else 'a local model'}",
            where=flag,
            todo="leave it out, or name the suspect by --endpoint" if is_local else "name the model by --model-dir",
        )
    if not is_local and not (_was_given(context, "endpoint") and _was_given(context, "model")):
        raise UsageError(
            "nobody is named to ask",
            where="--endpoint",
            todo="give --endpoint and --model, or --model-dir for a model on this disk",
        )


def check_only_with(context: typer.Context, names: Sequence[str], flag: str, *, is_on: bool) -> None:
    """Refuse options that mean something only with a flag that was not given.

    Raises
    ------
    UsageError
        One was given.
    """
    given = [] if is_on else [name for name in names if _was_given(context, name)]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} is for {flag}", where=flag, todo=f"give {flag}, or leave the other out"
        )


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def endpoint_target(
    endpoint: str,
    model: str,
    *,
    insecure_http: bool,
    key_file: Path | None,
    ca_file: Path | None,
    timeout: float,
    max_bytes: int,
    per_minute: float,
    concurrency: int,
    attempts: int,
) -> Target:
    """Return an OpenAI-compatible endpoint. Its address and key are checked now."""
    from gauger.sources.endpoint import Address, Asking, Endpoint, Limits, trust

    address = Address.parse(endpoint, allow_plain=insecure_http)
    key, trusted = _key(key_file), trust(address, None if ca_file is None else str(ca_file))

    def reach(asked: "Asked") -> "Suspect":
        asking = Asking(asked.model, asked.interface, asked.max_tokens, asked.temperature)
        return Endpoint(address, asking, Limits(timeout, max_bytes), key, trusted)

    return Target("endpoint", endpoint, model, None, reach, _ENDPOINT_FAULTS, per_minute, concurrency, attempts)


def model_target(folder: Path, *, device: str, seed: int, progress: "Progress") -> Target:
    """Return a model on this disk. Its files are read now, and loaded when it is reached."""
    from gauger.sources.local_models import Sampling, load_model, require_transformers
    from gauger.sources.model_files import digest_of, read_model_files
    from gauger.store.query_runs import LocalSuspect

    require_transformers()
    files = read_model_files(folder, progress=lambda done, total: progress("reading the model", done, total))

    def reach(asked: "Asked") -> "Suspect":
        # Read by huggingface_hub when it is first imported: whatever a library asks for beside, it is not fetched.
        os.environ["HF_HUB_OFFLINE"] = "1"
        sampling = Sampling(asked.interface, asked.max_tokens, asked.temperature, seed)
        return load_model(folder, sampling, device=device)

    local = LocalSuspect(sha256=digest_of(files), files=files, seed=seed)
    # Patience is for a network: what failed on this machine fails again.
    return Target("model", None, folder.resolve().name, local, reach, _MODEL_FAULTS, None, 1, 1)


def _key(file: Path | None) -> str | None:
    """Return the API key: that of the file, else of the environment, else none."""
    from gauger.sources.endpoint import check_key
    from gauger.store.keys import read_private_file

    if file is None:
        held = os.environ.get(KEY)
        return None if held is None else check_key(held, KEY)
    try:
        return check_key(read_private_file(file).decode(), str(file))
    except UnicodeDecodeError:
        raise SettingsError("this is no API key", where=str(file), todo="give one line of printable ASCII") from None
