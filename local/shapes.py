"""Writes what AWS publishes about the requests that start a job: `.local/venv/bin/python local/shapes.py`.

The handler checks the parts of a template that go to EMR as they are against this table. It is taken from the models that
botocore carries, so that a member that AWS adds is seen when botocore is updated: then test_shapes.py fails.
"""

import json
import sys

from botocore.loaders import Loader

import paths
from say import Fault, bad, good

TABLE = paths.ROOT / "sparkjob" / "src" / "properties" / "shapes.json"

# The name that every API's outermost structure has in the table.
REQUEST = "Request"

# Members that the requests have and the table has not. This resource runs Spark.
LEFT_OUT = {("emr-serverless", "JobDriver", "hive")}

# Structures of which exactly one member is given, as their documentation says and their model does not.
UNIONS = {("emr-containers", "JobDriver")}

# What is kept of a shape, without what only a client needs to know, such as where in a request it goes.
LIMITS = ("enum", "max", "min", "pattern", "required", "sensitive", "union")
# The kinds of shape that the handler knows, each with what names the shapes inside it.
KINDS = {
    "boolean": (),
    "integer": (),
    "list": ("member",),
    "long": (),
    "map": ("key", "value"),
    "string": (),
    "structure": ("members",),
}


def table() -> dict:
    """Every API's shapes, each with what is inside it."""
    return {api: closure(api, model(api)) for api in ("emr", "emr-containers", "emr-serverless")}


def written(shapes: dict) -> str:
    """One line for each shape, so that a comparison shows which of them changed."""

    def lines(found: dict) -> str:
        return ",\n".join(f'"{name}": {json.dumps(found[name], sort_keys=True)}' for name in sorted(found))

    apis = ",\n".join(f'"{api}": {{\n{lines(found)}\n}}' for api, found in shapes.items())
    return f"{{\n{apis}\n}}\n"


def model(api: str) -> dict:
    """All shapes of an API, and the request that starts one job."""
    # Not what a person has put into ~/.aws/models.
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    found = loader.load_service_model(api, "service-2")["shapes"]
    if REQUEST in found:
        raise Fault(f"{api} has a shape that is called {REQUEST}; call the outermost structure in local/shapes.py otherwise.")
    return found | {REQUEST: _request(api, found)}


def _request(api: str, shapes: dict) -> dict:
    """The request that starts one job. Of EMR's, which adds many steps, it is one step with what stands beside it."""
    if api != "emr":
        return shapes["StartJobRunRequest"]
    role = {"ExecutionRoleArn": shapes["AddJobFlowStepsInput"]["members"]["ExecutionRoleArn"]}
    return shapes["StepConfig"] | {"members": shapes["StepConfig"]["members"] | role}


def closure(api: str, shapes: dict) -> dict:
    """The request and all that is inside it, in the table's form."""
    found, wanted = {}, [REQUEST]
    while wanted:
        name = wanted.pop()
        if name not in found:
            found[name] = _shape(api, name, shapes[name])
            wanted += _inside(found[name])
    return found


def _shape(api: str, name: str, model: dict) -> dict:
    """A shape in the table's form: `{"list": {"max": 100, "member": "Configuration"}}`."""
    kind = model["type"]
    if kind not in KINDS:
        raise Fault(f"{api} has {name}, a {kind}, which neither local/shapes.py nor the handler knows.")
    # A least length of nothing says nothing, and a box is about Java.
    shape = {limit: model[limit] for limit in LIMITS if model.get(limit)}
    for part in KINDS[kind]:
        shape[part] = _members(api, name, model) if part == "members" else model[part]["shape"]
    if (api, name) in UNIONS:
        shape["union"] = True
    return {kind: shape}


def _members(api: str, name: str, model: dict) -> dict:
    return {member: inner["shape"] for member, inner in model["members"].items() if (api, name, member) not in LEFT_OUT}


def _inside(shape: dict) -> list[str]:
    """The names of the shapes that a shape consists of."""
    [(kind, traits)] = shape.items()
    parts = [traits[part] for part in KINDS[kind]]
    return list(parts[0].values()) if kind == "structure" else parts


def main() -> int:
    try:
        text = written(table())
    except Fault as fault:
        print(bad(str(fault), sys.stderr), file=sys.stderr)
        return 1
    TABLE.write_text(text)
    print(good(f"{TABLE.relative_to(paths.ROOT)}: {len(text)} bytes"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
