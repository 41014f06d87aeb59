"""Faults on demand: what the services do on a bad day, to the next calls of an operation."""

import threading
import time
from dataclasses import asdict, dataclass, field

from emr_settings import ACCOUNT
from emr_wire import Call, Refusal

KINDS = ("throttle", "error", "drop", "delay", "gather", "deny", "hide", "hold")
STARTS = ("StartJobRun", "AddJobFlowSteps")


@dataclass
class Fault:
    """One fault; emr.py's docstring tells what each field means."""

    fault: str
    operation: str = "*"
    times: int | None = 1
    when: str = "before"
    seconds: float = 1
    status: int | None = None
    code: str | None = None
    message: str | None = None
    principal: str = f"arn:aws:sts::{ACCOUNT}:assumed-role/spark-job-submitter/spark-job-submitter"
    hidden_from: list[str] = field(default_factory=lambda: ["list", "describe"])
    access_key: str | None = None
    resource: str = ""

    def __post_init__(self):
        if self.fault not in KINDS or self.when not in ("before", "after"):
            raise ValueError(f"fault must be one of {', '.join(KINDS)}; when: before or after; got {asdict(self)}")

    def strikes(self, call: Call, resource: str) -> bool:
        if self.resource not in resource or self.fault in ("hide", "hold") and call.operation not in STARTS:
            return False
        if self.access_key not in (None, call.access_key):
            return False
        return self.operation in ("*", call.operation, f"{call.service}:{call.operation}")

    def refusal(self, call: Call, resource: str) -> Refusal:
        """The error that the service would answer with."""
        if self.fault == "deny":
            action = f"{call.service}:{call.operation}"
            why = f"because no identity-based policy allows the {action} action"
            text = f"User: {self.principal} is not authorized to perform: {action} on resource: {resource} {why}"
            # EMR speaks AWS's older JSON protocol, whose errors are all 400.
            status = 400 if call.service == "elasticmapreduce" else 403
            return Refusal(self.code or "AccessDeniedException", self.message or text, self.status or status)
        if self.fault == "throttle":
            # https://docs.aws.amazon.com/emr-serverless/latest/APIReference/CommonErrors.html
            return Refusal(self.code or "ThrottlingException", self.message or "Rate exceeded", self.status or 400)
        return Refusal(self.code or "InternalServerException", self.message or "Internal server error", self.status or 500)


class Faults:
    """Those that wait for their calls."""

    def __init__(self):
        # Told whenever a fault has met its last call, or was taken back.
        self._changed, self._waiting = threading.Condition(), []

    def add(self, fault: Fault) -> None:
        with self._changed:
            self._waiting.append(fault)

    def heal(self, meant: dict[str, str]) -> None:
        """Takes back those that are meant so: for one caller, for one resource; or all."""
        with self._changed:
            self._waiting = [fault for fault in self._waiting if any(getattr(fault, name) != given for name, given in meant.items())]
            self._changed.notify_all()

    def waiting(self) -> list[dict]:
        with self._changed:
            return [asdict(fault) for fault in self._waiting]

    def strike(self, call: Call, resource: str) -> list[Fault]:
        """The faults that this call about a resource meets, each of which is one time nearer to its end."""
        with self._changed:
            struck = [fault for fault in self._waiting if fault.strikes(call, resource)]
            for fault in struck:
                if fault.times is not None:
                    fault.times -= 1
            self._waiting = [fault for fault in self._waiting if fault.times is None or fault.times > 0]
            self._changed.notify_all()
            return struck

    def gather(self, fault: Fault) -> None:
        """Keeps a call that met the fault until the last one did, and lets them go on one by one: one of them is the first."""
        with self._changed:
            self._changed.wait_for(lambda: all(fault is not waiting for waiting in self._waiting), fault.seconds)
            # No other call goes on before this is over. The services tell when something was made in whole milliseconds.
            time.sleep(0.002)
