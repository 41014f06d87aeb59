"""What job runs and steps have in common: a thread each, which moves the state along with a real process."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

import emr_pages
import emr_s3
import emr_settings
import processes
from emr_settings import ACCOUNT, settings

# Held by whoever looks at or changes runs, and told whenever one of them changed.
CHANGED = threading.Condition(threading.RLock())

# A line of a log that names an exception, as Java and Python write it.
EXCEPTION = re.compile(r"^(?:Caused by: |Exception in thread .*|(?:\w+\.)*\w*(?:Error|Exception)\b).*")


class Run:
    """One job run or step. Its subclasses say what the service calls its states, and where its logs go."""

    WAITING: tuple[str, ...]
    # The state in which it is held while there is no capacity.
    HELD: str
    RUNNING = "RUNNING"
    SUCCEEDED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLING = "CANCEL_PENDING"
    CANCELLED = "CANCELLED"

    def __init__(self, id: str, hidden: float = 0, hidden_from: tuple[str, ...] = (), held: float = 0):
        self.id, self.number = id, next(emr_pages.numbers)
        self.folder = emr_settings.folder() / "runs" / id
        self.created = self.updated = now()
        self.started = self.ended = None
        self.state, self.details = self.WAITING[0], ""
        self.attempt, self.attempts = 1, 1
        self.timeout: float | None = None
        self.cancelling = self.interrupted = False
        self._process: subprocess.Popen | None = None
        self._shown, self._hidden_from = time.monotonic() + hidden, hidden_from
        self._held = time.monotonic() + held

    # What the service's own part says.

    def command(self) -> list[str]:
        """What is run; raises ValueError with the reason where nothing can be."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """What the process finds in its environment besides what all of them do."""
        return {}

    def logs(self) -> dict[str, Path]:
        return {"stdout": self.stdout, "stderr": self.stderr}

    def log_places(self) -> list[str]:
        """Where in S3 its logs are put."""
        raise NotImplementedError

    def explain(self, state: str, code: int | None, reason: str) -> None:
        """Keeps why it ends in a state: with an exit code, or for a reason that kept it from running at all."""

    def refusal(self) -> str:
        """Why it may not run although it was taken, if there is a reason."""
        return ""

    # Its life.

    @property
    def over(self) -> bool:
        return self.state in (self.SUCCEEDED, self.FAILED, self.CANCELLED, "INTERRUPTED")

    def visible(self, to: str) -> bool:
        """Whether it is seen yet by `list` or `describe`."""
        return time.monotonic() >= self._shown or to not in self._hidden_from

    def begin(self) -> None:
        threading.Thread(target=self._live, name=self.id, daemon=True).start()

    def cancel(self, *signs: tuple[signal.Signals, float]) -> None:
        """Sends signals to all of its processes, each followed by a wait. It is over when they all are dead."""
        with CHANGED:
            if self.over:
                return
            self.cancelling = True
            self._enter(self.CANCELLING)
            if self._process:
                threading.Thread(target=self._send, args=signs, daemon=True).start()

    def exceptions(self, most: int = 3) -> tuple[list[str], str]:
        """What the end of its logs says of why it died, and in which of them."""
        # spark-submit sends what a Python program says to its own stdout, errors too:
        # https://github.com/apache/spark/blob/v3.5.8/core/src/main/scala/org/apache/spark/deploy/PythonRunner.scala
        for name, file in (("stderr", self.stderr), ("stdout", self.stdout)):
            lines = [line.strip() for line in tail(file).splitlines()]
            if found := [line for line in lines if EXCEPTION.match(line)][-most:]:
                return found, name
        return [], "stderr"

    @property
    def stdout(self) -> Path:
        return self.folder / f"stdout-{self.attempt}"

    @property
    def stderr(self) -> Path:
        return self.folder / f"stderr-{self.attempt}"

    def _live(self) -> None:
        try:
            self._end(*self._attempts())
        except Exception as fault:
            traceback.print_exc()
            self._end(None, f"The local EMR failed: {fault}")

    def _attempts(self) -> tuple[int | None, str]:
        """The exit code of the last attempt, or why there is none."""
        while True:
            if not self.await_turn():
                return None, ""
            if reason := self.refusal():
                return None, reason
            try:
                command = self.command()
            except ValueError as fault:
                return None, str(fault)
            code = self._run(command)
            if code in (0, None) or self.cancelling or self.attempt >= self.attempts:
                return code, ""
            self._publish()
            self.attempt += 1

    def await_turn(self) -> bool:
        """Goes through the states before RUNNING; False if it was cancelled meanwhile."""
        for word in self.WAITING:
            held = self._held - time.monotonic() if word == self.HELD else 0
            if word == "QUEUED" and held <= 0:
                continue
            with CHANGED:
                if self.cancelling:
                    return False
                self._enter(word)
                CHANGED.wait_for(lambda: self.cancelling, max(settings.pace, held))
        return not self.cancelling

    def _run(self, command: list[str]) -> int | None:
        work = self.folder / "work"
        work.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SPARKJOB_EMR_")}
        environment |= {"SPARKJOB_RUN": str(self.folder), "PATH": f"{emr_settings.programs()}:{os.environ['PATH']}"} | self.environment()
        with CHANGED, self.stdout.open("wb") as output, self.stderr.open("wb") as errors:
            if self.cancelling:
                return None
            try:
                self._process = subprocess.Popen(
                    command, env=environment, cwd=work, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, start_new_session=True
                )
            except OSError as fault:
                errors.write(f'Exception in thread "main" java.io.IOException: {fault}\n'.encode())
                return 127
            self.started = self.started or now()
            self._enter(self.RUNNING)
        # By this, what is left of it can be found if the local EMR itself is killed.
        note = self.folder / "program.json"
        note.write_text(json.dumps(processes.program(self._process.pid)))
        code = self._await()
        if not processes.session(self._process.pid):
            note.unlink()
        self._process = None
        return 128 - code if code < 0 else code

    def _await(self) -> int:
        process = self._process
        try:
            code = process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            self.timed_out()
            code = process.wait()
        while left := processes.session(process.pid):
            if not self.cancelling:
                if not self.takes_children_along():
                    break
                processes.send(left, signal.SIGKILL)
            time.sleep(0.2)
        return code

    def takes_children_along(self) -> bool:
        """Whether what it leaves running ends with it, as a container's processes do."""
        return True

    def timed_out(self) -> None:
        self.cancel((signal.SIGKILL, 0))

    def _send(self, *signs: tuple[signal.Signals, float]) -> None:
        for sign, patience in signs:
            process = self._process
            if not process:
                return
            processes.send(processes.session(process.pid), sign)
            until = time.monotonic() + patience
            while time.monotonic() < until and processes.session(process.pid):
                time.sleep(0.2)

    def _end(self, code: int | None, reason: str) -> None:
        if self.started:
            self._publish()
        with CHANGED:
            if not self.over:
                self.close(self._final(code), code, reason)

    def close(self, state: str, code: int | None = None, reason: str = "") -> None:
        """Enters a last state. The caller holds the lock."""
        self.ended = now()
        self.explain(state, code, reason)
        self._enter(state)
        self.after()

    def _final(self, code: int | None) -> str:
        if code == 0:
            return self.SUCCEEDED
        if self.interrupted and self.started:
            return "INTERRUPTED"
        return self.CANCELLED if self.cancelling else self.FAILED

    def after(self) -> None:
        """What follows when it is over. Called with the lock held."""

    def _publish(self) -> None:
        for place in self.log_places():
            emr_s3.publish(place, self.logs())

    def _enter(self, state: str) -> None:
        with CHANGED:
            self.state, self.updated = state, now()
            CHANGED.notify_all()


def stop(folder: Path) -> None:
    """Ends all that was started below a folder, at once."""
    for file in folder.rglob("program.json"):
        program = json.loads(file.read_text())
        processes.send(processes.members(program), signal.SIGKILL)


def untrusted(role: str | None) -> bool:
    """Whether the service may not assume a role: here, where its name says so."""
    return "untrusted" in (role or "").rpartition("/")[2]


def foreign(role: str | None) -> bool:
    """Whether a role is of another account."""
    return bool(role) and role.split(":")[4] != ACCOUNT


def spark_defaults(overrides: dict | None) -> dict[str, str]:
    """The Spark properties of configuration overrides."""
    merged = {}
    for configuration in (overrides or {}).get("applicationConfiguration") or []:
        if configuration["classification"] == "spark-defaults":
            merged |= configuration.get("properties") or {}
    return merged


def log_uri(overrides: dict | None) -> str:
    monitoring = (overrides or {}).get("monitoringConfiguration") or {}
    return ((monitoring.get("s3MonitoringConfiguration") or {}).get("logUri") or "").rstrip("/")


def tail(file: Path, most: int = 20_000) -> str:
    if not file.exists():
        return ""
    return file.read_bytes()[-most:].decode(errors="replace")


def now() -> datetime:
    # The services tell whole milliseconds.
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
