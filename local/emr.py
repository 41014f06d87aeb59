"""The local EMR: emr-containers, emr-serverless and emr over HTTP on one loopback port, with jobs that really run.

Every job run, and every step of command-runner.jar, is a process on this machine: its state moves with the process, a cancel ends it.
Which API a request is for stands in its signature. AWS's own words are used wherever they are published.

An execution role whose name contains `untrusted` is one that the service may not assume; every other one of this account is fine.

Beside the three APIs, for tests and for those who want to see more (JSON in and out):

    GET    /_local/health     {"status": "ok"}
    GET    /_local/calls      every call since the start: at, service, operation, action, resource, accessKey, agent, passes (the execution
                              role), status, code (of an error), fault (those that it met)
    DELETE /_local/calls      forgets them
    POST   /_local/settings   {"page": 50, "pace": 0.3}: the most that a page of a list holds; seconds per state before RUNNING
    POST   /_local/faults     one fault, or a list of them; each is for the next calls of an operation
    GET    /_local/faults     those that still wait
    DELETE /_local/faults     heals all; ?access_key=KEY: those that are meant for this caller; ?resource=ID: for this resource

A fault is {"fault": KIND, "operation": "StartJobRun" or "emr-serverless:StartJobRun" or "*" (the default), "times": 1 (the default; null:
until healed), "resource": "j-1ABC" (a part of the ARN that a call is about; the default: any), "access_key": the one caller whom
it is meant for (the default: whoever calls)}, and by its kind:

    throttle    ThrottlingException, "Rate exceeded"
    error       500, or "status"; "code" and "message" replace what is said. "when": "before" (the default) or "after" it took effect
    drop        the connection is closed without an answer, "when" as above
    delay       the answer takes "seconds" longer
    gather      the calls, of which there are "times", wait for each other, for "seconds" at most: all at the same moment
    deny        AccessDeniedException, with "principal" as the user
    hide        what is started is missing from "hidden_from" (["list", "describe"]) for "seconds": eventual consistency
    hold        what is started stays PENDING (EKS, steps) or QUEUED (Serverless) for "seconds": no capacity
"""

import json
import os
import shlex
import signal
import socket
import sys
import threading
import time
import traceback
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from moto.core.exceptions import ServiceException

import emr_clusters
import emr_containers
import emr_livy
import emr_runs
import emr_serverless
import emr_settings
import emr_steps
import emr_wire
import paths
from emr_faults import Fault, Faults
from emr_settings import ACCOUNT, settings
from emr_wire import Call, Refusal, Request

OPERATIONS = {
    "emr-containers": emr_containers.OPERATIONS,
    "emr-serverless": emr_serverless.OPERATIONS,
    "elasticmapreduce": emr_clusters.OPERATIONS | emr_steps.OPERATIONS,
}

# Of what is there from the start; no other Spark runs here, whatever the label.
RELEASE = "emr-7.9.0"

faults = Faults()
calls: list[dict] = []


def main() -> None:
    # Set, not ignored as in a background job of a shell, so that the processes started here hear it.
    over = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: over.set())
    _write_programs()
    _make_neighbours()
    port = int(os.environ["SPARKJOB_EMR_PORT"])
    emr_livy.serve(port, int(os.environ["SPARKJOB_LIVY_PORT"]))
    server = Server(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    over.wait()
    server.server_close()
    emr_runs.stop(emr_settings.folder())
    # Not by the end of main: there may be threads that wait for processes.
    os._exit(0)


def _write_programs() -> None:
    """The programs that runs find on their PATH."""
    emr_settings.programs().mkdir(parents=True, exist_ok=True)
    for name, source, *arguments in (
        ("spark-submit", "emr_submit.py", "spark-submit"),
        ("spark-sql", "emr_submit.py", "spark-sql"),
        ("yarn", "emr_yarn.py"),
    ):
        program = emr_settings.programs() / name
        command = shlex.join([sys.executable, "-B", str(paths.SOURCE / source), *arguments])
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)


def _make_neighbours() -> None:
    """One virtual cluster, one application and one cluster to begin with, under ids that are known before the start."""
    made = json.loads(os.environ["SPARKJOB_EMR_MADE"])
    provider = {"id": "local", "type": "EKS", "info": {"eksInfo": {"namespace": "local"}}}
    cluster = {"name": "local", "containerProvider": provider}
    emr_containers.new_cluster(emr_wire.call("emr-containers", "CreateVirtualCluster", cluster), made["virtualCluster"])
    application = {"name": "local", "type": "SPARK", "releaseLabel": RELEASE}
    emr_serverless.new_application(emr_wire.call("emr-serverless", "CreateApplication", application), made["application"])
    programs = [{"Name": "Spark"}, {"Name": "Livy"}]
    flow = {"Name": "local", "ReleaseLabel": RELEASE, "Instances": {"KeepJobFlowAliveWhenNoSteps": True}, "Applications": programs}
    emr_clusters.start(emr_wire.call("elasticmapreduce", "RunJobFlow", flow), made["cluster"])


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Many jobs of one stack ask at once.
    request_queue_size = 128


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(self.command, self.path, self.headers, body)
        reply = control(request) if request.path.startswith("/_local/") else serve(request)
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status, headers, content = reply
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def log_message(self, form: str, *arguments) -> None:
        """Nothing: `calls` tells more."""


Reply = tuple[int, dict[str, str], bytes]


class Dropped(Exception):
    """The connection is to be closed without an answer."""


def serve(request: Request) -> Reply | None:
    """The answer to a call of one of the APIs; none where the connection is to be dropped."""
    try:
        call = emr_wire.understand(request)
    except Refusal as refusal:
        return emr_wire.refuse(emr_wire.service(request), refusal)
    struck = faults.strike(call, resource(call))
    noted = _note(call, request, struck)
    try:
        reply = _act(call, struck, noted["resource"])
    except Dropped:
        return None
    except Refusal as refusal:
        noted["code"] = refusal.code
        reply = emr_wire.refuse(call.service, refusal)
    except Exception as fault:
        traceback.print_exc()
        noted["code"] = "InternalServerException"
        reply = emr_wire.refuse(call.service, Refusal("InternalServerException", f"The local EMR failed: {fault!r}", 500))
    noted["status"] = reply[0]
    return reply


def _act(call: Call, struck: list[Fault], resource: str) -> Reply:
    for fault in struck:
        if fault.fault == "delay":
            time.sleep(fault.seconds)
        if fault.fault == "gather":
            faults.gather(fault)
        if fault.fault == "hide":
            call.fate |= {"hidden": fault.seconds, "hidden_from": tuple(fault.hidden_from)}
        if fault.fault == "hold":
            call.fate |= {"held": fault.seconds}
    _meet(call, struck, resource, "before")
    emr_wire.check(call)
    reply = emr_wire.answer(call, _operate(call), emr_clusters.PICKER if call.service == "elasticmapreduce" else None)
    _meet(call, struck, resource, "after")
    return reply


def _meet(call: Call, struck: list[Fault], resource: str, when: str) -> None:
    for fault in struck:
        if fault.when == when and fault.fault == "drop":
            raise Dropped
        if fault.when == when and fault.fault in ("throttle", "error", "deny"):
            raise fault.refusal(call, resource)


def _operate(call: Call):
    operate = OPERATIONS[call.service].get(call.operation)
    if operate:
        return operate(call)
    if call.service != "elasticmapreduce":
        raise Refusal("UnknownOperationException", f"The local EMR has no {call.operation}", 404)
    try:
        return emr_clusters.moto(call)
    except ServiceException as refusal:
        raise Refusal(refusal.code, refusal.message) from None


def _note(call: Call, request: Request, struck: list[Fault]) -> dict:
    noted = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "service": call.service,
        "operation": call.operation,
        "action": f"{call.service}:{call.operation}",
        "resource": resource(call),
        "accessKey": call.access_key,
        "agent": request.headers.get("User-Agent", ""),
        "passes": call["executionRoleArn"] or call["ExecutionRoleArn"] or "",
        "status": 0,
        "code": "",
        "fault": [fault.fault for fault in struck],
    }
    calls.append(noted)
    return noted


def resource(call: Call) -> str:
    """What IAM takes for the resource of a call."""
    if call.service == "elasticmapreduce":
        id = call["ClusterId"] or call["JobFlowId"] or call["ResourceId"] or next(iter(call["JobFlowIds"] or []), "")
        return call.arn(f"cluster/{id}", ACCOUNT) if id else "*"
    if call["resourceArn"]:
        return call["resourceArn"]
    # /virtualclusters/ID/jobruns is about the virtual cluster, /virtualclusters/ID/jobruns/ID about the job run.
    parts = call.path.strip("/").split("/")
    whole = parts[: len(parts) // 2 * 2]
    return call.arn("/" + "/".join(whole), ACCOUNT) if whole else "*"


def control(request: Request) -> Reply:
    """What is asked of the local EMR itself."""
    try:
        match request.method, request.path.removeprefix("/_local/"):
            case "GET", "health":
                said = {"status": "ok"}
            case "GET", "calls":
                said = list(calls)
            case "DELETE", "calls":
                calls.clear()
                said = {}
            case "POST", "settings":
                for name, value in json.loads(request.body).items():
                    setattr(settings, name, type(getattr(settings, name))(value))
                said = vars(settings)
            case "POST", "faults":
                given = json.loads(request.body)
                for fault in given if isinstance(given, list) else [given]:
                    faults.add(Fault(**fault))
                said = faults.waiting()
            case "GET", "faults":
                said = faults.waiting()
            case "DELETE", "faults":
                given = dict(parse_qsl(urlsplit(request.target).query))
                faults.heal({name: given[name] for name in ("access_key", "resource") if name in given})
                said = []
            case _:
                return _json(404, {"message": f"no {request.method} {request.path} here"})
    except (ValueError, TypeError, AttributeError) as fault:
        return _json(400, {"message": str(fault)})
    return _json(200, said)


def _json(status: int, value) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


if __name__ == "__main__":
    main()
