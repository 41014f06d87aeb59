"""The Lambda of test_local.py: does to CloudFormation whatever its resource's `Does` says."""

import json
import os
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit


def handler(event, context):
    """Behind the custom resource."""
    does = event["ResourceProperties"]["Does"]
    if event["RequestType"] == "Delete":
        return put(event)
    if does == "succeed":
        return put(event, Data=parse_qs(urlsplit(event["ResponseURL"]).query))
    if does == "crash":
        os._exit(1)
    if does == "fail":
        return put(event, Status="FAILED", Reason="said so", PhysicalResourceId="half-made")
    if does == "answer twice":
        put(event)
        return put(event, Status="FAILED", Reason="too late")
    if does == "send a Content-Type":
        return put(event, type="application/json")
    if does == "send no JSON":
        return send(event, b"<html>")
    return put(event, **json.loads(does))


def on_failure(record, context):
    """Behind the function's on-failure destination."""
    told = record["requestContext"] | {"at": record["timestamp"]}
    return put(record["requestPayload"], Status="FAILED", Reason=record["responsePayload"]["errorMessage"], Data=told)


def put(event, type="", **fields):
    answer = {name: event[name] for name in ("RequestId", "StackId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": event.get("PhysicalResourceId", "made"), **fields}
    return send(event, json.dumps(answer).encode(), type)


def send(event, body, type=""):
    request = urllib.request.Request(event["ResponseURL"], body, {"Content-Type": type}, method="PUT")
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as fault:
        return fault.code
