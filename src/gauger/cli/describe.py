"""`gauger sources` and `gauger schema`: what is known without looking at a log."""

import typer

from gauger.cli.options import examples
from gauger.cli.output import print_result, terminal_width

#: Columns that evidence rests on -> what is lost without them.
POWER_LOST = {
    "user_prompt": "nearly everything: without text only coarse traces are left, and no campaign is ever named",
    "system_prompt": "templates that stand in system prompts",
    "tool_schema": "templates that stand in tool schemas",
    "conversation_prefix": "telling a conversation from many requests: each of its turns counts as one of its own",
    "principal_id": "which accounts one customer declares its own (--accounts gives it too)",
    "client_address": "shared networks, and keys that are used from elsewhere",
    "user_agent": "shared clients",
    "client_fingerprint": "telling who moves to a new model from a program that moves its users",
    "reasoning_block": "reasoning blocks that turn up under a second account",
    "http_status": "requests that failed and that other customers then send",
    "request_model": "comparing accounts with others that use the same model, and moves to a new one",
}


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command(epilog=examples("gauger sources"))(sources)
    app.command(epilog=examples("gauger schema > findings.schema.json"))(schema)


def sources() -> None:
    """List the log formats, what each lacks, and what that costs."""
    from gauger.report.layout import Column, columns, paragraph
    from gauger.sources import SOURCES, ReadOptions

    width = terminal_width()
    lacks = {
        name: ", ".join(column for column in POWER_LOST if column in source.columns_absent(ReadOptions())) or "nothing"
        for name, source in SOURCES.items()
    } | {"mapping": "what the file of --mapping does not name; any log can be read this way"}
    formats = [Column(title="format", values=list(lacks)), Column(title="lacks", values=list(lacks.values()))]
    costs = [
        Column(title="column", values=list(POWER_LOST)),
        Column(title="lost without it", values=list(POWER_LOST.values())),
    ]
    closing = (
        "A log of a format may still leave columns empty. Payments stand in no log: give them with"
        " --accounts. A missing column lowers power, never raises suspicion."
    )
    lines = [*columns(formats, width=width), "", *columns(costs, width=width), "", *paragraph(closing, width=width)]
    print_result("\n".join(lines))


def schema() -> None:
    """Print the JSON Schema of findings.json."""
    import msgspec

    from gauger.campaigns.document import json_schema

    print_result(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode())
