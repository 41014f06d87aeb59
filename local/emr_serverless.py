"""EMR Serverless: applications and job runs.

All of it is our own: moto's applications are started at once and its job runs have succeeded at once, and it ignores tokens.
"""

import signal
import threading

import emr_workers
from emr_jobs import CALLER, JobRun, Tokens, split, tagging, within
from emr_pages import numbers, page, small_id
from emr_runs import CHANGED, foreign, now, spark_defaults, untrusted
from emr_settings import ACCOUNT, settings
from emr_wire import Call, Refusal

applications: dict[str, dict] = {}
runs: dict[str, "ServerlessRun"] = {}
tokens = Tokens()

# What CreateApplication and UpdateApplication take over as it is.
SETTINGS = (
    "initialCapacity maximumCapacity autoStartConfiguration autoStopConfiguration networkConfiguration architecture imageConfiguration "
    "workerTypeSpecifications releaseLabel runtimeConfiguration monitoringConfiguration diskEncryptionConfiguration "
    "interactiveConfiguration schedulerConfiguration identityCenterConfiguration jobLevelCostAllocationConfiguration"
).split()


class ServerlessRun(JobRun):
    WAITING, HELD = ("SUBMITTED", "QUEUED", "PENDING", "SCHEDULED"), "QUEUED"
    SUCCEEDED, CANCELLING = "SUCCESS", "CANCELLING"
    DRIVER_ENVIRONMENT = "spark.emr-serverless.driverEnv."

    def __init__(self, call: Call, application: dict):
        super().__init__(call, small_id(16), call.parameters)
        self.application = application
        self.arn = call.arn(f"/applications/{application['applicationId']}/jobruns/{self.id}", ACCOUNT)
        self.mode = call["mode"] or "BATCH"
        # A stream ends after twelve hours, too, unless its run says otherwise.
        self.minutes = 720 if call["executionTimeoutMinutes"] is None else call["executionTimeoutMinutes"]
        self.timeout = self.minutes * 60 or None
        self.attempts = (call["retryPolicy"] or {}).get("maxAttempts", 1)

    def command(self) -> list[str]:
        driver = (self.request.get("jobDriver") or {}).get("sparkSubmit")
        if not driver:
            raise ValueError("This local EMR runs sparkSubmit only, no hive.")
        return self.spark_submit(driver)

    def fault_of_workers(self) -> str:
        """What is wrong with the workers that it asks for, if something is and can be read."""
        driver = self.request["jobDriver"].get("sparkSubmit") or {}
        try:
            words = split(driver.get("sparkSubmitParameters") or "")
        except ValueError:
            # The run itself will tell.
            return ""
        return emr_workers.fault_of_job(words, spark_defaults(self.request.get("configurationOverrides")))

    def await_turn(self) -> bool:
        start(self.application)
        return super().await_turn()

    def refusal(self) -> str:
        if untrusted(role := self.request["executionRoleArn"]):
            # The service's own words.
            return f"Could not assume runtime role {role} because it doesn't exist or isn't setup with the required trust relationship."
        return ""

    def timed_out(self) -> None:
        self.details = f"Job run timed out after {self.minutes} minutes."
        super().timed_out()

    def explain(self, state: str, code: int | None, reason: str) -> None:
        if state == self.FAILED:
            # The service's own words.
            text = f"Job failed, please check complete logs in configured logging destination. ExitCode: {code}."
            exceptions = " ".join(self.exceptions()[0])
            self.details = (reason or f"{text} Last few exceptions: {exceptions}" if reason or exceptions else text)[:256]

    def log_places(self) -> list[str]:
        # https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/logging.html
        attempt = f"/attempts/{self.attempt}" if self.attempts > 1 else ""
        place = f"applications/{self.application['applicationId']}/jobs/{self.id}{attempt}/SPARK_DRIVER"
        return [f"{uri}/{place}" for uri in [self.log_uri()] if uri]

    def summary(self) -> dict:
        return {
            "applicationId": self.application["applicationId"],
            "id": self.id,
            "name": self.request.get("name"),
            "mode": self.mode,
            "arn": self.arn,
            "createdBy": CALLER,
            "createdAt": self.created,
            "updatedAt": self.updated,
            "executionRole": self.request["executionRoleArn"],
            "state": self.state,
            "stateDetails": self.details,
            "releaseLabel": self.application["releaseLabel"],
            "type": "SPARK",
            "attempt": self.attempt,
            "attemptCreatedAt": self.created,
            "attemptUpdatedAt": self.updated,
        }

    def described(self) -> dict:
        ran = ((self.ended or now()) - self.started).total_seconds() if self.started else 0
        used = {"vCPUHour": round(ran / 3600, 3), "memoryGBHour": round(ran / 900, 3), "storageGBHour": round(ran / 180, 3)}
        given = ("executionIamPolicy", "configurationOverrides", "jobDriver", "retryPolicy")
        return self.summary() | {name: self.request.get(name) for name in given} | {
            "jobRunId": self.id,
            "tags": self.tags,
            "startedAt": self.started,
            "endedAt": self.ended,
            "executionTimeoutMinutes": self.minutes,
            "totalExecutionDurationSeconds": int(ran),
            "totalResourceUtilization": used if self.over else None,
            "billedResourceUtilization": used if self.over else None,
            "queuedDurationMilliseconds": 0,
            "networkConfiguration": self.application.get("networkConfiguration"),
        }


# --- applications -----------------------------------------------------------------------------------------------------


def create_application(call: Call) -> dict:
    if call["type"].upper() not in ("SPARK", "HIVE"):
        raise Refusal("ValidationException", f"Unsupported engine {call['type']}")
    with CHANGED:
        made = tokens.once(call, lambda: new_application(call))
    return {name: made.get(name) for name in ("applicationId", "name", "arn")}


def new_application(call: Call, id: str = "") -> dict:
    _has_workers(emr_workers.fault_of_capacity(call["initialCapacity"]))
    id = id or small_id(16)
    application = applications[id] = {name: call[name] for name in SETTINGS if call[name] is not None} | {
        "applicationId": id,
        "number": next(numbers),
        "name": call["name"],
        "arn": call.arn(f"/applications/{id}", ACCOUNT),
        "type": call["type"].capitalize(),
        "state": "CREATING",
        "stateDetails": "",
        "createdAt": now(),
        "updatedAt": now(),
        "tags": dict(call["tags"] or {}),
    }
    application.setdefault("architecture", "X86_64")
    application.setdefault("autoStartConfiguration", {"enabled": True})
    application.setdefault("autoStopConfiguration", {"enabled": True, "idleTimeoutMinutes": 15})
    _become(application, "CREATED")
    return application


def get_application(call: Call) -> dict:
    return {"application": _application(call)}


def list_applications(call: Call) -> dict:
    found = [
        (application["number"], application | {"id": application["applicationId"]})
        for application in applications.values()
        if not call["states"] or application["state"] in call["states"]
    ]
    shown, token = page(found, call["nextToken"], call["maxResults"])
    return {"applications": shown, "nextToken": token}


def start_application(call: Call) -> dict:
    application = _application(call)
    with CHANGED:
        if application["state"] not in ("STARTING", "STARTED"):
            _demand(application, "CREATED", "STOPPED")
            start(application)
    return {}


def start(application: dict) -> None:
    """Starts an application that is not, as a job run does where auto-start is on."""
    with CHANGED:
        if application["state"] in ("CREATING", "CREATED", "STOPPED"):
            _set(application, "STARTING")
            _become(application, "STARTED")


def stop_application(call: Call) -> dict:
    application = _application(call)
    with CHANGED:
        if application["state"] not in ("STARTING", "STARTED"):
            # The service's own words.
            what = "Application cannot be STOPPED. Applications must be in one of the following statuses: [STARTING, STARTED]"
            raise Refusal("ValidationException", what)
        if any(run.application is application and not run.over for run in runs.values()):
            raise Refusal("ValidationException", f"Application {application['applicationId']} has job runs that are not over. Cancel them first.")
        _set(application, "STOPPING")
        _become(application, "STOPPED")
    return {}


def update_application(call: Call) -> dict:
    application = _application(call)
    _has_workers(emr_workers.fault_of_capacity(call["initialCapacity"]))
    with CHANGED:
        _demand(application, "CREATED", "STOPPED")
        application.update({name: call[name] for name in SETTINGS if call[name] is not None}, updatedAt=now())
    return {"application": application}


def delete_application(call: Call) -> dict:
    application = _application(call)
    with CHANGED:
        _demand(application, "CREATED", "STOPPED")
        _set(application, "TERMINATED")
    return {}


def _application(call: Call) -> dict:
    if call["applicationId"] not in applications:
        raise Refusal("ResourceNotFoundException", f"Application {call['applicationId']} does not exist", 404)
    return applications[call["applicationId"]]


def _has_workers(fault: str) -> None:
    if fault:
        raise Refusal("ValidationException", fault)


def _demand(application: dict, *states: str) -> None:
    if application["state"] not in states:
        what = f"must be in one of the following statuses [{', '.join(states)}]. Current status: {application['state']}"
        raise Refusal("ValidationException", f"Application {application['applicationId']} {what}")


def _become(application: dict, state: str) -> None:
    """Enters a state soon, unless something else has happened by then."""
    before = application["state"]

    def enter() -> None:
        with CHANGED:
            if application["state"] == before:
                _set(application, state)

    timer = threading.Timer(settings.pace, enter)
    timer.daemon = True
    timer.start()


def _set(application: dict, state: str) -> None:
    application.update(state=state, updatedAt=now())


# --- job runs ---------------------------------------------------------------------------------------------------------


def start_job_run(call: Call) -> dict:
    def make() -> ServerlessRun:
        _accepts(application)
        run = ServerlessRun(call, application)
        _has_workers(run.fault_of_workers())
        runs[run.id] = run
        run.begin()
        return run

    application = _application(call)
    if foreign(call["executionRoleArn"]):
        # The service's own words.
        raise Refusal("AccessDeniedException", "Cross-account pass role is not allowed.", 403)
    if not call["jobDriver"]:
        raise Refusal("ValidationException", "jobDriver must be given.")
    if call["executionTimeoutMinutes"] == 0 and call["mode"] != "STREAMING":
        raise Refusal("ValidationException", "executionTimeoutMinutes must be at least 1 for a job run of mode BATCH")
    with CHANGED:
        run = tokens.once(call, make, call["applicationId"])
    return {"applicationId": call["applicationId"], "jobRunId": run.id, "arn": run.arn}


def _accepts(application: dict) -> None:
    if application["state"] == "TERMINATED":
        raise Refusal("ValidationException", f"Application {application['applicationId']} is terminated. Cannot start job run.")
    if application["state"] not in ("STARTING", "STARTED") and not application["autoStartConfiguration"].get("enabled", True):
        what = f"is in {application['state']} state and auto-start is not enabled. Start the application before submitting a job run."
        raise Refusal("ValidationException", f"Application {application['applicationId']} {what}")


def get_job_run(call: Call) -> dict:
    with CHANGED:
        return {"jobRun": _run(call).described()}


def list_job_runs(call: Call) -> dict:
    application = _application(call)
    with CHANGED:
        found = [
            (run.number, run.summary())
            for run in runs.values()
            if run.application is application
            and run.visible("list")
            and (not call["states"] or run.state in call["states"])
            and call["mode"] in (None, run.mode)
            and within(run.created, call["createdAtAfter"], call["createdAtBefore"])
        ]
    shown, token = page(found, call["nextToken"], call["maxResults"])
    return {"jobRuns": shown, "nextToken": token}


def list_job_run_attempts(call: Call) -> dict:
    with CHANGED:
        run = _run(call)
        found = [(attempt, run.summary() | {"attempt": attempt, "jobCreatedAt": run.created}) for attempt in range(1, run.attempt + 1)]
    shown, token = page(found, call["nextToken"], call["maxResults"])
    return {"jobRunAttempts": shown, "nextToken": token}


def cancel_job_run(call: Call) -> dict:
    with CHANGED:
        run = _run(call)
        if run.over:
            raise Refusal("ValidationException", f"Job run {run.id} is not in a cancellable state")
        grace = call["shutdownGracePeriodInSeconds"]
        if grace is None:
            grace = 120 if run.mode == "STREAMING" else 0
        elif grace and not 15 <= grace <= 1800:
            raise Refusal("ValidationException", "shutdownGracePeriodInSeconds must be 0 or between 15 and 1800")
        if not run.cancelling:
            run.cancel(*([(signal.SIGTERM, grace)] if grace else []), (signal.SIGKILL, 0))
    return {"applicationId": call["applicationId"], "jobRunId": run.id}


def get_dashboard_for_job_run(call: Call) -> dict:
    run = _run(call)
    return {"url": f"https://j-{run.id}.dashboard.emr-serverless.{run.region}.amazonaws.com/?authToken={small_id(32)}"}


def _run(call: Call) -> ServerlessRun:
    application = _application(call)
    run = runs.get(call["jobRunId"])
    if not run or run.application is not application or not run.visible("describe"):
        raise Refusal("ResourceNotFoundException", f"JobRun {call['jobRunId']} does not exist", 404)
    return run


def _tags(call: Call) -> dict[str, str]:
    """Of whatever an ARN names."""
    for application in applications.values():
        if application["arn"] == call["resourceArn"]:
            return application["tags"]
    for run in runs.values():
        if run.arn == call["resourceArn"]:
            return run.tags
    raise Refusal("ResourceNotFoundException", f"Resource {call['resourceArn']} does not exist", 404)


OPERATIONS = {
    "CreateApplication": create_application,
    "GetApplication": get_application,
    "ListApplications": list_applications,
    "StartApplication": start_application,
    "StopApplication": stop_application,
    "UpdateApplication": update_application,
    "DeleteApplication": delete_application,
    "StartJobRun": start_job_run,
    "GetJobRun": get_job_run,
    "ListJobRuns": list_job_runs,
    "ListJobRunAttempts": list_job_run_attempts,
    "CancelJobRun": cancel_job_run,
    "GetDashboardForJobRun": get_dashboard_for_job_run,
    **tagging(_tags),
}
