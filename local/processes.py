"""Programs in the background: each leads a session of its own, so that all its descendants can be found and ended.

A process group would not do: PySpark's worker daemon moves into one of its own.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


def start(command: list[str], environment: dict[str, str], folder: Path, log: Path) -> dict:
    """Starts a program and returns what `alive` and `stop` know it by."""
    with log.open("a") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return program(process.pid)


def program(pid: int) -> dict:
    """What `alive` and `stop` know a running process by that leads a session."""
    known = _look(pid)
    return {"pid": pid, "boot": _boot(), "started": known.started if known else None}


def alive(program: dict) -> bool:
    """Whether the program still runs, and its number is not another one's by now. One that was stopped has none."""
    known = _look(program["pid"]) if _is_of_now(program) else None
    return known is not None and not known.dead and known.started == program["started"]


def stop(program: dict, patience: float = 8) -> None:
    """Ends the program and all that it started, politely first."""
    until = time.monotonic() + patience
    for sign in (signal.SIGTERM, signal.SIGKILL):
        send(members(program), sign)
        while members(program) and time.monotonic() < until:
            time.sleep(0.1)
        until = time.monotonic() + patience


def members(program: dict) -> list[int]:
    """All the processes of the program's session: a number is not given out again while a session bears it."""
    if not _is_of_now(program):
        return []
    known = _look(program["pid"])
    if known and known.started != program["started"]:
        return []
    return session(program["pid"])


def session(leader: int) -> list[int]:
    """The processes of a session that are not dead."""
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())
    return [pid for pid in pids if (known := _look(pid)) and known.session == leader and not known.dead]


def send(pids: list[int], sign: signal.Signals) -> None:
    """Sends a signal to processes, some of which may be gone."""
    for pid in pids:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue


def _is_of_now(program: dict) -> bool:
    """Whether the program was started since the machine was: nothing is left of an earlier one, whose numbers are others' by now.

    Where that was not noted it is known by its number and its ticks alone.
    """
    return "pid" in program and program.get("boot", _boot()) == _boot()


def _boot() -> str:
    """What is another one each time that the machine is started (https://man7.org/linux/man-pages/man4/random.4.html)."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


class _Process(NamedTuple):
    """What the kernel says of a process (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)."""

    dead: bool
    session: int
    # In ticks after the machine's start. The time of day would be another one each time that the clock is set.
    started: int


def _look(pid: int) -> _Process | None:
    """The process of this number, if there is one, and this machine shows it: it may hide other users' (`hidepid`)."""
    try:
        # The second field, a name in parentheses, may hold blanks and parentheses of its own.
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return _Process(dead=fields[0] in "ZX", session=int(fields[3]), started=int(fields[19]))
