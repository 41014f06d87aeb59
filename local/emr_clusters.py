"""EMR clusters: moto's, which come up, run the steps of emr_steps.py, and end.

This hangs on moto's inside, so on its version.
"""

import importlib.metadata
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from botocore import xform_name
from moto.core.parse import XFormedDict
from moto.core.serialize import XFormedAttributePicker
from moto.emr import models
from moto.emr.responses import ElasticMapReduceResponse

import emr_livy
import emr_runs
import emr_settings
from emr_pages import numbers, page
from emr_runs import CHANGED, now
from emr_settings import ACCOUNT, settings
from emr_wire import Call, Refusal

VERSION = "5.2.5"
if importlib.metadata.version("moto") != VERSION:
    sys.exit(f"emr_clusters.py reaches into the inside of moto {VERSION}, but {importlib.metadata.version('moto')} is installed")

# The states in which steps start, and those in which they can be added.
READY = ("RUNNING", "WAITING")
OPEN = ("STARTING", "BOOTSTRAPPING", *READY)

# How moto's serializer finds the members of moto's objects.
PICKER = XFormedAttributePicker(response_transformers=ElasticMapReduceResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER)

# Where emr_livy.py is the Livy of each cluster.
models.Cluster.master_public_dns_name = emr_livy.address(int(os.environ["SPARKJOB_EMR_PORT"]))
_status = models.Cluster.status.fget
models.Cluster.status = property(
    lambda cluster: _status(cluster) | {"StateChangeReason": getattr(cluster, "state_change_reason", {})}
)


class Cluster:
    """One of moto's clusters, and what it needs to live."""

    def __init__(self, made: models.Cluster, parameters: dict):
        self.moto, self.id, self.number = made, made.id, next(numbers)
        self.steps: list = []
        self.yarn = _yarn(made.id)
        uri = (parameters.get("LogUri") or "").rstrip("/")
        self.log_uri = f"{uri}/{made.id}" if uri else ""
        self.spark_defaults = {}
        for configuration in parameters.get("Configurations") or []:
            if configuration.get("Classification") == "spark-defaults":
                self.spark_defaults |= configuration.get("Properties") or {}

    @property
    def state(self) -> str:
        return self.moto.state

    @state.setter
    def state(self, state: str) -> None:
        self.moto.state = state
        CHANGED.notify_all()

    @property
    def level(self) -> int:
        return self.moto.step_concurrency_level

    @property
    def open(self) -> bool:
        return self.state in OPEN


clusters: dict[str, Cluster] = {}


def start(call: Call, id: str = "") -> Cluster:
    """Has moto make a cluster, which comes up soon. The call must hold no steps: moto's own do not run."""
    known = models.emr_backends[ACCOUNT][call.region].clusters
    made = known[moto(call)["JobFlowId"]]
    if id:
        known[id] = known.pop(made.id)
        made.id = id
    cluster = clusters[made.id] = Cluster(made, call.parameters)
    made.state, made.ready_datetime, made.end_datetime = "STARTING", None, None
    # Else an empty one is told, which no client can have asked for.
    made.kerberos_attributes = made.kerberos_attributes or None
    threading.Thread(target=_come_up, args=(cluster,), daemon=True).start()
    return cluster


def _come_up(cluster: Cluster) -> None:
    for state in ("BOOTSTRAPPING", "WAITING"):
        time.sleep(settings.pace)
        with CHANGED:
            if not cluster.open:
                return
            cluster.state = state
    cluster.moto.ready_datetime = now()
    settle(cluster)


def settle(cluster: Cluster) -> None:
    """Brings the cluster's state into line with its steps; one that need not be kept ends after the last of them."""
    with CHANGED:
        left = [step for step in cluster.steps if not step.over]
        if cluster.state in READY:
            state = "RUNNING" if left else "WAITING"
            if state != cluster.state:
                cluster.state = state
            if not left and cluster.moto.auto_terminate:
                terminate(cluster, "ALL_STEPS_COMPLETED", "Steps completed")


def terminate_job_flows(call: Call) -> dict:
    found = [flow(id) for id in call["JobFlowIds"]]
    if any(cluster.moto.termination_protected for cluster in found):
        # The service's own words.
        what = "Could not shut down one or more job flows since they are termination protected."
        raise Refusal("ValidationException", what)
    for cluster in found:
        terminate(cluster, "USER_REQUEST", "Terminated by user request")
    return {}


def terminate(cluster: Cluster, code: str, message: str) -> None:
    """Ends the cluster with all that runs on it, in the background."""
    with CHANGED:
        if cluster.open:
            cluster.state = "TERMINATING"
            cluster.moto.state_change_reason = {"Code": code, "Message": message}
            threading.Thread(target=_end, args=(cluster,), daemon=True).start()


def _end(cluster: Cluster) -> None:
    with CHANGED:
        for step in cluster.steps:
            if step.placed:
                step.interrupted = True
                step.cancel((signal.SIGKILL, 0))
            else:
                step.withdraw()
        CHANGED.wait_for(lambda: all(step.over for step in cluster.steps))
    # After the steps, which would start more of them.
    emr_runs.stop(cluster.yarn)
    with CHANGED:
        cluster.state, cluster.moto.end_datetime = "TERMINATED", now()


def list_clusters(call: Call) -> dict:
    found = [(clusters[found.id].number, found) for found in moto(call)["Clusters"]]
    shown, marker = page(found, call["Marker"])
    return {"Clusters": shown, "Marker": marker}


def moto(call: Call) -> object:
    """What moto's own response class makes of a call."""
    response = ElasticMapReduceResponse()
    act = getattr(response, xform_name(call.operation), None)
    if not act:
        raise Refusal("UnknownOperationException", f"The local EMR has no {call.operation}", 404)
    for name in ("ClusterId", "ResourceId"):
        if call[name]:
            cluster(call[name])
    for id in [call["JobFlowId"], *(call["JobFlowIds"] or [])]:
        if id:
            flow(id)
    response.current_account, response.region, response.uri_match = ACCOUNT, call.region, {}
    response.params = _as_moto_reads(call.parameters)
    return act().result


def cluster(id: str) -> Cluster:
    if id not in clusters:
        # The service's own words.
        raise Refusal("InvalidRequestException", f"Cluster id '{id}' is not valid.")
    return clusters[id]


def flow(id: str) -> Cluster:
    """A cluster, for the operations that still call it a job flow, and say something else of one that is unknown."""
    if id not in clusters:
        raise Refusal("ValidationException", "Specified job flow ID not valid.")
    return clusters[id]


def _as_moto_reads(value):
    if isinstance(value, dict):
        return XFormedDict({key: _as_moto_reads(inner) for key, inner in value.items()})
    return [_as_moto_reads(inner) for inner in value] if isinstance(value, list) else value


def _yarn(id: str) -> Path:
    """Where the applications of a cluster's YARN lie, with the time of its start, which is part of their ids."""
    folder = emr_settings.folder() / "clusters" / id / "yarn"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "started").write_text(str(int(time.time() * 1000)))
    return folder


OPERATIONS = {
    "TerminateJobFlows": terminate_job_flows,
    "ListClusters": list_clusters,
}
