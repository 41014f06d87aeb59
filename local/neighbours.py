"""What jobs run on, as resources of a stack: MiniStack's CloudFormation makes them on the local EMR, over HTTP.

`Ref`, `Fn::GetAtt` and the properties whose change replaces the resource are those of AWS's published resource schemas, as cfn-lint has
them. This hangs on MiniStack's inside; adapter.py says of which version.
"""

import time

import boto3
from ministack.core.responses import get_region
from ministack.services.cloudformation import provisioners, stacks

PATIENCE = 120

VIRTUAL_CLUSTER, APPLICATION, CLUSTER = "AWS::EMRContainers::VirtualCluster", "AWS::EMRServerless::Application", "AWS::EMR::Cluster"

# The properties whose change makes a new resource.
REPLACING = {
    VIRTUAL_CLUSTER: ("ContainerProvider", "Name", "SecurityConfigurationId", "SessionEnabled"),
    APPLICATION: ("Name", "Type"),
    CLUSTER: (
        "AdditionalInfo", "Applications", "AutoScalingRole", "BootstrapActions", "Configurations", "CustomAmiId", "EbsRootVolumeIops",
        "EbsRootVolumeSize", "EbsRootVolumeThroughput", "JobFlowRole", "KerberosAttributes", "LogEncryptionKmsKeyId", "LogUri", "Name",
        "OSReleaseLabel", "PlacementGroupConfigs", "ReleaseLabel", "ScaleDownBehavior", "SecurityConfiguration", "ServiceRole", "Steps",
    ),
}

# Where a template calls something else than the API does.
RENAMED = {"ConfigurationProperties": "Properties", "StepProperties": "Properties"}


def install() -> None:
    """Teaches MiniStack's CloudFormation these types. They wait, so they are made on a thread of their own."""
    provisioners._RESOURCE_HANDLERS.update({
        VIRTUAL_CLUSTER: {"create": create_virtual_cluster, "update": update_virtual_cluster, "delete": delete_virtual_cluster},
        APPLICATION: {"create": create_application, "update": update_application, "delete": delete_application},
        CLUSTER: {"create": create_cluster, "update": update_cluster, "delete": delete_cluster},
    })
    provisioners._REPLACING_PROPERTIES.update(REPLACING)
    waits = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind in REPLACING or waits(kind)


# --- AWS::EMRContainers::VirtualCluster -------------------------------------------------------------------------------


def create_virtual_cluster(logical_id, properties, stack_name):
    containers = _client("emr-containers")
    made = containers.create_virtual_cluster(**_request(containers, "CreateVirtualCluster", properties))
    return made["id"], {"Id": made["id"], "Arn": made["arn"]}


def update_virtual_cluster(id, old, new, stack_name):
    """Only its tags can change."""
    containers = _client("emr-containers")
    arn = containers.describe_virtual_cluster(id=id)["virtualCluster"]["arn"]
    _tag(containers, arn, old, new)
    return id, {"Id": id, "Arn": arn}


def delete_virtual_cluster(id, properties):
    containers = _client("emr-containers")
    try:
        containers.delete_virtual_cluster(id=id)
    except containers.exceptions.ResourceNotFoundException:
        return
    _until(lambda: containers.describe_virtual_cluster(id=id)["virtualCluster"]["state"] == "TERMINATED")


# --- AWS::EMRServerless::Application ----------------------------------------------------------------------------------


def create_application(logical_id, properties, stack_name):
    serverless = _client("emr-serverless")
    made = serverless.create_application(**_request(serverless, "CreateApplication", properties))
    _until(lambda: _application(serverless, made["applicationId"])["state"] != "CREATING")
    return made["applicationId"], {"ApplicationId": made["applicationId"], "Arn": made["arn"]}


def update_application(id, old, new, stack_name):
    """Its settings can change only while it is stopped, so it is stopped first, as CloudFormation does."""
    serverless = _client("emr-serverless")
    _stop(serverless, id)
    request = _request(serverless, "UpdateApplication", new)
    arn = serverless.update_application(applicationId=id, **request)["application"]["arn"]
    _tag(serverless, arn, old, new)
    return id, {"ApplicationId": id, "Arn": arn}


def delete_application(id, properties):
    serverless = _client("emr-serverless")
    try:
        _stop(serverless, id)
    except serverless.exceptions.ResourceNotFoundException:
        return
    if _application(serverless, id)["state"] != "TERMINATED":
        serverless.delete_application(applicationId=id)


def _stop(serverless, id: str) -> None:
    _until(lambda: _application(serverless, id)["state"] not in ("CREATING", "STARTING", "STOPPING"))
    if _application(serverless, id)["state"] == "STARTED":
        serverless.stop_application(applicationId=id)
        _until(lambda: _application(serverless, id)["state"] == "STOPPED")


def _application(serverless, id: str) -> dict:
    return serverless.get_application(applicationId=id)["application"]


# --- AWS::EMR::Cluster ------------------------------------------------------------------------------------------------


def create_cluster(logical_id, properties, stack_name):
    emr = _client("emr")
    id = emr.run_job_flow(**_request(emr, "RunJobFlow", properties | {"Instances": _instances(properties["Instances"])}))["JobFlowId"]
    _until(lambda: _cluster(emr, id)["Status"]["State"] not in ("STARTING", "BOOTSTRAPPING"))
    cluster = _cluster(emr, id)
    if cluster["Status"]["State"].startswith("TERMINAT") and properties.get("Steps"):
        raise RuntimeError(f"The cluster {id} ended: {cluster['Status']['StateChangeReason'].get('Message')}")
    return id, {"Id": id, "MasterPublicDNS": cluster["MasterPublicDnsName"]}


def update_cluster(id, old, new, stack_name):
    emr = _client("emr")
    if new.get("StepConcurrencyLevel"):
        emr.modify_cluster(ClusterId=id, StepConcurrencyLevel=int(new["StepConcurrencyLevel"]))
    gone = [tag["Key"] for tag in old.get("Tags") or [] if tag["Key"] not in [kept["Key"] for kept in new.get("Tags") or []]]
    if gone:
        emr.remove_tags(ResourceId=id, TagKeys=gone)
    if new.get("Tags"):
        emr.add_tags(ResourceId=id, Tags=new["Tags"])
    return id, {"Id": id, "MasterPublicDNS": _cluster(emr, id)["MasterPublicDnsName"]}


def delete_cluster(id, properties):
    emr = _client("emr")
    # A cluster that is gone with an earlier local EMR is unknown, and deleted enough.
    if id in [cluster["Id"] for page in emr.get_paginator("list_clusters").paginate() for cluster in page["Clusters"]]:
        emr.terminate_job_flows(JobFlowIds=[id])
        _until(lambda: _cluster(emr, id)["Status"]["State"] == "TERMINATED")


def _instances(properties: dict) -> dict:
    """The API wants a list of instance groups where a template names each. A template's cluster stays by default, an API's ends."""
    groups = [("MASTER", properties.get("MasterInstanceGroup")), ("CORE", properties.get("CoreInstanceGroup"))]
    groups += [("TASK", group) for group in properties.get("TaskInstanceGroups") or []]
    named = [{"InstanceRole": role, **group} for role, group in groups if group]
    return {"KeepJobFlowAliveWhenNoSteps": True, **properties, **({"InstanceGroups": named} if named else {})}


def _cluster(emr, id: str) -> dict:
    return emr.describe_cluster(ClusterId=id)["Cluster"]


# --- all of them ------------------------------------------------------------------------------------------------------


def _client(api: str):
    """Where the environment leads: to the local EMR."""
    return boto3.client(api, region_name=get_region())


def _request(client, operation: str, properties: dict) -> dict:
    """The properties as the API's model writes them."""
    return _shaped(client.meta.service_model.operation_model(operation).input_shape, properties)


def _shaped(shape, value):
    """Names with the first letter as the model has it, maps from lists of Key and Value, scalars from text."""
    kind = shape.type_name
    if kind == "structure":
        given = {RENAMED.get(name, name).casefold(): inner for name, inner in value.items()}
        return {name: _shaped(member, given[name.casefold()]) for name, member in shape.members.items() if name.casefold() in given}
    if kind == "map":
        pairs = value.items() if isinstance(value, dict) else [(pair["Key"], pair["Value"]) for pair in value]
        return {key: _shaped(shape.value, inner) for key, inner in pairs}
    if kind == "list":
        if isinstance(value, dict):
            return [{"Key": key, "Value": str(inner)} for key, inner in value.items()]
        return [_shaped(shape.member, inner) for inner in value]
    if kind == "boolean":
        return str(value).lower() == "true"
    if kind in ("integer", "long"):
        return int(value)
    return float(value) if kind in ("float", "double") else str(value)


def _tag(client, arn: str, old: dict, new: dict) -> None:
    before, after = ({tag["Key"]: tag["Value"] for tag in properties.get("Tags") or []} for properties in (old, new))
    if gone := [key for key in before if key not in after]:
        client.untag_resource(resourceArn=arn, tagKeys=gone)
    if after:
        client.tag_resource(resourceArn=arn, tags=after)


def _until(look) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        if time.monotonic() > deadline:
            raise RuntimeError(f"Not stable after {PATIENCE} s")
        time.sleep(0.1)
