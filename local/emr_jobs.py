"""What EMR on EKS and EMR Serverless have in common: job runs with tokens, tags and a Spark driver of their own."""

import json
import shlex

import emr_settings
from emr_runs import Run, log_uri, spark_defaults
from emr_settings import ACCOUNT
from emr_wire import Call, Refusal

# Whoever asks is taken for the root user, as MiniStack takes its own keys.
CALLER = f"arn:aws:iam::{ACCOUNT}:root"


class JobRun(Run):
    """A job run, with the request that started it."""

    # How the service calls the Spark properties that set the driver's environment.
    DRIVER_ENVIRONMENT: str

    def __init__(self, call: Call, id: str, request: dict):
        super().__init__(id, **call.fate)
        self.call, self.request = call, request
        self.tags = dict(request.get("tags") or {})
        self.region = call.region

    def environment(self) -> dict[str, str]:
        return {
            "SPARKJOB_DEFAULTS": json.dumps(spark_defaults(self.request.get("configurationOverrides"))),
            "SPARKJOB_DRIVER_ENV": self.DRIVER_ENVIRONMENT,
        }

    def log_uri(self) -> str:
        return log_uri(self.request.get("configurationOverrides"))

    def spark_submit(self, driver: dict) -> list[str]:
        parameters = split(driver.get("sparkSubmitParameters") or "")
        arguments = driver.get("entryPointArguments") or []
        return [str(emr_settings.programs() / "spark-submit"), *parameters, driver["entryPoint"], *arguments]


class Tokens:
    """Which client token made what: the same token makes nothing new."""

    def __init__(self):
        self._made: dict[tuple, object] = {}

    def once(self, call: Call, make, *scope: str):
        """What the token made before, or what `make` makes now. The caller holds the lock."""
        key = (call.region, call.operation, *scope, call["clientToken"])
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]


def split(parameters: str) -> list[str]:
    """The words of `sparkSubmitParameters`, as a POSIX shell finds them: AWS publishes no rule, and its examples are shell words."""
    try:
        return shlex.split(parameters)
    except ValueError as fault:
        raise ValueError(f"sparkSubmitParameters cannot be split into words: {fault}") from None


def within(moment, after, before) -> bool:
    """Whether a time lies between two others, each of which may be left open."""
    return (after is None or moment >= after) and (before is None or moment <= before)


def tagging(find) -> dict:
    """The three operations on tags; `find` tells the tags behind an ARN."""

    def change(call: Call) -> dict:
        tags = find(call)
        if len(tags | call["tags"]) > (50 if call.service == "emr-containers" else 200):
            raise Refusal("ValidationException", "The number of tags exceeds the limit")
        tags.update(call["tags"])
        return {}

    def remove(call: Call) -> dict:
        tags = find(call)
        for key in call["tagKeys"]:
            tags.pop(key, None)
        return {}

    return {"TagResource": change, "UntagResource": remove, "ListTagsForResource": lambda call: {"tags": find(call)}}
