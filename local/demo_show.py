"""How the demo looks: numbered steps, and lines in columns that begin with the time since the start."""

import shutil
import textwrap
import time

from say import dim, paint

INDENT = " " * 9

_began = time.monotonic()
_steps: list[tuple[str, float]] = []


def step(title: str) -> None:
    """Begins the next step."""
    _steps.append((title, time.monotonic()))
    print(f"\n{paint('1', f'{len(_steps)}. {title}')}", flush=True)


def line(source: str, subject: str, word: str, detail: str = "", tone=str) -> None:
    """What happened to whom, and who says so. The tone is the word's colour."""
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    head = f"{minutes:>4}:{seconds:02}  "
    middle = f"{source:<6} {subject:<26} "
    rest = f"{word:<20} {detail}".rstrip()[: _width() - len(head + middle)]
    print(dim(head) + middle + rest.replace(word, tone(word), 1), flush=True)


def say(text: str) -> None:
    """A sentence of the demo's own."""
    print(textwrap.fill(text, _width(), initial_indent=INDENT, subsequent_indent=INDENT), flush=True)


def typed(command: str, options: str = "") -> None:
    """What a person would type where there is a real AWS."""
    label, more = f"{INDENT}On AWS:  ", " " * (len(INDENT) + 11)
    rows = textwrap.wrap(options, _width() - len(more) - 2, break_on_hyphens=False, break_long_words=False)
    print(dim(f" \\\n{more}".join([label + command, *rows])), flush=True)


def quote(text: str) -> None:
    """Someone else's words, whole."""
    bar = INDENT + dim("| ")
    for paragraph in text.splitlines():
        for row in textwrap.wrap(paragraph, _width() - len(INDENT) - 2) or [""]:
            print(bar + row, flush=True)


def table(rows: dict[str, str]) -> None:
    """Names and values, one pair below the other."""
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{INDENT}{dim(name.ljust(width))}  {value}", flush=True)


def summary() -> None:
    """How long each step took, but for the last, which shows this."""
    starts = [began for _, began in _steps]
    rows = {title: end - began for (title, began), end in zip(_steps, starts[1:])}
    table({title: f"{seconds:4.0f} s" for title, seconds in (rows | {"Altogether": starts[-1] - _began}).items()})


def _width() -> int:
    return min(shutil.get_terminal_size((120, 24)).columns, 140)
