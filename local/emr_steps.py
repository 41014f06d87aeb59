"""The steps of EMR clusters.

moto's steps never run, never end, and cannot be cancelled.
"""

import json
import signal
import time
from pathlib import Path

import emr_clusters
from emr_clusters import READY, Cluster
from emr_pages import large_id, page
from emr_runs import CHANGED, Run, untrusted
from emr_settings import settings
from emr_wire import Call, Refusal

# https://docs.aws.amazon.com/emr/latest/APIReference/API_AddJobFlowSteps.html
ACTIVE_LIMIT, TEXT_LIMIT, IDS_LIMIT = 256, 10_240, 10

# https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-cancel-steps.html
SIGNALS = {"SEND_INTERRUPT": signal.SIGTERM, "TERMINATE_PROCESS": signal.SIGKILL}


class Step(Run):
    WAITING, HELD = ("PENDING",), "PENDING"

    def __init__(self, cluster: Cluster, config: dict, role: str | None, fate: dict):
        super().__init__(large_id("s-"), **fate)
        self.cluster, self.config, self.role = cluster, config, role
        self.action = config.get("ActionOnFailure") or "CONTINUE"
        # Whether it has one of the cluster's places for running steps.
        self.placed = False
        self.failure = None

    @property
    def jar(self) -> dict:
        return self.config["HadoopJarStep"]

    def await_turn(self) -> bool:
        """Steps start in the order in which they were added, StepConcurrencyLevel of them side by side."""
        with CHANGED:
            CHANGED.wait_for(lambda: self.cancelling, settings.pace)
            while not (self.cancelling or self._has_turn()):
                # A change of the cluster's level is told to no one.
                CHANGED.wait(0.5)
            self.placed = not self.cancelling
            return self.placed

    def _has_turn(self) -> bool:
        steps = self.cluster.steps
        earlier = (step for step in steps if step.number < self.number)
        running = sum(step.placed and not step.over for step in steps)
        waited = all(step.placed or step.over for step in earlier)
        return self.cluster.state in READY and time.monotonic() >= self._held and waited and running < self.cluster.level

    def command(self) -> list[str]:
        if Path(self.jar["Jar"]).name != "command-runner.jar":
            raise ValueError(f"This local EMR runs command-runner.jar only, not {self.jar['Jar']}.")
        if not self.jar.get("Args"):
            raise ValueError("command-runner.jar was given no arguments.")
        return self.jar["Args"]

    def environment(self) -> dict[str, str]:
        return {
            "SPARKJOB_DEFAULTS": json.dumps(self.cluster.spark_defaults),
            "SPARKJOB_YARN": str(self.cluster.yarn),
            "SPARKJOB_LOG_URI": self.cluster.log_uri,
        }

    def refusal(self) -> str:
        return f"The cluster could not assume the runtime role {self.role}" if untrusted(self.role) else ""

    def takes_children_along(self) -> bool:
        return False

    def log_uri(self) -> str:
        own = (self.config.get("StepMonitoringConfiguration") or {}).get("S3MonitoringConfiguration") or {}
        uri = (own.get("LogUri") or "").rstrip("/")
        return f"{uri}/{self.cluster.id}" if uri else self.cluster.log_uri

    def logs(self) -> dict[str, Path]:
        controller = self.folder / "controller"
        controller.write_text(f"INFO startExec 'hadoop jar {self.jar['Jar']} {' '.join(self.jar.get('Args') or [])}'\n")
        return super().logs() | {"controller": controller}

    def log_places(self) -> list[str]:
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html
        return [f"{uri}/steps/{self.id}" for uri in [self.log_uri()] if uri]

    def explain(self, state: str, code: int | None, reason: str) -> None:
        if state == self.FAILED:
            exceptions, log = self.exceptions(1)
            message = reason or (exceptions[0] if exceptions else f"The step's process ended with exit code {code}")
            self.failure = {"Reason": "Unknown Error", "Message": message, "LogFile": None}
            if self.log_uri() and self.started:
                self.failure["LogFile"] = f"{self.log_uri()}/steps/{self.id}/{log}.gz"

    def after(self) -> None:
        if self.state == self.FAILED and self.action == "CANCEL_AND_WAIT":
            for step in self.cluster.steps:
                if not step.placed:
                    step.withdraw()
        if self.state == self.FAILED and self.action in ("TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW"):
            emr_clusters.terminate(self.cluster, "STEP_FAILURE", "Shut down as step failed")
        emr_clusters.settle(self.cluster)

    def withdraw(self) -> None:
        """Cancels it before it has started, at once."""
        if not self.over:
            self.cancelling = True
            self.close(self.CANCELLED)

    def described(self) -> dict:
        timeline = {"CreationDateTime": self.created, "StartDateTime": self.started, "EndDateTime": self.ended}
        properties = {item["Key"]: item.get("Value") for item in self.jar.get("Properties") or []}
        return {
            "Id": self.id,
            "Name": self.config["Name"],
            "Config": {"Jar": self.jar["Jar"], "Properties": properties, "MainClass": self.jar.get("MainClass"), "Args": self.jar.get("Args") or []},
            "ActionOnFailure": self.action,
            "Status": {"State": self.state, "StateChangeReason": {}, "FailureDetails": self.failure, "Timeline": timeline},
            "ExecutionRoleArn": self.role,
            # The destination of its own; where its cluster puts logs is the cluster's to tell.
            "LogUri": ((self.config.get("StepMonitoringConfiguration") or {}).get("S3MonitoringConfiguration") or {}).get("LogUri"),
            "EncryptionKeyArn": None,
        }


def run_job_flow(call: Call) -> dict:
    steps = call.parameters.pop("Steps", None) or []
    with CHANGED:
        cluster = emr_clusters.start(call)
        add(cluster, steps, None, call.fate)
    return {"JobFlowId": cluster.id, "ClusterArn": cluster.moto.arn}


def add_job_flow_steps(call: Call) -> dict:
    cluster = emr_clusters.flow(call["JobFlowId"])
    with CHANGED:
        if not cluster.open:
            # The service's own words.
            raise Refusal("ValidationException", "A job flow that is shutting down, terminated, or finished may not be modified.")
        return {"StepIds": [step.id for step in add(cluster, call["Steps"], call["ExecutionRoleArn"], call.fate)]}


def add(cluster: Cluster, configs: list[dict], role: str | None, fate: dict) -> list[Step]:
    """Adds all of the steps, or none."""
    check(cluster, configs)
    steps = [Step(cluster, config, role, fate) for config in configs]
    cluster.steps += steps
    for step in steps:
        step.begin()
    return steps


def check(cluster: Cluster, configs: list[dict]) -> None:
    if sum(not step.over for step in cluster.steps) + len(configs) > ACTIVE_LIMIT:
        # The service's own words.
        what = "Maximum number of active steps(State = 'Running', 'Pending' or 'Cancel_Pending') for cluster exceeded."
        raise Refusal("ValidationException", what)
    for config in configs:
        jar = config["HadoopJarStep"]
        texts = [jar["Jar"], jar.get("MainClass") or "", *(jar.get("Args") or [])]
        texts += [text for item in jar.get("Properties") or [] for text in item.values()]
        if sum(map(len, texts)) > TEXT_LIMIT:
            raise Refusal("ValidationException", f"The strings of HadoopJarStep must not exceed a total of {TEXT_LIMIT} characters.")
        if cluster.level > 1 and config.get("ActionOnFailure", "CONTINUE") != "CONTINUE":
            what = f"ActionOnFailure {config['ActionOnFailure']} is not valid where StepConcurrencyLevel is greater than 1."
            raise Refusal("ValidationException", what)


def cancel_steps(call: Call) -> dict:
    cluster = emr_clusters.cluster(call["ClusterId"])
    sign = SIGNALS[call["StepCancellationOption"] or "SEND_INTERRUPT"]
    if len(call["StepIds"]) > ACTIVE_LIMIT:
        raise Refusal("InvalidRequestException", f"At most {ACTIVE_LIMIT} steps can be cancelled at once.")
    with CHANGED:
        return {"CancelStepsInfoList": [_cancel(cluster, id, sign) for id in call["StepIds"]]}


def _cancel(cluster: Cluster, id: str, sign: signal.Signals) -> dict:
    step = next((step for step in cluster.steps if step.id == id and step.visible("describe")), None)
    refused = f"Step id '{id}' is not valid." if not step else f"Step {id} is not in a cancellable state: {step.state}" if step.over else None
    if not refused and step.placed:
        step.cancel((sign, 0))
    elif not refused:
        step.withdraw()
    return {"StepId": id, "Status": "FAILED" if refused else "SUBMITTED", "Reason": refused}


def describe_step(call: Call) -> dict:
    cluster = emr_clusters.cluster(call["ClusterId"])
    with CHANGED:
        for step in cluster.steps:
            if step.id == call["StepId"] and step.visible("describe"):
                return {"Step": step.described()}
    raise Refusal("InvalidRequestException", f"Step id '{call['StepId']}' is not valid.")


def list_steps(call: Call) -> dict:
    cluster = emr_clusters.cluster(call["ClusterId"])
    if len(call["StepIds"] or []) > IDS_LIMIT:
        raise Refusal("InvalidRequestException", f"At most {IDS_LIMIT} StepIds can be listed at once.")
    with CHANGED:
        found = [
            (step.number, step.described())
            for step in cluster.steps
            if step.visible("list")
            and (not call["StepIds"] or step.id in call["StepIds"])
            and (not call["StepStates"] or step.state in call["StepStates"])
        ]
    shown, marker = page(found, call["Marker"])
    return {"Steps": shown, "Marker": marker}


OPERATIONS = {
    "RunJobFlow": run_job_flow,
    "AddJobFlowSteps": add_job_flow_steps,
    "CancelSteps": cancel_steps,
    "DescribeStep": describe_step,
    "ListSteps": list_steps,
}
