"""One running local default: its services, and the file that says where they are.

Instances have names, so that tests run one beside a person's own. All of an instance lies in `.local/run/NAME/`.
"""

import contextlib
import fcntl
import json
import random
import re
import shutil
import socket
import string
import time

import install
import paths
import processes
from say import Fault, tail
from services import CREDENTIALS, Aws, Emr, Livy, Service

# On two busy cores a JVM takes its time.
PATIENCE = 120

# In the order in which they are started.
SERVICES = ("emr", "aws", "livy")


class Instance:
    def __init__(self, name: str):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
            raise Fault(f"The instance's name {name!r} must be small letters, digits and hyphens.")
        self.name = name
        self.folder = paths.RUN / name
        self._file = self.folder / "state.json"
        self.state = self._load()

    # What others may know of it.

    def alive(self, name: str) -> bool:
        return processes.alive(self.state.get(name, {}))

    def status(self) -> dict:
        """As `status --json` shows it."""
        services = {name: self._describe(service) for name, service in self.services().items()}
        environment = self.environment() if services else {}
        return {"instance": self.name, "folder": str(self.folder), **services, "env": environment}

    def environment(self) -> dict[str, str]:
        """What a shell needs to work with this instance."""
        services = self.services()
        if len(services) < len(SERVICES):
            raise Fault(f"The instance {self.name!r} is not up: run `local/local.py up`")
        emr = services["emr"]
        return {
            "AWS_ENDPOINT_URL": services["aws"].url,
            **emr.endpoints(),
            **CREDENTIALS,
            "LIVY_URL": services["livy"].url,
            **emr.neighbours(),
            "SAM_CLI_TELEMETRY": "0",
        }

    def services(self) -> dict[str, Service]:
        """The services that this instance was started with, whether or not they still run."""
        if not all(name in self.state for name in SERVICES):
            return {}
        ports = {name: self.state[name]["port"] for name in SERVICES}
        emr = Emr(self.folder, ports["emr"], self.state["emr"]["made"], f"http://127.0.0.1:{ports['aws']}", ports["livy"])
        aws = Aws(self.folder, ports["aws"], emr)
        return {"emr": emr, "aws": aws, "livy": Livy(self.folder, ports["livy"], self.state["livy"]["retain"])}

    def _describe(self, service: Service) -> dict:
        alive = self.alive(service.name)
        return {
            "url": service.url,
            "port": service.port,
            "pid": self.state[service.name].get("pid"),
            "running": alive,
            "healthy": alive and service.healthy(),
            "log": str(service.log),
        }

    def died(self) -> list[str]:
        """The services that ended by themselves; one that was stopped, or is being restarted, did not."""
        with self._alone():
            return [name for name, program in self.state.items() if "pid" in program and not self.alive(name)]

    # What changes it.

    def up(self, aws_port: int, livy_port: int, emr_port: int, retain: int) -> bool:
        """Starts what does not run; returns whether anything had to be. Nothing is left running if something fails."""
        with self._alone():
            running = [name for name in SERVICES if self.alive(name)]
            if not running:
                self._clear()
            free = _free_ports(len(SERVICES))
            self.state.setdefault("emr", {"port": emr_port or free[0], "made": _ids()})
            self.state.setdefault("aws", {"port": aws_port or free[1]})
            self.state.setdefault("livy", {"port": livy_port or free[2], "retain": retain})
            self._start([service for name, service in self.services().items() if name not in running])
            return len(running) < len(SERVICES)

    def start(self, name: str) -> None:
        with self._alone():
            if name not in self.state:
                raise Fault(f"The instance {self.name!r} is not up: run `local/local.py up`")
            if not self.alive(name):
                self._start([self.services()[name]])

    def stop(self, name: str) -> None:
        """Ends one service. Its port stays its own, for `start`."""
        with self._alone():
            self._stop(name)

    def down(self) -> None:
        """Ends everything. Only the logs are kept."""
        with self._alone():
            for name in list(self.state):
                self._stop(name)
            self.state = {}
            self._file.unlink(missing_ok=True)
            for folder in ("tmp", "work", "conf", "conf-emr"):
                shutil.rmtree(self.folder / folder, ignore_errors=True)

    def _start(self, services: list[Service]) -> None:
        for service in services:
            _check(service)
        started = []
        try:
            for service in services:
                started.append(service.name)
                self.state[service.name].update(service.start())
                self._save()
            for service in services:
                self._await(service)
        except BaseException:
            for name in started:
                self._stop(name)
            raise

    def _await(self, service: Service) -> None:
        until = time.monotonic() + PATIENCE
        while not service.healthy():
            if not self.alive(service.name):
                raise Fault(f"{service.name} ended while it started:\n{tail(service.log)}")
            if time.monotonic() > until:
                raise Fault(f"{service.name} did not answer within {PATIENCE} s:\n{tail(service.log)}")
            time.sleep(0.2)

    def _stop(self, name: str) -> None:
        program = self.state.get(name, {})
        if "pid" in program:
            processes.stop(program)
            if service := self.services().get(name):
                service.sweep()
            for known_by in ("pid", "boot", "started"):
                program.pop(known_by, None)
            self._save()

    def _load(self) -> dict:
        try:
            return json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}

    def _save(self) -> None:
        # Whole or not at all: others read it while it is written.
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(self.state, indent=2))
        draft.replace(self._file)

    def _clear(self) -> None:
        """A fresh start, but for what a leader that died may have left behind."""
        for name in list(self.state):
            self._stop(name)
        self.state = {}
        for folder in ("log", "tmp", "work", "conf", "conf-emr"):
            shutil.rmtree(self.folder / folder, ignore_errors=True)

    @contextlib.contextmanager
    def _alone(self):
        """One change at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.state = self._load()
            yield


def _check(service: Service) -> None:
    """What can be said before anything is started."""
    missing = [part for part in service.needs if not install.installed(part)]
    if missing:
        raise Fault(f"Not installed yet: run `local/local.py install {' '.join(missing)}`")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", service.port))
        except OSError as fault:
            option = f"--{service.name}-port"
            variable = f"SPARKJOB_{service.name.upper()}_PORT"
            raise Fault(
                f"Port {service.port}, which {service.name} wants, cannot be had{_holder(service.port)}: {fault.strerror}. "
                f"Choose another one by {option} or {variable} (0 picks a free one)."
            ) from None


def _holder(port: int) -> str:
    """Which of our own instances has the port, if one has."""
    for file in paths.RUN.glob("*/state.json"):
        other = Instance(file.parent.name)
        if any(other.alive(name) and other.state[name]["port"] == port for name in other.state):
            return f" (the instance {other.name!r} has it)"
    return ""


def _free_ports(count: int) -> list[int]:
    """All bound at once, so that they differ."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _ids() -> dict[str, str]:
    """Ids for what the local EMR makes when it starts: known beforehand, and kept when it is started again."""
    small, large = string.digits + string.ascii_lowercase, string.digits + string.ascii_uppercase
    return {
        "virtualCluster": "".join(random.choices(small, k=25)),
        "application": "00" + "".join(random.choices(small, k=14)),
        "cluster": "j-" + "".join(random.choices(large, k=13)),
    }
