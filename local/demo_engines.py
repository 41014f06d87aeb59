"""The engines that the demo can run on, each as a person would see it: where its jobs are, what they are, what they say."""

import json
import os
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

# The local EMR's own label; no other Spark runs there.
RELEASE = "emr-7.9.0-latest"

# Where it would be on AWS.
REGION, ACCOUNT = "eu-west-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/spark-jobs"

# Where the jobs lie for an engine of EMR, in the local S3.
BUCKET = "spark-jobs"


@dataclass
class Job:
    """A job as its engine shows it."""

    name: str
    state: str
    alive: bool


class Engine:
    """One engine. A subclass says how it is asked, and what a template says of it."""

    # What people call it, who tells what happens to a job, and what a job is called there.
    title = source = noun = ""
    # What it says of a job that is over: of one that ended well, one that failed, one that was stopped.
    succeeded, failed, stopped = "COMPLETED", "FAILED", ("CANCELLED",)
    # What becomes of jobs that are over.
    keeps = "It goes on listing what has ended; none of it runs."
    # What it says of a Python program that raised a ValueError.
    explains = "ValueError: the input"
    # The target properties in this engine's own words, on AWS; each is a parameter of its template.
    on_aws: dict[str, str]
    # What keeps the submitter from the engine on AWS, the parameters of its template that change that, and what to know of them.
    barred = notice = ""
    parameters: dict[str, str]
    # A parameter that cannot be right.
    wrong: dict[str, str]

    def target(self) -> dict[str, str]:
        """The parameters that lead a template here."""
        raise NotImplementedError

    def prepare(self) -> str:
        """Makes it fit for several jobs at once; returns what a person would type for that on AWS, if there is something to do."""
        return ""

    def jobs(self) -> dict[str, Job]:
        """All that the engine knows of, by their ids, the oldest first."""
        raise NotImplementedError

    def log(self, id: str) -> list[str]:
        """What a job said up to now, what went to stderr behind the rest."""
        raise NotImplementedError

    def place(self, file: Path) -> str:
        """Makes a file reachable for jobs, and returns what a template calls it."""
        raise NotImplementedError

    def job(self, name: str, state: str) -> Job:
        return Job(name, state, state not in (self.succeeded, self.failed, *self.stopped))

    @staticmethod
    def id(reference: str) -> str:
        """The id of a job in the text by which CloudFormation knows it."""
        return re.search(r"/(?:batches|jobruns|steps)/([^#]+)", reference)[1]


class Livy(Engine):
    title, source, noun = "Livy", "livy", "batch"
    succeeded, failed, stopped = "success", "dead", ("killed",)
    keeps = "It keeps what has ended for ten minutes, for its log; none of it runs."
    # What Livy's address looks like where a person has an EMR cluster.
    on_aws = {"LivyHost": "ip-10-0-0-17.ec2.internal", "LivyUrl": "http://ip-10-0-0-17.ec2.internal:8998"}
    barred = "it listens inside its cluster's VPC, and the submitter is there only if its parameters say so"
    parameters = {"SubnetIds": "subnet-0b1c2d3e4f5a69788", "SecurityGroupIds": "sg-0a9b8c7d6e5f41302"}
    notice = "The security group of the primary node must let this one in on Livy's port, 8998."
    wrong = {"LivyPort": "99999"}

    def target(self) -> dict[str, str]:
        host, _, port = self._url.removeprefix("http://").partition(":")
        return {"LivyHost": host, "LivyPort": port, "LivyUrl": self._url}

    def jobs(self) -> dict[str, Job]:
        batches = self._ask("/batches?from=0&size=1000")["sessions"]
        return {str(batch["id"]): self.job(batch["name"], batch["state"]) for batch in batches}

    def log(self, id: str) -> list[str]:
        """The last lines; none, where the batch was deleted a moment ago."""
        try:
            return self._ask(f"/batches/{id}/log?size=1000")["log"]
        except urllib.error.HTTPError:
            return []

    def place(self, file: Path) -> str:
        # It may read this repository: see services.py.
        return str(file)

    @property
    def _url(self) -> str:
        return os.environ["LIVY_URL"]

    def _ask(self, path: str) -> dict:
        with urllib.request.urlopen(self._url + path, timeout=30) as answer:
            return json.load(answer)


class Emr(Engine):
    """What the three of EMR have in common: files come from S3, and each run has a folder here with what it says."""

    source = "emr"
    barred = "it is off until the submitter's parameters say where its jobs may run"
    notice = "Jobs may run as these roles and as no others."
    # Which API it is, and what `local.py env` calls the one that is ready.
    api = ""
    neighbour = ("", "")

    def __init__(self, runs: Path):
        self._runs = runs

    def target(self) -> dict[str, str]:
        property, variable = self.neighbour
        others = {"ExecutionRoleArn": os.environ["SPARKJOB_EXECUTION_ROLE_ARN"], "ReleaseLabel": RELEASE}
        return {name: value for name, value in others.items() if name in self.on_aws} | {property: os.environ[variable]}

    def log(self, id: str) -> list[str]:
        # S3 has it only when the job is over, and where a template says so.
        files = sorted((self._runs / id).glob("std*-*"), reverse=True)
        return [line for file in files for line in file.read_text(errors="replace").splitlines()]

    def place(self, file: Path) -> str:
        s3 = self.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.upload_file(str(file), BUCKET, file.name)
        return f"s3://{BUCKET}/{file.name}"

    def client(self, api: str = ""):
        # Only here: it is there when the local default is installed.
        import boto3

        return boto3.client(api or self.api)

    def listed(self, operation: str, **request) -> list[dict]:
        """All pages of a list."""
        pages = self.client().get_paginator(operation).paginate(**request)
        return [item for page in pages for item in next(items for items in page.values() if isinstance(items, list))]


class EmrOnEks(Emr):
    title, noun = "EMR on EKS", "run"
    api, neighbour = "emr-containers", ("VirtualClusterId", "SPARKJOB_VIRTUAL_CLUSTER_ID")
    on_aws = {
        "VirtualClusterId": "7rq2v0d5xk3mzt81hwa6bcy4e",
        "ExecutionRoleArn": ROLE,
        "ReleaseLabel": RELEASE,
    }
    parameters = {
        "VirtualClusterArns": f"arn:aws:emr-containers:{REGION}:{ACCOUNT}:/virtualclusters/{on_aws['VirtualClusterId']}",
        "EmrOnEksExecutionRoleArns": ROLE,
    }
    wrong = {"ExecutionRoleArn": "spark-jobs"}
    # The exception itself is in the driver's log alone, and the reason tells how to keep that.
    explains = "S3MonitoringConfiguration"

    def jobs(self) -> dict[str, Job]:
        listed = self.listed("list_job_runs", virtualClusterId=self.target()["VirtualClusterId"])
        return {run["id"]: self.job(run["name"], run["state"]) for run in reversed(listed)}


class EmrServerless(Emr):
    title, noun = "EMR Serverless", "run"
    succeeded = "SUCCESS"
    api, neighbour = "emr-serverless", ("ApplicationId", "SPARKJOB_APPLICATION_ID")
    on_aws = {"ApplicationId": "00frq3d7m2v9k80l", "ExecutionRoleArn": ROLE}
    parameters = {
        "ApplicationArns": f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/{on_aws['ApplicationId']}",
        "EmrServerlessExecutionRoleArns": ROLE,
    }
    wrong = {"ExecutionRoleArn": "spark-jobs"}

    def jobs(self) -> dict[str, Job]:
        listed = self.listed("list_job_runs", applicationId=self.target()["ApplicationId"])
        return {run["id"]: self.job(run["name"], run["state"]) for run in reversed(listed)}


class EmrSteps(Emr):
    title, noun = "EMR steps", "step"
    stopped = ("CANCELLED", "INTERRUPTED")
    api, neighbour = "emr", ("ClusterId", "SPARKJOB_CLUSTER_ID")
    on_aws = {"ClusterId": "j-2QX7T5B9KD4EM"}
    parameters = {"ClusterArns": f"arn:aws:elasticmapreduce:{REGION}:{ACCOUNT}:cluster/{on_aws['ClusterId']}"}
    notice = "Jobs run as the cluster's instances do; EmrStepsExecutionRoleArns beside it would name runtime roles."
    wrong = {"ClusterId": "spark-jobs"}

    def prepare(self) -> str:
        # Else a step waits for the one before it, and behind a stream for ever.
        self.client().modify_cluster(ClusterId=self.target()["ClusterId"], StepConcurrencyLevel=4)
        return f"aws emr modify-cluster --cluster-id {self.on_aws['ClusterId']} --step-concurrency-level 4"

    def jobs(self) -> dict[str, Job]:
        listed = self.listed("list_steps", ClusterId=self.target()["ClusterId"])
        return {step["Id"]: self.job(step["Name"], step["Status"]["State"]) for step in reversed(listed)}


def engine(name: str, runs: Path) -> Engine:
    """The engine of a name; the local EMR keeps its runs in the folder."""
    kind = ENGINES[name]
    return kind(runs) if issubclass(kind, Emr) else kind()


# As `Fn::GetAtt` of `Engine` names them.
ENGINES = {"livy": Livy, "emr-on-eks": EmrOnEks, "emr-serverless": EmrServerless, "emr-steps": EmrSteps}
