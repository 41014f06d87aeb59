"""How the program talks: colours on a terminal only, and faults that end it with one sentence instead of a trace."""

import os
import sys


class Fault(Exception):
    """Something that the user can put right; its text says how."""


def paint(code: str, text: str, stream=sys.stdout) -> str:
    """The text in a colour, where a person sees it and has not asked for none."""
    return f"\033[{code}m{text}\033[0m" if stream.isatty() and "NO_COLOR" not in os.environ else text


def good(text: str) -> str:
    return paint("32", text)


def bad(text: str, stream=sys.stdout) -> str:
    return paint("31", text, stream)


def dim(text: str) -> str:
    return paint("2", text)


def tail(log, lines: int = 25) -> str:
    """The end of a log file, to show beside a fault."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
