"""`gauger keys`: watermark keys, one for each campaign, committed to before they are used."""

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import Aside, check_new, print_result, terminal_width
from gauger.errors import InputError, UsageError

if TYPE_CHECKING:
    from gauger.cli.session import Session
    from gauger.proof.commitments import Entry
    from gauger.store.watermark_keys import WatermarkKeys

PASSPHRASE = "GAUGER_VAULT_PASSPHRASE"  # noqa: S105 - the name of a variable

Campaign = Annotated[str, typer.Option("--campaign", metavar="ID", help="Whose key: a finding's id, or any name.")]
Rotation = Annotated[int | None, typer.Option("--rotation", min=1, metavar="N", help="[default: the latest]")]

WIDE_WINDOW = (
    "A context of more than 2 tokens marks text, but students hardly learn the mark: it would leave little to detect."
)


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="Watermark keys, committed to before they are used.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command(
        epilog=examples(
            "gauger keys new --campaign C-17 --scheme gumbel --context 1",
            "gauger keys new --campaign C-18 --scheme kgw --gamma 0.25",
        )
    )(new)
    group.command(epilog=examples("gauger keys rotate --campaign C-17"))(rotate)
    group.command("list", epilog=examples("gauger keys list", "gauger keys list --json"))(list_keys)
    group.command(
        epilog=examples(
            "gauger keys export --campaign C-17 --out c-17.json",
            'vllm serve MODEL --watermark-config "$(cat c-17.json)"',
        )
    )(export)
    log = typer.Typer(help="The log of commitments.", no_args_is_help=True, rich_markup_mode=None)
    log.command(
        epilog=examples(
            "gauger keys commit-log verify", "gauger keys commit-log verify commitments.jsonl --public-key 3b6a..."
        )
    )(verify)
    group.add_typer(log, name="commit-log", epilog=examples("gauger keys commit-log verify"))
    app.add_typer(group, name="keys", epilog=examples("gauger keys new --campaign C-17", "gauger keys list"))


def new(
    campaign: Campaign,
    scheme: Annotated[Literal["gumbel", "kgw", "synthid"], typer.Option("--scheme", help="The watermark.")] = "gumbel",
    context: Annotated[
        int, typer.Option("--context", min=1, metavar="N", help="Tokens before; 1 or 2 leave a trace in a student.")
    ] = 1,
    gamma: Annotated[
        float | None, typer.Option("--gamma", metavar="SHARE", help="Share of green tokens, kgw. [default: 0.5]")
    ] = None,
    workspace: options.Workspace = None,
) -> None:
    """Make a campaign's first key, and commit to it.

    The commitment is signed and on the disk before the key can be had. Hand its hash to somebody you trust, now: the
    log alone shows the order, not that its clock was right.
    """
    from gauger.cli.session import open_session, workspace_to_fill
    from gauger.proof.keys import Terms

    terms = Terms(scheme=scheme, context=context, gamma=gamma)
    with open_session(workspace_to_fill(workspace), create=True) as session:
        entry = watermark_keys(session).add(campaign, terms, now=session.started_at, random_bytes=secrets.token_bytes)
    _say_committed(entry)


def rotate(campaign: Campaign, workspace: options.Workspace = None) -> None:
    """Make a campaign's next key and commit to it.

    It is used under the terms of the key before it; earlier keys stay testable.
    """
    from gauger.cli.session import open_session, workspace_at_hand

    with open_session(workspace_at_hand(workspace)) as session:
        entry = watermark_keys(session).add(campaign, None, now=session.started_at, random_bytes=secrets.token_bytes)
    _say_committed(entry)


def list_keys(workspace: options.Workspace = None, json: options.Json = False) -> None:
    """List the keys that were committed to, the oldest first. Keys themselves are never shown."""
    import msgspec

    from gauger.cli.session import open_session, workspace_at_hand

    with open_session(workspace_at_hand(workspace), read_only=True) as session:
        log = watermark_keys(session).entries()
    if json:
        print_result(msgspec.json.format(msgspec.json.encode(log), indent=2).decode())
    else:
        print_result(_table(log) if log else "No key was made yet.")


def export(
    campaign: Campaign,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A new file, readable by you alone.")],
    rotation: Rotation = None,
    workspace: options.Workspace = None,
) -> None:
    """Write a key as the server takes it, to a private file.

    For gumbel that is the configuration of vLLM's watermark, for synthid that of Transformers. The file is a secret;
    remove it when the server has it. Nothing of it is printed.
    """
    import msgspec

    from gauger.cli.session import open_session, workspace_at_hand
    from gauger.proof.commitments import newest
    from gauger.proof.keys import served_configuration
    from gauger.store.durable import storage_errors, write_file

    check_new(out)
    with open_session(workspace_at_hand(workspace), read_only=True) as session:
        keys = watermark_keys(session)
        entry = newest([one for one in keys.entries() if not one.terms.is_canary], campaign, rotation)
        written = served_configuration(keys.key(entry), entry.terms)
    with storage_errors(out):
        write_file(out, msgspec.json.encode(written) + b"\n")
    print_result(f"Key {entry.name} is in {out}.")


def verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A log by itself. [default: that of the workspace]")
    ] = None,
    public_key: Annotated[
        str | None, typer.Option("--public-key", metavar="HEX", help="Who must have signed it; for a FILE.")
    ] = None,
    workspace: options.Workspace = None,
) -> None:
    """Check every line of the commitment log.

    Order, times, hashes and signatures are checked, and in a workspace that each key is still the one committed to.
    Exits with 4 where the log does not hold.
    """
    from gauger.cli.session import open_session, workspace_at_hand

    if file is not None:
        log = _read_log(file, public_key)
    elif public_key is not None:
        raise UsageError("the workspace knows who signs", where="--public-key", todo="name the log's FILE too")
    else:
        with open_session(workspace_at_hand(workspace), read_only=True) as session:
            log = watermark_keys(session).entries()
    if not log:
        print_result("The log is empty: no key was committed to.")
        return
    last = log[-1]
    print_result(
        f"The log holds: {len(log)} {'key' if len(log) == 1 else 'keys'}, the newest of {_time(last)}.\n"
        f"signed by    {last.public_key}\nnewest line  {last.digest}"
    )


def watermark_keys(session: "Session") -> "WatermarkKeys":
    """Return the keys of an open workspace; the passphrase, if any, comes from the environment."""
    from gauger.store.vault import Opening
    from gauger.store.watermark_keys import WatermarkKeys
    from gauger.store.workspace import KEY_FILE

    passphrase = os.environ.get(PASSPHRASE)
    workspace = session.workspace
    opening = Opening(workspace.key.secret, passphrase.encode() if passphrase else None)
    return WatermarkKeys((workspace.path / KEY_FILE).parent, opening)


def _read_log(file: Path, public_key: str | None) -> list["Entry"]:
    from gauger.proof.commitments import read_log

    try:
        signer = bytes.fromhex(public_key) if public_key else None
        content = file.read_bytes()
    except ValueError:
        raise UsageError("this is no key in hexadecimal", where="--public-key", todo="copy it from the log") from None
    except OSError as error:
        raise InputError(f"the log cannot be read: {error.strerror}", where=str(file)) from error
    return read_log(content, where=str(file), public_key=signer)


def _say_committed(entry: "Entry") -> None:
    if not entry.terms.leaves_a_trace:
        Aside().say(WIDE_WINDOW)
    print_result(
        f"Key {entry.name} is committed to, {_time(entry)}.\ncommitment   {entry.commitment}\n"
        f"newest line  {entry.digest}"
    )


def _time(entry: "Entry") -> str:
    return entry.committed_at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _table(log: list["Entry"]) -> str:
    from gauger.report.layout import Column, columns

    table = [
        Column(title="key", values=[one.name for one in log]),
        Column(title="scheme", values=[one.terms.scheme for one in log]),
        Column(title="context", values=[str(one.terms.context) for one in log], right=True),
        Column(title="committed at", values=[_time(one) for one in log]),
        Column(title="commitment", values=[f"{one.commitment[:16]}…" for one in log]),
    ]
    return "\n".join(columns(table, width=terminal_width()))
