"""Exhibits as text for a terminal: wrapped, harmless, with the shared words marked."""

from collections.abc import Collection, Iterator, Sequence
from textwrap import wrap
from typing import Final

from gauger.cli.exhibits import PARTS, Exhibit, Exhibits
from gauger.cli.shared_words import Stretch, shared_stretches
from gauger.report.untrusted import shorten, visible

# Private-use characters: `visible` spells out those of a log, so these can only be ours.
_OPEN, _CLOSE = "\ue000", "\ue001"
_BOLD_UNDERLINED, _PLAIN = "\x1b[1;4m", "\x1b[0m"

#: Characters of a part that are shown, and those around a shared stretch where more is cut.
_ROOM: Final = {"system_prompt": 700, "tool_schema": 400, "user_prompt": 1_500}
_AROUND: Final = 60


def render_exhibits(exhibits: Exhibits, *, width: int, styled: bool) -> str:
    """Return the exhibits as lines of text.

    Parameters
    ----------
    exhibits
        What to show.
    width
        Columns of the terminal.
    styled
        Mark shared words in bold and underlined; else with [brackets].
    """
    lines: list[str] = []
    lines += _section("Exchanges of the finding", exhibits.attributed, exhibits, width)
    lines += _section("Innocent look-alikes: other accounts, not attributed", exhibits.innocent, exhibits, width)
    if not exhibits.innocent:
        lines += [f"None of {exhibits.n_looked_at:,} exchanges of others shares a run of four words with these."]
    else:
        lines += [f"The {len(exhibits.innocent)} of {exhibits.n_looked_at:,} exchanges of others that share most."]
    return "\n".join(_styled(lines, styled=styled))


def _section(title: str, shown: Sequence[Exhibit], exhibits: Exhibits, width: int) -> Iterator[str]:
    yield title
    yield "-" * len(title)
    for number, one in enumerate(shown, 1):
        where = f"{visible(one.log)} row {one.row}"
        yield f"({number}) {shorten(one.account_id)}  {one.occurred_at}  {where}"
        for part, text in one.texts.items():
            marks = shared_stretches(text, exhibits.shared[part])
            if part == "user_prompt" or marks:
                yield f"    {PARTS[part]}:"
                yield from _wrapped(_excerpt(text, marks, room=_ROOM[part]), width=width)
        yield ""


def _excerpt(text: str, marks: Sequence[Stretch], *, room: int) -> str:
    """Return the text with its shared stretches marked, cut to what lies around them where it is long."""
    kept = [Stretch(0, len(text))] if len(text) <= room else list(_around(marks, len(text), room))
    pieces = []
    end = 0
    for stretch in kept:
        if stretch.start > end:
            pieces.append(f"... ({stretch.start - end:,} characters) ...")
        pieces.append(_marked(text, stretch, marks))
        end = stretch.end
    if end < len(text):
        pieces.append(f"... ({len(text) - end:,} characters) ...")
    return "".join(pieces)


def _around(marks: Sequence[Stretch], size: int, room: int) -> Iterator[Stretch]:
    """Yield the stretches to keep, joined where they touch, until the room is used up."""
    if not marks:
        yield Stretch(0, room)
        return
    current = Stretch(max(0, marks[0].start - _AROUND), min(size, marks[0].end + _AROUND))
    for mark in marks[1:]:
        if mark.start - _AROUND <= current.end:
            current = Stretch(current.start, min(size, mark.end + _AROUND))
            continue
        room -= current.end - current.start
        yield current
        if room <= 0:
            return
        current = Stretch(mark.start - _AROUND, min(size, mark.end + _AROUND))
    yield Stretch(current.start, min(current.end, current.start + max(room, 2 * _AROUND)))


def _marked(text: str, stretch: Stretch, marks: Collection[Stretch]) -> str:
    """Return a stretch of the text, line breaks kept, everything else that does not show spelt out."""
    pieces = []
    at = stretch.start
    for mark in marks:
        start, end = max(mark.start, stretch.start), min(mark.end, stretch.end)
        if start < end:
            pieces += [_harmless(text[at:start]), _OPEN, _harmless(text[start:end]), _CLOSE]
            at = end
    return "".join([*pieces, _harmless(text[at : stretch.end])])


def _harmless(text: str) -> str:
    return "\n".join(visible(line) for line in text.replace("\r\n", "\n").replace("\t", "    ").split("\n"))


def _wrapped(text: str, *, width: int) -> Iterator[str]:
    for line in text.split("\n"):
        yield from wrap(line, width, initial_indent="      ", subsequent_indent="      ", break_on_hyphens=False) or [
            ""
        ]


def _styled(lines: Sequence[str], *, styled: bool) -> Iterator[str]:
    """Yield lines with the marks in their final form; a mark that goes on over lines is closed and opened anew."""
    open_, close = (_BOLD_UNDERLINED, _PLAIN) if styled else ("[", "]")
    is_open = False
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        body = line[len(indent) :]
        starts_open = is_open
        for character in body:
            is_open = {_OPEN: True, _CLOSE: False}.get(character, is_open)
        body = (_OPEN if starts_open and body else "") + body + (_CLOSE if is_open and body else "")
        body = body.replace(_OPEN + _CLOSE, "")
        yield indent + body.replace(_OPEN, open_).replace(_CLOSE, close)
