"""Programs in the background: each leads a session of its own, so that all its descendants can be found and ended.

A process group would not do: PySpark's worker daemon moves into one of its own.
"""

import os
import signal
import subprocess
import time
from pathlib import Path


def start(command: list[str], environment: dict[str, str], folder: Path, log: Path) -> dict:
    """Starts a program and returns what `alive` and `stop` know it by."""
    with log.open("a") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    return program(process.pid)


def program(pid: int) -> dict:
    """What `alive` and `stop` know a running process by that leads a session."""
    return {"pid": pid, "started": _started(pid)}


def alive(program: dict) -> bool:
    """Whether the program still runs, and its number is not another one's by now. One that was stopped has none."""
    if "pid" not in program:
        return False
    _reap(program["pid"])
    return _started(program["pid"]) == program["started"]


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
    _reap(program["pid"])
    if _started(program["pid"]) not in ("", program["started"]):
        return []
    return session(program["pid"])


def session(leader: int) -> list[int]:
    """The processes of a session that are not dead. Reaps none, so that whoever waits for the leader learns how it ended."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    running = (line.split() for line in listed.splitlines())
    return [int(pid) for pid, state in running if not state.startswith("Z") and _session(int(pid)) == leader]


def send(pids: list[int], sign: signal.Signals) -> None:
    """Sends a signal to processes, some of which may be gone."""
    for pid in pids:
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            continue


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _started(pid: int) -> str:
    """When a process started; empty if there is none."""
    # In C's locale, since another shell may ask in another language.
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return asked.stdout.strip()


def _reap(pid: int) -> None:
    """A dead child of our own would stay in the list of processes until it is asked for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass
