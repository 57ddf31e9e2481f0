"""`gauger check-config`: the settings in force, and where each comes from."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gauger.cli import options
from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width
from gauger.errors import WorkspaceError

if TYPE_CHECKING:
    from gauger.cli.configuration import Configuration


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("check-config", epilog=examples("gauger check-config --workspace ws"))(check_config)


def check_config(workspace: options.Workspace = None) -> None:
    """Show every setting and where it comes from.

    Also loads the lists of networks and says what they hold.

    Flags of a command come before the environment (GAUGER_SETTING_WINDOWS__TARGET=0.01), that before gauger.toml, that
    before the defaults.
    """
    import os

    from gauger.cli.configuration import FILE_NAME, configure
    from gauger.cli.session import workspace_at_hand

    try:
        folder: Path | None = workspace_at_hand(workspace)
    except WorkspaceError:
        folder = None
    configuration = configure(folder, os.environ, {})
    where = f"Settings file: {folder / FILE_NAME}" if folder else "There is no workspace: defaults and environment."
    print_result("\n".join([where, "", *_settings(configuration), "", *_networks(configuration, folder or Path())]))


def _settings(configuration: "Configuration") -> Iterator[str]:
    from gauger.cli.configuration import flattened
    from gauger.report.layout import Column, columns

    values = dict(flattened(configuration.settings.model_dump()))
    table = [
        Column(title="setting", values=list(values)),
        Column(title="value", values=[_shown(value) for value in values.values()]),
        Column(title="from", values=[configuration.origins.get(name, "default") for name in values]),
    ]
    yield from columns(table, width=max(terminal_width(), sum(column.width + 2 for column in table)))


def _shown(value: Any) -> str:
    if value is None:
        return "automatic"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _networks(configuration: "Configuration", base: Path) -> Iterator[str]:
    """Yield what the lists of `[networks]` hold; reading them is the check."""
    from gauger.exchanges.networks import NETWORK_CLASSES, NOWHERE
    from gauger.sources.enrichment import disposable_domains, load_networks

    loaded = load_networks(configuration.networks, base=base)
    maintained = len(disposable_domains())
    own = len(disposable_domains(configuration.networks, base=base)) - maintained
    named = ", ".join(sorted(configuration.networks)) or "none"
    yield f"Lists named in [networks]: {named}"
    for number, name in enumerate(NETWORK_CLASSES):
        ranges = int((loaded.classes.values == number).sum())
        systems = sum(value == number for value in loaded.asn_classes.values())
        yield f"  {name}: {ranges:,} ranges, {systems:,} autonomous systems"
    yield f"  asn: {int((loaded.asns.values != NOWHERE).sum()):,} ranges"
    countries = f"{int((loaded.countries.values != NOWHERE).sum()):,} ranges of {len(loaded.country_codes):,} countries"
    yield f"  country: {countries} (region policy alone)"
    yield f"  disposable mail: {maintained:,} domains that come with Gauger, {own:,} of your own"
