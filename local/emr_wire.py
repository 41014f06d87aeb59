"""From an HTTP request to an operation with its parameters, and back, as AWS's published API models say.

The parameters are held against the models as the services do it, which is more than a client does: types, lengths, patterns, choices.
The answers are written by moto's serializers.
"""

import json
import re
import uuid
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.model import OperationModel, ServiceModel
from botocore.utils import parse_timestamp
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model

# The name that a request is signed for, and the one under which botocore keeps the model.
SERVICES = {"emr-containers": "emr-containers", "emr-serverless": "emr-serverless", "elasticmapreduce": "emr"}

PYTHON_TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "structure": dict,
    "map": dict,
    "list": list,
}


class Refusal(Exception):
    """An error of the service: its code, what it says, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400):
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass
class Request:
    """What came over the wire."""

    method: str
    target: str
    headers: object
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def scope(self) -> list[str]:
        """Access key, date, region, service, as the signature's credential names them."""
        found = re.search(r"Credential=([^,\s]+)", self.headers.get("Authorization", ""))
        return found[1].split("/") if found else []


@dataclass
class Call:
    """A request, understood."""

    service: str
    model: OperationModel
    region: str
    access_key: str
    path: str
    parameters: dict
    # What a fault has in store for the run that is started.
    fate: dict = field(default_factory=dict)

    @property
    def operation(self) -> str:
        return self.model.name

    def __getitem__(self, name: str):
        return self.parameters.get(name)

    def arn(self, path: str, account: str) -> str:
        return f"arn:aws:{self.service}:{self.region}:{account}:{path}"


def understand(request: Request) -> Call:
    """The operation that a request asks for. Its parameters are read, but not held against the model yet."""
    scope, signed_for = request.scope, service(request)
    model, labels = _route(signed_for, request)
    return Call(
        service=signed_for,
        model=model,
        region=scope[2] if len(scope) > 2 else "us-east-1",
        access_key=scope[0] if scope else "",
        path=request.path,
        parameters=_parameters(model, labels, request),
    )


def call(service: str, operation: str, parameters: dict) -> Call:
    """A call of our own."""
    return Call(service, _model(service).operation_model(operation), "us-east-1", "", "", parameters)


def check(call: Call) -> None:
    """Refuses what the model does not allow, all of it in one message, worded as the services do."""
    faults: list[str] = []
    if call.model.input_shape:
        _check(call.model.input_shape, call.parameters, "", faults)
    if faults:
        plural = "" if len(faults) == 1 else "s"
        raise Refusal("ValidationException", f"{len(faults)} validation error{plural} detected: {'; '.join(faults)}")


def answer(call: Call, result, picker: XFormedAttributePicker | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body. A `picker` finds the members of moto's objects; our own results are plain dicts."""
    service = call.model.service_model
    serializer = get_serializer_class(service.service_name, service.protocol)
    made = serializer(operation_model=call.model, value_picker=picker).serialize(result)
    headers = {**made["headers"], "Content-Type": _content_type(service), "x-amzn-RequestId": str(uuid.uuid4())}
    return made["status_code"], headers, made["body"].encode()


def refuse(service: str, refusal: Refusal) -> tuple[int, dict[str, str], bytes]:
    """An error on the wire; the services differ in where the code stands and how `message` is written."""
    headers = {"x-amzn-ErrorType": refusal.code, "x-amzn-RequestId": str(uuid.uuid4())}
    if service == "elasticmapreduce":
        # Of its errors, InvalidRequestException is the one whose model writes it large.
        name = "Message" if refusal.code == "InvalidRequestException" else "message"
        body = {"__type": refusal.code, name: refusal.message}
    else:
        body = {"message": refusal.message}
    headers["Content-Type"] = _content_type(_model(service))
    return refusal.status, headers, json.dumps(body).encode()


def _model(service: str) -> ServiceModel:
    return get_service_model(SERVICES[service])


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern, str]]:
    """Method, pattern of the path and name of each operation."""
    model, routes = _model(service), []
    for name in model.operation_names:
        http = model.operation_model(name).http
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", http["requestUri"])
        routes.append((http["method"], re.compile(pattern), name))
    return routes


def service(request: Request) -> str:
    """The service that a request is signed for; a person with curl signs nothing, so then the rest must tell."""
    if len(request.scope) > 3 and request.scope[3] in SERVICES:
        return request.scope[3]
    if "X-Amz-Target" in request.headers:
        return "elasticmapreduce"
    return "emr-serverless" if re.search(r"/applications|emr-serverless", unquote(request.path)) else "emr-containers"


def _route(service: str, request: Request) -> tuple[OperationModel, dict[str, str]]:
    model = _model(service)
    if model.protocol == "json":
        name = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if name in model.operation_names:
            return model.operation_model(name), {}
    else:
        for method, pattern, name in _routes(service):
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                return model.operation_model(name), {label: unquote(value) for label, value in found.groupdict().items()}
    raise Refusal("UnknownOperationException", f"{service} has no such operation: {request.method} {request.target}", 404)


def _parameters(model: OperationModel, labels: dict[str, str], request: Request) -> dict:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as fault:
        raise Refusal("SerializationException", f"The body is no JSON: {fault}") from None
    query = parse_qs(urlsplit(request.target).query, keep_blank_values=True)
    parameters = {}
    for name, shape in (model.input_shape.members if model.input_shape else {}).items():
        wire = shape.serialization.get("name", name)
        match shape.serialization.get("location"):
            case "uri":
                parameters[name] = labels.get(wire)
            case "querystring" if wire in query:
                values = [_from_text(shape.member if shape.type_name == "list" else shape, text) for text in query[wire]]
                parameters[name] = values if shape.type_name == "list" else values[0]
            case None if isinstance(body, dict) and body.get(wire) is not None:
                parameters[name] = _from_json(shape, body[wire], name)
    return parameters


def _from_text(shape, text: str):
    """What stands in a path or a query."""
    try:
        match shape.type_name:
            case "integer" | "long":
                return int(text)
            case "boolean":
                return text == "true"
            case "timestamp":
                return parse_timestamp(text)
    except ValueError:
        raise Refusal("SerializationException", f"{text!r} can not be converted to {shape.type_name}") from None
    return text


def _from_json(shape, value, path: str):
    """What stands in a body. Unknown members are passed over, as the services do; a wrong type is an error, as with them."""
    kind = shape.type_name
    if kind == "timestamp":
        return parse_timestamp(value)
    if not isinstance(value, PYTHON_TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        raise Refusal("SerializationException", f"{type(value).__name__.upper()}_VALUE can not be converted to {kind} at {path!r}")
    if kind == "structure":
        named = ((name, member, value.get(member.serialization.get("name", name))) for name, member in shape.members.items())
        return {name: _from_json(member, found, f"{path}.{name}") for name, member, found in named if found is not None}
    if kind == "map":
        return {key: _from_json(shape.value, found, f"{path}.{key}") for key, found in value.items() if found is not None}
    if kind == "list":
        return [_from_json(shape.member, found, path) for found in value]
    return value


def _check(shape, value, path: str, faults: list[str]) -> None:
    for fault in _faults(shape, value):
        shown = "null" if value is None else f"'{value}'" if isinstance(value, (str, int, float)) else ""
        faults.append(f"Value {shown} at '{path}' failed to satisfy constraint: {fault}".replace("  ", " "))
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            inner = f"{path}.{name}" if path else name
            if value.get(name) is not None:
                _check(member, value[name], inner, faults)
            elif name in shape.required_members:
                faults.append(f"Value null at '{inner}' failed to satisfy constraint: Member must not be null")
    elif shape.type_name == "map":
        for key, found in value.items():
            _check(shape.key, key, path, faults)
            _check(shape.value, found, f"{path}.{key}", faults)
    elif shape.type_name == "list":
        for number, found in enumerate(value, 1):
            _check(shape.member, found, f"{path}.{number}.member", faults)


def _faults(shape, value) -> list[str]:
    """What one value breaks by itself."""
    faults, limits = [], shape.metadata
    sized = shape.type_name in ("string", "list", "map")
    if sized or shape.type_name in ("integer", "long"):
        size, what = (len(value), "length ") if sized else (value, "value ")
        if size > limits.get("max", size):
            faults.append(f"Member must have {what}less than or equal to {limits['max']}")
        if size < limits.get("min", size):
            faults.append(f"Member must have {what}greater than or equal to {limits['min']}")
    if shape.type_name == "string":
        if not _pattern(limits.get("pattern", "")).fullmatch(value):
            faults.append(f"Member must satisfy regular expression pattern: {limits['pattern']}")
        if shape.enum and value not in shape.enum:
            faults.append(f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
    return faults


@cache
def _pattern(pattern: str) -> re.Pattern:
    """A pattern of the models. They are Java's, which writes what lies beyond U+FFFF as two surrogates."""
    beyond = r"\U00010000-\U0010FFFF"
    for surrogates in (r"\uD800\uDC00-\uDBFF\uDFFF", r"\uD800\uDBFF-\uDC00\uDFFF"):
        pattern = pattern.replace(surrogates, beyond)
    return re.compile(pattern or r"(?s:.*)")


def _content_type(model: ServiceModel) -> str:
    return "application/x-amz-json-1.1" if model.protocol == "json" else "application/json"
