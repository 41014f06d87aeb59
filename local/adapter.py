"""MiniStack, started in process and bent where AWS does otherwise, in what matters to a custom resource and its workflow.

| AWS                                                          | MiniStack left alone                 |
|--------------------------------------------------------------|--------------------------------------|
| invokes the Lambda asynchronously: retries, then on-failure  | calls it once and waits for it       |
| checks the answer, in S3 and then in CloudFormation          | takes anything                       |
| the ResponseURL is a presigned one, with its date            | has no query                         |
| `ServiceToken` also stands at the top of the event           | only within `ResourceProperties`     |
| after a Create that failed, the rollback sends a Delete      | forgets the resource                 |
| starts a running execution once more: it is the same one     | refuses                              |
| an on-failure record names the request; its Lambda has tries | has no id; calls it once             |
| has virtual clusters, Serverless applications, EMR clusters  | does not know the types              |

The last of these is in neighbours.py. What stays otherwise than on AWS, so that the tests send these requests themselves: a
rollback sends no Update to a replaced resource, and only deletes the new one; a resource that a rollback could not delete is
forgotten; and a stack that is deleted while it is being created is gone at once, without a Delete for what is in progress, so
that its job goes on. This hangs on MiniStack's inside, so on its version. `LAMBDA_ASYNC_RETRY_BASE_SECONDS` is the wait before
Lambda's first retry: a minute on AWS, a second here; the second wait is twice that. What was asked and answered is written, a
JSON object a line, to the file that `SPARKJOB_CUSTOM_RESOURCES` names; what functions log, whoever called them, to
`SPARKJOB_LAMBDA_LOG`.
"""

import importlib.metadata
import importlib.util
import json
import os
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlencode

VERSION = "1.5.33"
if importlib.metadata.version("ministack") != VERSION:
    sys.exit(f"adapter.py reaches into the inside of MiniStack {VERSION}, but {importlib.metadata.version('ministack')} is installed")

from ministack import app
from ministack.core.responses import get_account_id, get_region, json_response
from ministack.services import lambda_svc, stepfunctions
from ministack.services.cloudformation import _stacks, custom_resource, handlers, stacks

PATH = "/_ministack/cfn-response/"
LIFETIME = 7200


def main():
    custom_resource.invoke_custom_resource = request
    app._handle_post_body_shortcuts = answer_or(app._handle_post_body_shortcuts)
    stacks._roll_back_operation = handlers._roll_back_operation = deleting_what_failed(stacks._roll_back_operation)
    stepfunctions._start_execution = the_same_or(stepfunctions._start_execution)
    lambda_svc._emit_lambda_logs = writing_too(lambda_svc._emit_lambda_logs)
    lambda_svc._route_async_failure = tell_on_failure(lambda_svc._route_async_failure)
    beside("neighbours").install()
    app.main()


def beside(name):
    """A module of this folder, which is not on the path: its other ones are none of MiniStack's business."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Exchange:
    """A request, and what came back for it."""

    event: dict
    query: dict
    made: float = field(default_factory=time.time)
    puts: int = 0
    body: bytes = b""
    answered: threading.Event = field(default_factory=threading.Event)


exchanges: dict[str, Exchange] = {}


# --- the request ------------------------------------------------------------------------------------------------------


def request(kind, logical_id, properties, stack_name, stack_id, resource_type, physical_id=None, old_props=None):
    """Asks the Lambda behind a custom resource, and waits for the answer: takes the place of MiniStack's own function.

    Runs in a worker thread. Returns the physical id and the attributes; whatever it raises fails the resource.
    """
    function = find(properties["ServiceToken"])
    token, query = uuid.uuid4().hex, presigned_query()
    event = {
        "RequestType": kind,
        "ServiceToken": properties["ServiceToken"],
        "ResponseURL": f"{custom_resource._gateway_url()}{PATH}{token}?{urlencode(query)}",
        "StackId": stack_id,
        "RequestId": str(uuid.uuid4()),
        "LogicalResourceId": logical_id,
        "ResourceType": resource_type,
        "ResourceProperties": custom_resource._normalise_resource_properties(properties),
    }
    if physical_id is not None:
        event["PhysicalResourceId"] = physical_id
    if old_props is not None:
        event["OldResourceProperties"] = custom_resource._normalise_resource_properties(old_props)
    exchange = exchanges[token] = Exchange(event, query)
    note("request", **{name: value for name, value in event.items() if name != "ResponseURL"})
    # Tried up to three times, then told to the on-failure destination, as the function's EventInvokeConfig says.
    lambda_svc.invoke_async_with_retry(function, event)
    answer, fault = outcome(exchange, float(properties.get("ServiceTimeout") or 3600))
    if fault and kind == "Create":
        # Without an id in the answer, CloudFormation makes one up.
        made_up = f"{stack_name}-{logical_id}-{uuid.uuid4().hex[:12].upper()}"
        remember_failed_create(stack_name, event, properties, answer.get("PhysicalResourceId") or made_up)
    if fault:
        raise RuntimeError(fault)
    return answer["PhysicalResourceId"], answer.get("Data") or {}


def presigned_query() -> dict[str, str]:
    """What S3 presigns a ResponseURL with. It signs the host only, so no header but that is bound to it."""
    now = time.gmtime()
    scope = f"{time.strftime('%Y%m%d', now)}/{get_region()}/s3/aws4_request"
    return {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": time.strftime("%Y%m%dT%H%M%SZ", now),
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Expires": str(LIFETIME),
        "X-Amz-Credential": f"AKIALOCALCLOUDFORMAT/{scope}",
        # It begins with what the end-to-end tests look for in all that the functions wrote.
        "X-Amz-Signature": f"hunter2{uuid.uuid4().hex}",
    }


def find(service_token) -> dict:
    """The function behind a ServiceToken, as MiniStack's Lambda runs it."""
    function, config, _ = lambda_svc._get_func_record_for_ref(service_token)
    if function is None or config is None:
        raise ValueError(f"Invalid service token: {service_token} is no function here")
    return lambda_svc._execution_record_for_config(function, config)


def outcome(exchange, seconds) -> tuple[dict, str]:
    """The answer, as far as it can be read, and why the resource fails, if it does."""
    if not exchange.answered.wait(seconds):
        silence = "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId"
        return {}, f"{silence} [{exchange.event['RequestId']}]."
    answer, fault = judge(exchange.event, exchange.body)
    return answer, fault or (answer["Reason"] if answer["Status"] == "FAILED" else "")


def judge(event, body) -> tuple[dict, str]:
    """What CloudFormation finds wrong with an answer that S3 took. Only ids that are valid are handed on."""
    if len(body) > 4096:
        return {}, "Response object is too long."
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return {}, "Invalid response: it must be a JSON object."
    for name in ("RequestId", "StackId", "LogicalResourceId"):
        if answer.get(name) != event[name]:
            return {}, f"Invalid response: {name} must be that of the request."
    physical = answer.get("PhysicalResourceId")
    if not isinstance(physical, str) or not 1 <= len(physical.encode()) <= 1024:
        return {}, "Invalid PhysicalResourceId"
    if answer.get("Status") not in ("SUCCESS", "FAILED"):
        return answer, "Invalid response: Status must be SUCCESS or FAILED."
    if answer["Status"] == "FAILED" and not answer.get("Reason"):
        return answer, "Invalid response: Reason is required when Status is FAILED."
    if not isinstance(answer.get("Data") or {}, dict):
        return answer, "Invalid response: Data must be an object."
    return answer, ""


# --- the answer -------------------------------------------------------------------------------------------------------


def answer_or(other):
    """Takes the PUTs to ResponseURLs, and leaves everything else to `other`."""

    async def handle(method, path, headers, body, query_params, request_id):
        if not path.startswith(PATH):
            return await other(method, path, headers, body, query_params, request_id)
        status, code = store(method, path.removeprefix(PATH), headers, body, query_params)
        error = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'.encode() if code else b""
        return status, {"Content-Type": "application/xml"} if code else {}, error

    return handle


def store(method, token, headers, body, query_params) -> tuple[int, str]:
    """What S3 does with a PUT: it knows nothing of CloudFormation, and looks at the signature and the length only."""
    exchange = exchanges.get(token)
    fault = refusal(exchange, method, headers, query_params)
    event = exchange.event if exchange else {}
    if exchange and not fault:
        exchange.puts += 1
        if not exchange.answered.is_set():
            exchange.body = body
            exchange.answered.set()
    note(
        "answer",
        RequestId=event.get("RequestId"),
        refused=fault[1] if fault else "",
        # CloudFormation reads the first and never looks again.
        nth=exchange.puts if exchange else 0,
        fault=judge(event, body)[1] if exchange and not fault else "",
        body=body.decode(errors="replace"),
    )
    return fault or (200, "")


def refusal(exchange, method, headers, query_params) -> tuple[int, str] | None:
    """The status and the code that S3 would refuse with."""
    query = {name: value[0] if isinstance(value, list) else value for name, value in query_params.items()}
    if not exchange or method != "PUT" or query != exchange.query or headers.get("content-type"):
        # A Content-Type that was not signed is part of the signature all the same.
        return 403, "SignatureDoesNotMatch"
    if time.time() > exchange.made + LIFETIME:
        return 403, "AccessDenied"
    if "chunked" in headers.get("transfer-encoding", ""):
        return 501, "NotImplemented"
    if "content-length" not in headers:
        return 411, "MissingContentLength"
    return None


# --- the rollback -----------------------------------------------------------------------------------------------------


def remember_failed_create(stack_name, event, properties, physical_id):
    """Leaves the resource in its stack, where a rollback, or the stack's own Delete where there is none, finds it."""
    _stacks[stack_name]["_resources"][event["LogicalResourceId"]] = {
        "PhysicalResourceId": physical_id,
        "LogicalResourceId": event["LogicalResourceId"],
        "ResourceType": event["ResourceType"],
        "ResourceStatus": "CREATE_FAILED",
        "Properties": properties,
        "Attributes": {},
        "Timestamp": stacks.now_iso(),
    }


def deleting_what_failed(roll_back):
    """MiniStack's rollback, which then also deletes what failed to be made."""

    async def handle(stack_name, stack_id, stack, operation, *more, **others):
        failed = operation.get("failed_logical_id")
        if stack["_resources"].get(failed, {}).get("ResourceStatus") == "CREATE_FAILED":
            operation["created"].append(failed)
        await roll_back(stack_name, stack_id, stack, operation, *more, **others)

    return handle


# --- the workflow, and what comes after Lambda's tries ------------------------------------------------------------------


def the_same_or(start):
    """Answers for an execution that runs already as it was answered before, where the input is the same.

    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """

    def handle(data):
        machine = data.get("stateMachineArn", "").rsplit(":", 1)[-1]
        arn = f"arn:aws:states:{get_region()}:{get_account_id()}:execution:{machine}:{data.get('name')}"
        execution = stepfunctions._executions.get(arn)
        if execution and execution["status"] == "RUNNING" and execution["input"] == data.get("input", "{}"):
            return json_response({"executionArn": arn, "startDate": execution["startDate"]})
        return start(data)

    return handle


def tell_on_failure(route):
    """Tells a Lambda what Lambda gave up, as an event like any other: with its own tries. All else is left to `route`.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """

    def handle(target, function_name, event, result):
        function, config, _ = lambda_svc._get_func_record_for_ref(target)
        if function is None or config is None:
            return route(target, function_name, event, result)
        sender = lambda_svc._functions[function_name]["config"]["FunctionArn"]
        record = {
            "version": "1.0",
            "timestamp": datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": f"{sender}:$LATEST",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": event,
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "responsePayload": result.get("body"),
        }
        lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(function, config), record)

    return handle


def writing_too(emit):
    """MiniStack's own log shows what a function logs only where somebody invoked it, not where a workflow did."""

    def handle(function, request_id, text, *more, **others):
        with open(os.environ["SPARKJOB_LAMBDA_LOG"], "a") as file:
            file.write(text and text.rstrip("\n") + "\n")
        return emit(function, request_id, text, *more, **others)

    return handle


def note(kind, **what):
    """A line for those who want to see what went to and fro."""
    line = json.dumps({"kind": kind, "at": time.time(), **what})
    with open(os.environ["SPARKJOB_CUSTOM_RESOURCES"], "a") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    main()
