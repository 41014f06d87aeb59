"""EMR on EKS: virtual clusters, job templates and job runs.

All of it is our own: moto's job runs run for ever, it ignores tokens and it knows no templates.
"""

import re
import signal

import emr_settings
from emr_jobs import CALLER, JobRun, Tokens, split, tagging, within
from emr_pages import numbers, page, small_id
from emr_runs import CHANGED, foreign, now, untrusted
from emr_settings import ACCOUNT
from emr_wire import Call, Refusal

# Kubernetes' own time to end: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination
GRACE = 30

SEE_LOGS = "Please refer logs uploaded to S3/CloudWatch based on your monitoring configuration."

clusters: dict[str, dict] = {}
templates: dict[str, dict] = {}
runs: dict[str, "ContainersRun"] = {}
tokens = Tokens()


class ContainersRun(JobRun):
    WAITING, HELD = ("PENDING", "SUBMITTED"), "PENDING"
    DRIVER_ENVIRONMENT = "spark.kubernetes.driverEnv."

    def __init__(self, call: Call, request: dict):
        super().__init__(call, small_id(19), request)
        self.cluster = call["virtualClusterId"]
        self.arn = call.arn(f"/virtualclusters/{self.cluster}/jobruns/{self.id}", ACCOUNT)
        self.attempts = (request.get("retryPolicyConfiguration") or {}).get("maxAttempts", 1)
        self.failure = None

    def command(self) -> list[str]:
        driver = self.request["jobDriver"]
        if "sparkSubmitJobDriver" in driver:
            return self.spark_submit(driver["sparkSubmitJobDriver"])
        sql = driver.get("sparkSqlJobDriver") or {}
        if not sql.get("entryPoint"):
            raise ValueError("The job driver names neither a sparkSubmitJobDriver nor the entryPoint of a sparkSqlJobDriver.")
        return [str(emr_settings.programs() / "spark-sql"), *split(sql.get("sparkSqlParameters") or ""), "-f", sql["entryPoint"]]

    def refusal(self) -> str:
        if untrusted(self.request["executionRoleArn"]):
            # As STS words it, which is what the driver meets.
            why = "Not authorized to perform sts:AssumeRoleWithWebIdentity (Service: AWSSecurityTokenService; Status Code: 403)."
            return f"{why} {SEE_LOGS}"
        return ""

    def explain(self, state: str, code: int | None, reason: str) -> None:
        if state == self.FAILED:
            self.failure, self.details = "USER_ERROR", (reason or f"JobRun failed. {SEE_LOGS}")[:256]
        elif state == self.CANCELLED:
            self.details = "JobRun CANCELLED successfully."

    def log_places(self) -> list[str]:
        # https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-jobs-CLI.html
        pod = f"spark-{self.id}/spark-{self.id}-driver"
        return [f"{uri}/{self.cluster}/jobs/{self.id}/containers/{pod}" for uri in [self.log_uri()] if uri]

    def described(self) -> dict:
        given = ("name", "clientToken", "executionRoleArn", "releaseLabel", "configurationOverrides", "jobDriver", "retryPolicyConfiguration")
        return {name: self.request.get(name) for name in given} | {
            "id": self.id,
            "virtualClusterId": self.cluster,
            "arn": self.arn,
            "state": self.state,
            "createdAt": self.created,
            "createdBy": CALLER,
            "finishedAt": self.ended,
            "stateDetails": self.details or None,
            "failureReason": self.failure,
            "tags": self.tags,
            "retryPolicyExecution": {"currentAttemptCount": self.attempt} if self.attempts > 1 else None,
        }


# --- virtual clusters -------------------------------------------------------------------------------------------------


def create_virtual_cluster(call: Call) -> dict:
    with CHANGED:
        return _brief(tokens.once(call, lambda: new_cluster(call)))


def new_cluster(call: Call, id: str = "") -> dict:
    namespace = _namespace(call["containerProvider"])
    if any(_namespace(other["containerProvider"]) == namespace and other["state"] != "TERMINATED" for other in clusters.values()):
        raise Refusal("ValidationException", "A virtual cluster already exists in the given namespace")
    id = id or small_id(25)
    clusters[id] = {
        "id": id,
        "number": next(numbers),
        "name": call["name"],
        "arn": call.arn(f"/virtualclusters/{id}", ACCOUNT),
        "state": "RUNNING",
        "containerProvider": call["containerProvider"],
        "createdAt": now(),
        "tags": dict(call["tags"] or {}),
    }
    return clusters[id]


def describe_virtual_cluster(call: Call) -> dict:
    return {"virtualCluster": _cluster(call["id"])}


def list_virtual_clusters(call: Call) -> dict:
    found = [
        (cluster["number"], cluster)
        for cluster in clusters.values()
        if (not call["states"] or cluster["state"] in call["states"])
        and call["containerProviderId"] in (None, cluster["containerProvider"]["id"])
        and within(cluster["createdAt"], call["createdAfter"], call["createdBefore"])
    ]
    shown, token = page(found, call["nextToken"], call["maxResults"])
    return {"virtualClusters": shown, "nextToken": token}


def delete_virtual_cluster(call: Call) -> dict:
    with CHANGED:
        _cluster(call["id"])["state"] = "TERMINATED"
    return {"id": call["id"]}


def _cluster(id: str) -> dict:
    if id not in clusters:
        raise Refusal("ResourceNotFoundException", f"Virtual cluster {id} doesn't exist.")
    return clusters[id]


def _namespace(provider: dict) -> tuple[str, str]:
    return provider["id"], ((provider.get("info") or {}).get("eksInfo") or {}).get("namespace") or "default"


def _brief(thing: dict) -> dict:
    return {name: thing[name] for name in ("id", "name", "arn")}


# --- job templates ----------------------------------------------------------------------------------------------------


def create_job_template(call: Call) -> dict:
    def make() -> dict:
        id = small_id(19)
        templates[id] = {
            "id": id,
            "number": next(numbers),
            "name": call["name"],
            "arn": call.arn(f"/jobtemplates/{id}", ACCOUNT),
            "createdAt": now(),
            "createdBy": CALLER,
            "tags": dict(call["tags"] or {}),
            "jobTemplateData": call["jobTemplateData"],
        }
        return templates[id]

    with CHANGED:
        made = tokens.once(call, make)
    return _brief(made) | {"createdAt": made["createdAt"]}


def describe_job_template(call: Call) -> dict:
    return {"jobTemplate": _template(call["id"])}


def list_job_templates(call: Call) -> dict:
    found = [
        (template["number"], template)
        for template in templates.values()
        if within(template["createdAt"], call["createdAfter"], call["createdBefore"])
    ]
    shown, token = page(found, call["nextToken"], call["maxResults"])
    return {"templates": shown, "nextToken": token}


def delete_job_template(call: Call) -> dict:
    _template(call["id"])
    del templates[call["id"]]
    return {"id": call["id"]}


def _template(id: str) -> dict:
    if id not in templates:
        raise Refusal("ResourceNotFoundException", f"Job template {id} doesn't exist.")
    return templates[id]


def _filled_in(call: Call) -> dict:
    """The request, with what it leaves to its job template."""
    request = {name: value for name, value in call.parameters.items() if value is not None}
    if not call["jobTemplateId"]:
        return request
    data = _template(call["jobTemplateId"])["jobTemplateData"]
    given = call["jobTemplateParameters"] or {}
    known = data.get("parameterConfiguration") or {}
    values = {name: given.get(name, how.get("defaultValue")) for name, how in known.items()}
    if wrong := [name for name in given if name not in known] or [name for name, value in values.items() if value is None]:
        raise Refusal("ValidationException", f"Job template parameters are not as the template wants them: {', '.join(wrong)}")
    made = {name: _put_in(data[name], values) for name in ("executionRoleArn", "releaseLabel", "jobDriver", "configurationOverrides") if name in data}
    return made | request | {"tags": (data.get("jobTags") or {}) | request.get("tags", {})}


def _put_in(value, values: dict[str, str]):
    if isinstance(value, dict):
        return {key: _put_in(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_put_in(inner, values) for inner in value]
    return re.sub(r"\$\{(\w+)\}", lambda found: values.get(found[1], found[0]), value) if isinstance(value, str) else value


# --- job runs ---------------------------------------------------------------------------------------------------------


def start_job_run(call: Call) -> dict:
    def make() -> ContainersRun:
        if cluster["state"] != "RUNNING":
            # The service's own words: https://docs.aws.amazon.com/emr/latest/EMR-on-EKS-DevelopmentGuide/emr-eks-jobs-error.html
            raise Refusal("ValidationException", f"Virtual cluster state {cluster['state']} is not valid to create resource JobRun.")
        run = ContainersRun(call, request)
        runs[run.id] = run
        run.begin()
        return run

    cluster = _cluster(call["virtualClusterId"])
    request = _filled_in(call)
    if missing := [name for name in ("executionRoleArn", "releaseLabel", "jobDriver") if not request.get(name)]:
        raise Refusal("ValidationException", f"{', '.join(missing)} must be given, here or in a job template.")
    if foreign(request["executionRoleArn"]):
        # The service's own words, where the account of the role is another one.
        raise Refusal("AccessDeniedException", f"User: {CALLER} is not authorized to perform: emr-containers:StartJobRun", 403)
    with CHANGED:
        run = tokens.once(call, make, cluster["id"])
    return {"id": run.id, "name": run.request.get("name"), "arn": run.arn, "virtualClusterId": run.cluster}


def describe_job_run(call: Call) -> dict:
    with CHANGED:
        return {"jobRun": _run(call).described()}


def list_job_runs(call: Call) -> dict:
    _cluster(call["virtualClusterId"])
    with CHANGED:
        found = [
            (run.number, run.described())
            for run in runs.values()
            if run.cluster == call["virtualClusterId"]
            and run.visible("list")
            and (not call["states"] or run.state in call["states"])
            and call["name"] in (None, run.request.get("name"))
            and within(run.created, call["createdAfter"], call["createdBefore"])
        ]
    shown, token = page(found, call["nextToken"], call["maxResults"])
    return {"jobRuns": shown, "nextToken": token}


def cancel_job_run(call: Call) -> dict:
    with CHANGED:
        run = _run(call)
        if run.over or run.cancelling:
            raise Refusal("ValidationException", f"Job run {run.id} is not in a cancellable state")
        run.cancel((signal.SIGTERM, GRACE), (signal.SIGKILL, 0))
    return {"id": run.id, "virtualClusterId": run.cluster}


def _run(call: Call) -> ContainersRun:
    run = runs.get(call["id"])
    if not run or run.cluster != call["virtualClusterId"] or not run.visible("describe"):
        raise Refusal("ResourceNotFoundException", f"Job run {call['id']} doesn't exist.")
    return run


def _tags(call: Call) -> dict[str, str]:
    """Of whatever an ARN names."""
    arn = call["resourceArn"]
    for thing in (*clusters.values(), *templates.values()):
        if thing["arn"] == arn:
            return thing["tags"]
    for run in runs.values():
        if run.arn == arn:
            return run.tags
    raise Refusal("ResourceNotFoundException", f"Resource {arn} doesn't exist.")


OPERATIONS = {
    "CreateVirtualCluster": create_virtual_cluster,
    "DescribeVirtualCluster": describe_virtual_cluster,
    "ListVirtualClusters": list_virtual_clusters,
    "DeleteVirtualCluster": delete_virtual_cluster,
    "CreateJobTemplate": create_job_template,
    "DescribeJobTemplate": describe_job_template,
    "ListJobTemplates": list_job_templates,
    "DeleteJobTemplate": delete_job_template,
    "StartJobRun": start_job_run,
    "DescribeJobRun": describe_job_run,
    "ListJobRuns": list_job_runs,
    "CancelJobRun": cancel_job_run,
    **tagging(_tags),
}
