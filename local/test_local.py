"""Checks of the local default itself, on an instance of their own: `.local/venv/bin/python -m unittest discover local`.

They show that the adapter makes MiniStack do what AWS does, and that the real Livy runs real jobs.
"""

import calendar
import json
import os
import subprocess
import sys
import time
import unittest
import urllib.request

import boto3
from botocore.config import Config

import paths
import processes
from instance import Instance

NAME = "test-local"
FINAL = ("_COMPLETE", "_FAILED")


def local(*arguments):
    command = [sys.executable, str(paths.SOURCE / "local.py"), "--instance", NAME, *arguments]
    # Short waits between a Lambda's tries.
    environment = {**os.environ, "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def setUpModule():
    unittest.addModuleCleanup(local, "down")
    local("down")
    local("up", "--aws-port", "0", "--livy-port", "0", "--emr-port", "0")
    os.environ.update(Instance(NAME).environment())


class CustomResources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cloudformation = boto3.client("cloudformation")
        cls.deploy("functions", FUNCTIONS)

    def test_a_crash_is_retried_twice_and_then_told_to_the_on_failure_destination(self):
        self.assertEqual(self.deploy("crash", resource("crash")), "ROLLBACK_COMPLETE")
        self.assertEqual(self.reason("crash"), "Worker process died")
        told = next(json.loads(line["body"])["Data"] for line in self.lines("answer") if "Worker process died" in line["body"])
        self.assertEqual((told["condition"], told["approximateInvokeCount"]), ("RetriesExhausted", 3))
        self.assertTrue(told["requestId"] and told["at"].endswith("Z"), told)
        events = boto3.client("logs").filter_log_events(logGroupName="/aws/lambda/misbehaving")["events"]
        self.assertEqual(sum("Worker process died" in event["message"] for event in events), 3)

    def test_a_failed_create_is_deleted_with_the_id_of_its_answer(self):
        self.assertEqual(self.deploy("fail", resource("fail")), "ROLLBACK_COMPLETE")
        self.assertEqual(self.reason("fail"), "said so")
        self.assertEqual(self.requests("fail"), [("Create", None), ("Delete", "half-made")])

    def test_an_event_looks_as_it_does_on_aws(self):
        self.assertEqual(self.deploy("succeed", resource("succeed")), "CREATE_COMPLETE")
        event = next(line for line in self.lines("request") if "/succeed/" in line["StackId"])
        self.assertEqual(event["ServiceToken"], event["ResourceProperties"]["ServiceToken"])
        answer = next(line for line in self.lines("answer") if line["RequestId"] == event["RequestId"])
        signed = json.loads(answer["body"])["Data"]
        self.assertEqual(signed["X-Amz-Expires"], ["7200"])
        age = time.time() - calendar.timegm(time.strptime(signed["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ"))
        self.assertTrue(0 <= age < 300, age)

    def test_a_bad_answer_fails_the_resource_and_the_reason_tells_why(self):
        for number, (does, reason) in enumerate({
            '{"Data": {"Log": "' + 4096 * "x" + '"}}': "Response object is too long.",
            '{"PhysicalResourceId": ""}': "Invalid PhysicalResourceId",
            '{"PhysicalResourceId": "' + 1025 * "x" + '"}': "Invalid PhysicalResourceId",
            '{"RequestId": "another"}': "Invalid response: RequestId must be that of the request.",
            '{"Status": "FAILED"}': "Invalid response: Reason is required when Status is FAILED.",
            "send no JSON": "Invalid response: it must be a JSON object.",
            "send a Content-Type": "CloudFormation did not receive a response from your Custom Resource.",
        }.items()):
            with self.subTest(reason):
                self.assertEqual(self.deploy(f"bad-{number}", resource(does, ServiceTimeout=2)), "ROLLBACK_COMPLETE")
                self.assertTrue(self.reason(f"bad-{number}").startswith(reason), self.reason(f"bad-{number}"))
        self.assertIn("SignatureDoesNotMatch", [line["refused"] for line in self.lines("answer")])

    def test_only_the_first_answer_counts(self):
        self.assertEqual(self.deploy("twice", resource("answer twice")), "CREATE_COMPLETE")
        # CloudFormation goes on with the first one, while the second may be on its way.
        until(lambda: any(line["nth"] == 2 for line in self.lines("answer")))
        self.assertEqual(self.cloudformation.describe_stacks(StackName="twice")["Stacks"][0]["StackStatus"], "CREATE_COMPLETE")

    @classmethod
    def deploy(cls, name, resources):
        """The state of the stack in the end."""
        known = any(stack["StackName"] == name for stack in cls.cloudformation.describe_stacks()["Stacks"])
        act = cls.cloudformation.update_stack if known else cls.cloudformation.create_stack
        act(StackName=name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_IAM"])
        return until(lambda: ended(cls.cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]))

    def reason(self, name):
        """Why the stack's resource failed, as its events tell."""
        events = self.cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return next(event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED")

    def lines(self, kind):
        log = Instance(NAME).folder / "log" / "custom-resources.jsonl"
        return [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] == kind]

    def requests(self, stack):
        sent = (line for line in self.lines("request") if f"/{stack}/" in line["StackId"])
        return [(line["RequestType"], line.get("PhysicalResourceId")) for line in sent]


class Workflows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.steps = boto3.client("stepfunctions", config=Config(inject_host_prefix=False))
        wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "TimestampPath": "$.Until", "End": True}}}
        trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = boto3.client("iam").create_role(RoleName="wait", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        made = cls.steps.create_state_machine(name="wait", definition=json.dumps(wait), roleArn=role)
        cls.machine = made["stateMachineArn"]

    def test_an_execution_that_runs_is_the_same_when_it_is_started_again(self):
        started = self.start("again", 3)
        again = self.steps.start_execution(**started["call"])
        self.assertEqual((again["executionArn"], again["startDate"]), (started["executionArn"], started["startDate"]))
        with self.assertRaises(self.steps.exceptions.ExecutionAlreadyExists):
            self.steps.start_execution(**started["call"] | {"input": "{}"})
        self.end_of(started)
        with self.assertRaises(self.steps.exceptions.ExecutionAlreadyExists):
            self.steps.start_execution(**started["call"])

    def start(self, name, seconds):
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        call = {"stateMachineArn": self.machine, "name": name, "input": json.dumps({"Until": moment})}
        return self.steps.start_execution(**call) | {"call": call}

    def end_of(self, started):
        def over():
            execution = self.steps.describe_execution(executionArn=started["executionArn"])
            return execution if execution["status"] == "SUCCEEDED" else None

        return until(over)


class Jobs(unittest.TestCase):
    def test_jobs_run_side_by_side_and_end_as_they_should(self):
        jobs = {
            "success": [{"file": f"{paths.SOURCE}/jobs/pi.py"}],
            "dead": [{"file": f"{paths.SOURCE}/jobs/fail.py", "args": ["0"]}],
        }
        if paths.SPARK_PI.exists():
            jobs["success"].append({"file": str(paths.SPARK_PI), "className": "org.apache.spark.examples.SparkPi"})
        ids = {livy("/batches", job)["id"]: state for state, batches in jobs.items() for job in batches}
        for batch, state in ids.items():
            self.assertEqual(until(lambda: ended(livy(f"/batches/{batch}/state")["state"], ("success", "dead", "killed"))), state)
            said = "".join(livy(f"/batches/{batch}/log")["log"])
            self.assertIn("Pi is roughly 3.1" if state == "success" else "ValueError", said)

    def test_a_restart_of_livy_ends_its_batches(self):
        livy("/batches", {"file": f"{paths.SOURCE}/jobs/stream.py", "args": [str(Instance(NAME).folder / "work" / "stream")]})
        before = Instance(NAME).state["livy"]
        until(lambda: len(processes.members(before)) > 1)
        local("restart", "livy")
        self.assertEqual(processes.members(before), [])
        self.assertEqual(livy("/batches")["total"], 0)


def livy(path, body=None):
    url = os.environ["LIVY_URL"] + path
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, {"Content-Type": "application/json", "X-Requested-By": "test"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def ended(state, final=FINAL):
    return state if state.endswith(final) else None


def until(look, seconds=90):
    """What `look` returns, once it is something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.2)
    return found


def resource(does, **properties):
    token = {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:misbehaving"}
    return {"Job": {"Type": "Custom::Test", "Properties": {"ServiceToken": token, "Does": does, **properties}}}


def function(name, handler):
    code = (paths.SOURCE / "misbehaving.py").read_text()
    properties = {"FunctionName": name, "Runtime": "python3.12", "Handler": handler, "Timeout": 20, "Code": {"ZipFile": code}}
    return {"Type": "AWS::Lambda::Function", "Properties": {**properties, "Role": {"Fn::GetAtt": ["Role", "Arn"]}}}


FUNCTIONS = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
            }
        },
    },
    "Misbehaving": function("misbehaving", "index.handler"),
    "OnFailure": function("on-failure", "index.on_failure"),
    "Invocation": {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {
            "FunctionName": {"Ref": "Misbehaving"},
            "Qualifier": "$LATEST",
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["OnFailure", "Arn"]}}},
        },
    },
}


if __name__ == "__main__":
    unittest.main()
