"""Checks of the local EMR, on an instance of its own: real clients, real processes, answers held against AWS's published models."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import unittest
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.validate import ParamValidator

import emr_livy
import emr_workers
import paths
import processes
from instance import Instance
from test_local import FINAL, until

NAME = "test-emr"
BUCKET = "emr-jobs"
LOGS = f"s3://{BUCKET}/logs"
MONITORING = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": LOGS}}}
UNTRUSTED = "arn:aws:iam::000000000000:role/untrusted"
FOREIGN = "arn:aws:iam::123456789012:role/emr-execution"

JOBS = {
    "say.py": "import os, sys, helper\nprint(sys.argv[1:], os.environ.get('GREETING'), helper.WORD)\n",
    "helper.py": "WORD = 'helped'\n",
    "fail.py": "raise ValueError('the input is missing')\n",
    "idle.py": "import time\nprint('idle', flush=True)\ntime.sleep(600)\n",
}


def local(*arguments):
    command = [sys.executable, "-B", str(paths.SOURCE / "local.py"), "--instance", NAME, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def setUpModule():
    unittest.addModuleCleanup(local, "down")
    local("down")
    local("up", "--aws-port", "0", "--livy-port", "0", "--emr-port", "0")
    os.environ.update(Instance(NAME).environment())
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for name, text in JOBS.items():
        s3.put_object(Bucket=BUCKET, Key=name, Body=text.encode())


def client(api):
    """A client that repeats nothing, and holds every answer against the model."""
    made = boto3.client(api, config=Config(retries={"max_attempts": 0}))
    made.meta.events.register("after-call", hold_against_model)
    return made


def hold_against_model(parsed, model, http_response, **_):
    if http_response.status_code < 300 and model.output_shape:
        answer = {name: value for name, value in parsed.items() if name != "ResponseMetadata"}
        report = ParamValidator().validate(answer, model.output_shape).generate_report().splitlines()
        # Serverless itself answers with an empty stateDetails, which its model demands and forbids.
        if faults := [fault for fault in report if "stateDetails, value: 0" not in fault]:
            raise AssertionError(f"{model.name} does not answer as its model says: {faults}")


def ask(method, path, body=None):
    """The local EMR itself, or one of the APIs by hand: the status and the JSON of the answer."""
    url = os.environ["AWS_ENDPOINT_URL_EMR"] + path
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as fault:
        return fault.code, json.load(fault)


def s3_text(key):
    return gzip.decompress(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()).decode()


class Engine(unittest.TestCase):
    """What each of the three knows of a run: how to start one, how to look at it."""

    @classmethod
    def setUpClass(cls):
        cls.containers, cls.serverless, cls.emr = client("emr-containers"), client("emr-serverless"), client("emr")
        names = ("VIRTUAL_CLUSTER_ID", "APPLICATION_ID", "CLUSTER_ID", "EXECUTION_ROLE_ARN")
        cls.primary_node = emr_livy.address(Instance(NAME).state["emr"]["port"])
        cls.cluster, cls.application, cls.flow, cls.role = (os.environ[f"SPARKJOB_{name}"] for name in names)

    def setUp(self):
        self.addCleanup(ask, "DELETE", "/_local/faults")

    def on_eks(self, file, token=None, arguments=(), parameters="", **more):
        driver = {"entryPoint": f"s3://{BUCKET}/{file}", "entryPointArguments": list(arguments)}
        driver |= {"sparkSubmitParameters": parameters} if parameters else {}
        request = {"virtualClusterId": self.cluster, "executionRoleArn": self.role, "releaseLabel": "emr-7.9.0-latest", **more}
        request |= {"clientToken": token} if token else {}
        request.setdefault("jobDriver", {"sparkSubmitJobDriver": driver})
        return self.containers.start_job_run(**request)["id"]

    def on_serverless(self, file, arguments=(), parameters="", **more):
        driver = {"entryPoint": f"s3://{BUCKET}/{file}", "entryPointArguments": list(arguments)}
        driver |= {"sparkSubmitParameters": parameters} if parameters else {}
        request = {"applicationId": self.application, "executionRoleArn": self.role, "jobDriver": {"sparkSubmit": driver}, **more}
        return self.serverless.start_job_run(**request)["jobRunId"]

    def on_steps(self, *arguments, flow=None, name="step", **more):
        step = {"Name": name, "HadoopJarStep": {"Jar": "command-runner.jar", "Args": list(arguments)}, **more}
        return self.emr.add_job_flow_steps(JobFlowId=flow or self.flow, Steps=[step])["StepIds"][0]

    def eks(self, id):
        return self.containers.describe_job_run(virtualClusterId=self.cluster, id=id)["jobRun"]

    def job(self, id):
        return self.serverless.get_job_run(applicationId=self.application, jobRunId=id)["jobRun"]

    def step(self, id, flow=None):
        return self.emr.describe_step(ClusterId=flow or self.flow, StepId=id)["Step"]

    def state(self, id, flow=None):
        return self.step(id, flow)["Status"]["State"]

    def own_flow(self, **more):
        """A cluster of a test's own, which no other test's steps keep busy."""
        instances = {"KeepJobFlowAliveWhenNoSteps": True}
        flow = self.emr.run_job_flow(Name="own", ReleaseLabel="emr-7.9.0", Instances=instances, LogUri=f"{LOGS}/emr/", **more)["JobFlowId"]
        self.addCleanup(self.emr.terminate_job_flows, JobFlowIds=[flow])
        return flow

    def refused(self, code, act, *arguments, status=400, says="", **more):
        with self.assertRaises(ClientError) as caught:
            act(*arguments, **more)
        answer = caught.exception.response
        self.assertEqual((answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]), (code, status))
        self.assertIn(says, answer["Error"]["Message"])


def follow(look, final):
    """Every state that was seen, in order."""
    seen = []

    def once():
        state = look()
        if seen[-1:] != [state]:
            seen.append(state)
        return state in final

    until(once)
    return seen


def work(id):
    """Where a run keeps its files."""
    return Instance(NAME).folder / "work" / "emr" / "runs" / id


def program(folder):
    """What was started for a run or an application, which must not be over."""
    return until(lambda: (note := folder / "program.json").exists() and json.loads(note.read_text() or "{}"))


def applications(flow):
    yarn = Instance(NAME).folder / "work" / "emr" / "clusters" / flow / "yarn"
    return [folder for folder in yarn.glob("application_*") if (folder / "program.json").exists()]


class Lives(Engine):
    def test_a_run_goes_through_the_published_states_with_its_process_and_its_files_from_s3(self):
        files = f"--py-files s3://{BUCKET}/helper.py"
        arguments = ["two words", "$HOME"]
        # Started before any is looked at: they come up side by side.
        flow = self.own_flow()
        logged = {"configurationOverrides": MONITORING}
        greeting = "--conf 'spark.kubernetes.driverEnv.GREETING=hello, \"you\"'"
        eks = self.on_eks("say.py", None, arguments, f"{files} {greeting}", **logged)
        greeting = "--conf spark.emr-serverless.driverEnv.GREETING=hello"
        job = self.on_serverless("say.py", arguments, f"{files} {greeting}", **logged)
        submit = ("env", "GREETING=hello", "spark-submit", "--master", "yarn", *files.split())
        step = self.on_steps(*submit, f"s3a://{BUCKET}/say.py", *arguments, flow=flow)
        looks = (
            (lambda: self.eks(eks)["state"], ["PENDING", "SUBMITTED", "RUNNING", "COMPLETED"]),
            (lambda: self.job(job)["state"], ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", "SUCCESS"]),
            (lambda: self.state(step, flow), ["PENDING", "RUNNING", "COMPLETED"]),
        )
        with ThreadPoolExecutor(len(looks)) as pool:
            for seen, (_, states) in zip(pool.map(lambda look: follow(look[0], (look[1][-1], "FAILED")), looks), looks):
                self.assertEqual(seen[-2:], states[-2:])
                self.assertEqual(seen, [state for state in states if state in seen])
        said = "['two words', '$HOME'] {} helped\n"
        pod = f"spark-{eks}/spark-{eks}-driver"
        self.assertEqual(s3_text(f"logs/{self.cluster}/jobs/{eks}/containers/{pod}/stdout.gz"), said.format('hello, "you"'))
        self.assertEqual(s3_text(f"logs/applications/{self.application}/jobs/{job}/SPARK_DRIVER/stdout.gz"), said.format("hello"))
        self.assertEqual(s3_text(f"logs/emr/{flow}/steps/{step}/stdout.gz"), said.format("hello"))
        self.assertIn("command-runner.jar", s3_text(f"logs/emr/{flow}/steps/{step}/controller.gz"))

    def test_a_failure_says_why_in_the_words_of_each_service(self):
        flow = self.own_flow()
        eks, missing = self.on_eks("fail.py"), self.on_serverless("missing.py")
        step = self.on_steps("spark-submit", f"s3://{BUCKET}/fail.py", flow=flow)
        failed = until(lambda: (found := self.eks(eks))["state"] == "FAILED" and found)
        self.assertEqual(failed["failureReason"], "USER_ERROR")
        self.assertIn("Please refer logs", failed["stateDetails"])
        failed = until(lambda: (found := self.job(missing))["state"] == "FAILED" and found)
        self.assertIn("ExitCode: 1. Last few exceptions: Exception in thread", failed["stateDetails"])
        self.assertIn(f"No such file or directory 's3://{BUCKET}/missing.py'", failed["stateDetails"])
        failed = until(lambda: (found := self.step(step, flow)["Status"])["State"] == "FAILED" and found)
        self.assertEqual(failed["FailureDetails"]["Message"], "ValueError: the input is missing")
        self.assertEqual(failed["FailureDetails"]["LogFile"], f"{LOGS}/emr/{flow}/steps/{step}/stdout.gz")
        self.assertLess(failed["Timeline"]["StartDateTime"], failed["Timeline"]["EndDateTime"])

    def test_a_role_that_cannot_be_assumed_fails_the_run_and_one_of_another_account_is_refused(self):
        eks, job = self.on_eks("say.py", executionRoleArn=UNTRUSTED), self.on_serverless("say.py", executionRoleArn=UNTRUSTED)
        failed = until(lambda: (found := self.job(job))["state"] == "FAILED" and found)
        self.assertIn(f"Could not assume runtime role {UNTRUSTED}", failed["stateDetails"])
        failed = until(lambda: (found := self.eks(eks))["state"] == "FAILED" and found)
        self.assertIn("sts:AssumeRoleWithWebIdentity", failed["stateDetails"])
        self.refused("AccessDeniedException", self.on_eks, "say.py", executionRoleArn=FOREIGN, status=403)
        self.refused("AccessDeniedException", self.on_serverless, "say.py", executionRoleArn=FOREIGN, status=403)

    def test_a_job_template_gives_what_the_request_leaves_out(self):
        driver = {"sparkSubmitJobDriver": {"entryPoint": "s3://${Bucket}/fail.py"}}
        data = {"executionRoleArn": UNTRUSTED, "releaseLabel": "emr-7.9.0-latest", "jobDriver": driver}
        data["parameterConfiguration"] = {"Bucket": {"type": "STRING"}}
        template = self.containers.create_job_template(name="t", clientToken="template", jobTemplateData=data)["id"]
        self.assertEqual(self.containers.describe_job_template(id=template)["jobTemplate"]["jobTemplateData"], data)
        request = {"virtualClusterId": self.cluster, "jobTemplateId": template}
        self.refused("ValidationException", self.containers.start_job_run, **request, says="Bucket")
        run = self.containers.start_job_run(**request, jobTemplateParameters={"Bucket": BUCKET})["id"]
        self.assertEqual(self.eks(run)["jobDriver"]["sparkSubmitJobDriver"]["entryPoint"], f"s3://{BUCKET}/fail.py")


class Cancels(Engine):
    def test_a_cancelled_job_run_is_over_when_its_processes_are_dead(self):
        eks, job = self.on_eks("idle.py"), self.on_serverless("idle.py")
        for run in (eks, job):
            until(lambda: (work(run) / "stdout-1").exists() and "idle" in (work(run) / "stdout-1").read_text())
        programs = [program(work(run)) for run in (eks, job)]
        self.assertTrue(all(map(processes.members, programs)))
        self.containers.cancel_job_run(virtualClusterId=self.cluster, id=eks)
        self.serverless.cancel_job_run(applicationId=self.application, jobRunId=job)
        self.assertEqual(follow(lambda: self.eks(eks)["state"], ("CANCELLED", "FAILED"))[-1], "CANCELLED")
        self.assertEqual(follow(lambda: self.job(job)["state"], ("CANCELLED", "FAILED"))[-1], "CANCELLED")
        self.assertEqual([processes.members(started) for started in programs], [[], []])
        again = {"virtualClusterId": self.cluster, "id": eks}
        self.refused("ValidationException", self.containers.cancel_job_run, **again, says="is not in a cancellable state")

    def test_a_run_that_waits_for_capacity_is_cancelled_without_having_run(self):
        ask("POST", "/_local/faults", {"fault": "hold", "seconds": 600, "times": 2})
        eks, job = self.on_eks("idle.py"), self.on_serverless("idle.py")
        until(lambda: self.job(job)["state"] == "QUEUED")
        self.assertEqual(self.eks(eks)["state"], "PENDING")
        self.containers.cancel_job_run(virtualClusterId=self.cluster, id=eks)
        self.serverless.cancel_job_run(applicationId=self.application, jobRunId=job)
        until(lambda: (self.eks(eks)["state"], self.job(job)["state"]) == ("CANCELLED", "CANCELLED"))
        self.assertFalse(work(eks).exists() or work(job).exists())

    def test_a_step_may_ignore_an_interrupt_but_not_a_kill(self):
        flow = self.own_flow()
        stubborn = self.on_steps("bash", "-c", "trap '' TERM; echo up; sleep 600", flow=flow)
        waiting = self.on_steps("true", flow=flow)
        until(lambda: (work(stubborn) / "stdout-1").exists() and (work(stubborn) / "stdout-1").read_text())
        self.assertEqual(self.cancel(flow, waiting), "SUBMITTED")
        self.assertEqual(self.state(waiting, flow), "CANCELLED")
        self.assertEqual(self.cancel(flow, stubborn), "SUBMITTED")
        self.assertEqual(self.state(stubborn, flow), "CANCEL_PENDING")
        started = program(work(stubborn))
        self.assertNotEqual(processes.members(started), [])
        self.assertEqual(self.cancel(flow, stubborn, "TERMINATE_PROCESS"), "SUBMITTED")
        until(lambda: self.state(stubborn, flow) == "CANCELLED")
        self.assertEqual(processes.members(started), [])
        self.assertEqual(self.cancel(flow, stubborn), "FAILED")

    def test_a_cancelled_step_leaves_its_yarn_application_alive_until_it_is_killed_by_its_tag(self):
        flow = self.own_flow(StepConcurrencyLevel=2)
        tag = "spark.yarn.tags=Mine,other"
        step = self.on_steps("spark-submit", "--deploy-mode", "cluster", "--conf", tag, f"s3://{BUCKET}/idle.py", flow=flow)
        (application,) = until(lambda: applications(flow))
        until(lambda: (application / "stdout").exists() and "idle" in (application / "stdout").read_text())
        started = program(application)
        self.cancel(flow, step, "TERMINATE_PROCESS")
        until(lambda: self.state(step, flow) == "CANCELLED")
        self.assertNotEqual(processes.members(started), [])
        find = "yarn application -list -appTags mine -appStates RUNNING | tee /dev/stderr | awk '/^ *application_/ {print $1}'"
        killer = self.on_steps("bash", "-c", f"{find} | xargs -r yarn application -kill", flow=flow)
        self.assertEqual(follow(lambda: self.state(killer, flow), ("COMPLETED", "FAILED"))[-1], "COMPLETED")
        self.assertEqual(processes.members(started), [])
        self.assertIn("states: [RUNNING] and tags: [mine]):1", (work(killer) / "stderr-1").read_text())
        self.assertIn(f"Killing application {application.name}", (work(killer) / "stdout-1").read_text())

    def cancel(self, flow, step, how="SEND_INTERRUPT"):
        (told,) = self.emr.cancel_steps(ClusterId=flow, StepIds=[step], StepCancellationOption=how)["CancelStepsInfoList"]
        return told["Status"]

class Submissions(Engine):
    def test_the_same_token_is_the_same_run_even_at_the_same_moment(self):
        ask("POST", "/_local/faults", {"fault": "hold", "seconds": 600, "times": 12})
        with ThreadPoolExecutor(8) as pool:
            ids = set(pool.map(lambda _: self.on_eks("idle.py", "token-1"), range(8)))
        jobs = {self.on_serverless("idle.py", clientToken=token) for token in ("one", "one", "two")}
        self.assertEqual((len(ids), len(jobs)), (1, 2))
        self.containers.cancel_job_run(virtualClusterId=self.cluster, id=ids.pop())
        for job in jobs:
            self.serverless.cancel_job_run(applicationId=self.application, jobRunId=job)

    def test_what_the_published_models_do_not_allow_is_refused(self):
        limits = (
            ("Value null at 'clientToken' failed to satisfy constraint: Member must not be null", {"clientToken": None}),
            ("at 'name' failed to satisfy constraint: Member must have length less than or equal to 64", {"name": "x" * 65}),
            ("at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern", {"name": "two words"}),
            ("Member must have length less than or equal to 256", {"jobDriver": {"sparkSubmitJobDriver": {"entryPoint": "s" * 257}}}),
            ("at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50", {"tags": {f"k{n}": "" for n in range(51)}}),
        )
        driver = {"sparkSubmitJobDriver": {"entryPoint": "s3://b/k"}}
        whole = {"clientToken": "t", "executionRoleArn": self.role, "releaseLabel": "emr-7.9.0-latest", "jobDriver": driver}
        for says, broken in limits:
            with self.subTest(says):
                status, answer = ask("POST", f"/virtualclusters/{self.cluster}/jobruns", whole | broken)
                self.assertEqual(status, 400)
                self.assertIn(says, answer["message"])
        status, answer = ask("POST", f"/applications/{self.application}/jobruns", {"executionTimeoutMinutes": "5"})
        self.assertEqual((status, answer["message"]), (400, "STR_VALUE can not be converted to long at 'executionTimeoutMinutes'"))

    def test_a_run_of_serverless_ends_after_twelve_hours_unless_it_says_otherwise(self):
        minutes = [self.job(self.on_serverless("say.py", mode=mode))["executionTimeoutMinutes"] for mode in ("BATCH", "STREAMING")]
        self.assertEqual(minutes, [720, 720])
        endless = self.job(self.on_serverless("say.py", mode="STREAMING", executionTimeoutMinutes=0))
        self.assertEqual(endless["executionTimeoutMinutes"], 0)
        self.refused("ValidationException", self.on_serverless, "say.py", executionTimeoutMinutes=0, says="at least 1")

    def test_an_application_and_a_job_of_serverless_have_workers_of_its_sizes_only(self):
        small = {"workerCount": 1, "workerConfiguration": {"cpu": "1 vCPU", "memory": "1 GB"}}
        made = {"type": "SPARK", "releaseLabel": "emr-7.9.0", "initialCapacity": {"Driver": small}}
        self.refused("ValidationException", self.serverless.create_application, **made, says="initialCapacity.Driver")
        parameters = "--driver-cores 1 --conf spark.driver.memory=512m"
        self.refused("ValidationException", self.on_serverless, "say.py", parameters=parameters, says="spark.driver")
        # Without the overhead it would fit.
        asked = {"spark.executor.cores": "8", "spark.executor.memory": "60g"}
        overrides = {"applicationConfiguration": [{"classification": "spark-defaults", "properties": asked}]}
        self.refused("ValidationException", self.on_serverless, "say.py", configurationOverrides=overrides, says="between 16 GB and 60 GB")

    def test_what_is_unknown_or_over_is_refused_as_each_service_does(self):
        self.refused("ResourceNotFoundException", self.containers.describe_job_run, virtualClusterId=self.cluster, id="unknown")
        self.refused("ResourceNotFoundException", self.containers.describe_virtual_cluster, id="unknown")
        self.refused("ResourceNotFoundException", self.serverless.get_application, applicationId="unknown", status=404)
        unknown = {"says": "Cluster id 'j-UNKNOWN' is not valid."}
        self.refused("InvalidRequestException", self.emr.describe_cluster, ClusterId="j-UNKNOWN", **unknown)
        self.refused("InvalidRequestException", self.emr.list_steps, ClusterId="j-UNKNOWN", **unknown)
        self.refused("InvalidRequestException", self.emr.describe_step, ClusterId=self.flow, StepId="s-UNKNOWN")
        self.refused("ValidationException", self.on_steps, "true", flow="j-UNKNOWN", says="Specified job flow ID not valid")
        flow = self.own_flow()
        running, pending = self.on_steps("sleep", "600", flow=flow), self.on_steps("true", flow=flow)
        started = program(work(running))
        self.emr.terminate_job_flows(JobFlowIds=[flow])
        self.refused("ValidationException", self.on_steps, "true", flow=flow, says="may not be modified")
        until(lambda: self.emr.describe_cluster(ClusterId=flow)["Cluster"]["Status"]["State"] == "TERMINATED")
        self.assertEqual((self.state(running, flow), self.state(pending, flow)), ("INTERRUPTED", "CANCELLED"))
        self.assertEqual(processes.members(started), [])

    def test_an_application_that_is_stopped_takes_no_run_unless_it_starts_by_itself(self):
        made = self.serverless.create_application(type="SPARK", releaseLabel="emr-7.9.0", autoStartConfiguration={"enabled": False})
        application = made["applicationId"]

        def state():
            return self.serverless.get_application(applicationId=application)["application"]["state"]

        until(lambda: state() == "CREATED")
        self.refused("ValidationException", self.on_serverless, "say.py", applicationId=application, says="auto-start")
        self.serverless.start_application(applicationId=application)
        until(lambda: state() == "STARTED")
        self.refused("ValidationException", self.serverless.delete_application, applicationId=application)
        self.serverless.stop_application(applicationId=application)
        until(lambda: state() == "STOPPED")
        self.serverless.delete_application(applicationId=application)
        self.refused("ValidationException", self.on_serverless, "say.py", applicationId=application, says="terminated")

    def test_tags_can_be_added_and_removed(self):
        ask("POST", "/_local/faults", {"fault": "hold", "seconds": 600, "times": 2})
        eks, job = self.on_eks("idle.py", tags={"a": "1"}), self.on_serverless("idle.py", tags={"a": "1"})
        for api, arn in ((self.containers, self.eks(eks)["arn"]), (self.serverless, self.job(job)["arn"])):
            api.tag_resource(resourceArn=arn, tags={"b": "2"})
            api.untag_resource(resourceArn=arn, tagKeys=["a"])
            self.assertEqual(api.list_tags_for_resource(resourceArn=arn)["tags"], {"b": "2"})
        self.containers.cancel_job_run(virtualClusterId=self.cluster, id=eks)
        self.serverless.cancel_job_run(applicationId=self.application, jobRunId=job)
        self.assertIn(job, self.serverless.get_dashboard_for_job_run(applicationId=self.application, jobRunId=job)["url"])


class Workers(unittest.TestCase):
    def test_sizes_are_the_published_ones(self):
        # The driver's vCPUs and memory, and whether they fit.
        for words, fits in (
            ("", True),
            ("--driver-cores 1 --driver-memory 2g", True),
            ("--driver-cores 1 --driver-memory 1g", True),
            ("--driver-cores 1 --driver-memory 512m", False),
            ("--driver-cores 1 --driver-memory 7g", True),
            ("--driver-cores 1 --driver-memory 8g", False),
            ("--driver-memory 2g", False),
            ("--driver-cores 3", False),
            ("--conf spark.driver.cores=32", False),
            ("--driver-memory 27g", True),
            ("--driver-memory 28g", False),
            ("--driver-memory 28g --conf spark.driver.memoryOverhead=2048", True),
            ("--driver-memory 28g --conf spark.emr-serverless.memoryOverheadFactor=0.05", True),
            ("--driver-cores 8 --driver-memory 54g", True),
            ("--driver-cores 16 --driver-memory 108g", True),
            ("--driver-cores 16 --driver-memory 110g", False),
            # What cannot be read is for Spark to tell.
            ("--driver-memory 1.5g", True),
        ):
            with self.subTest(words):
                self.assertEqual(not emr_workers.fault_of_job(words.split(), {}), fits)
                self.assertEqual(not emr_workers.fault_of_job(words.replace("driver", "executor").split(), {}), fits)

    def test_what_is_kept_ready_is_of_a_size_as_it_stands(self):
        for cpu, memory, fits in (("2vCPU", "4GB", True), ("8 vCPU", "20 GB", True), ("8 vCPU", "18 GB", False), ("1", "9", False)):
            with self.subTest(cpu + memory):
                capacity = {"Driver": {"workerCount": 1, "workerConfiguration": {"cpu": cpu, "memory": memory}}}
                self.assertEqual(not emr_workers.fault_of_capacity(capacity), fits)

    def test_every_example_fits_when_it_is_moved_to_serverless(self):
        files = [*(paths.ROOT / "examples").glob("*.yaml"), *(paths.ROOT / "events").glob("create-*.json")]
        self.assertGreater(len(files), 15)
        for file in files:
            # Those of templates hold no such settings.
            for block in re.split(r'\bParameters"?:', file.read_text()):
                found = re.findall(r'\b(Driver|Executor)(Cores|Memory)"?: "?(\w+)', block)
                asked = {f"spark.{role.lower()}.{what.lower()}": value for role, what, value in found}
                self.assertEqual(emr_workers.fault_of_job([], asked), "", file.name)


class Steps(Engine):
    def test_lists_come_in_pages_newest_first(self):
        flow = self.own_flow(StepConcurrencyLevel=10)
        steps = [self.on_steps("true", flow=flow, name=f"step-{number}") for number in range(5)]
        self.addCleanup(ask, "POST", "/_local/settings", {"page": 50})
        ask("POST", "/_local/settings", {"page": 2})
        pages = list(self.emr.get_paginator("list_steps").paginate(ClusterId=flow))
        self.assertEqual([len(page["Steps"]) for page in pages], [2, 2, 1])
        self.assertEqual([step["Id"] for page in pages for step in page["Steps"]], steps[::-1])
        until(lambda: len(self.listed(flow, StepStates=["COMPLETED"])) == 2)
        self.assertEqual(self.listed(flow, StepIds=steps[:1]), steps[:1])
        self.refused("InvalidRequestException", self.emr.list_steps, ClusterId=flow, StepIds=steps * 3)
        ask("POST", "/_local/faults", {"fault": "hold", "seconds": 600, "times": 6})
        runs = [self.on_eks("idle.py", name=f"page-{number % 2}") for number in range(3)]
        jobs = [self.on_serverless("idle.py", mode="STREAMING") for _ in range(3)]
        eks = self.containers.get_paginator("list_job_runs").paginate(virtualClusterId=self.cluster, states=["PENDING"])
        self.assertEqual([run["id"] for page in eks for run in page["jobRuns"]], runs[::-1])
        named = self.containers.list_job_runs(virtualClusterId=self.cluster, name="page-1", createdAfter=self.eks(runs[0])["createdAt"])
        self.assertEqual([run["id"] for run in named["jobRuns"]], runs[1:2])
        streaming = self.serverless.get_paginator("list_job_runs").paginate(applicationId=self.application, mode="STREAMING")
        self.assertEqual([run["id"] for page in streaming for run in page["jobRuns"]], jobs[::-1])
        for run, job in zip(runs, jobs):
            self.containers.cancel_job_run(virtualClusterId=self.cluster, id=run)
            self.serverless.cancel_job_run(applicationId=self.application, jobRunId=job)

    def test_steps_run_side_by_side_up_to_the_cluster_s_level(self):
        flow = self.own_flow(StepConcurrencyLevel=2)
        steps = [self.on_steps("sleep", "600", flow=flow) for _ in range(3)]
        until(lambda: [self.state(step, flow) for step in steps] == ["RUNNING", "RUNNING", "PENDING"])
        self.emr.cancel_steps(ClusterId=flow, StepIds=steps[:1])
        until(lambda: self.state(steps[2], flow) == "RUNNING")
        failing = {"ActionOnFailure": "TERMINATE_CLUSTER"}
        self.refused("ValidationException", self.on_steps, "true", flow=flow, says="ActionOnFailure", **failing)

    def test_a_failed_step_has_the_consequences_it_asks_for(self):
        waits, ends = self.own_flow(), self.own_flow()
        first = self.on_steps("false", flow=waits, ActionOnFailure="CANCEL_AND_WAIT")
        second = self.on_steps("true", flow=waits)
        self.on_steps("false", flow=ends, ActionOnFailure="TERMINATE_CLUSTER")
        until(lambda: (self.state(first, waits), self.state(second, waits)) == ("FAILED", "CANCELLED"))
        until(lambda: self.emr.describe_cluster(ClusterId=waits)["Cluster"]["Status"]["State"] == "WAITING")
        self.assertEqual(self.emr.describe_cluster(ClusterId=waits)["Cluster"]["MasterPublicDnsName"], self.primary_node)
        ended = until(lambda: (found := self.emr.describe_cluster(ClusterId=ends)["Cluster"]["Status"])["State"] == "TERMINATED" and found)
        self.assertEqual(ended["StateChangeReason"]["Code"], "STEP_FAILURE")

    def test_livy_listens_on_the_primary_node(self):
        url = f"http://{self.emr.describe_cluster(ClusterId=self.flow)['Cluster']['MasterPublicDnsName']}:8998"
        for _ in range(2):
            with urllib.request.urlopen(f"{url}/version") as answer, urllib.request.urlopen(f"{os.environ['LIVY_URL']}/version") as own:
                self.assertEqual(json.load(answer), json.load(own))

    def listed(self, flow, **filters):
        return [step["Id"] for step in self.emr.list_steps(ClusterId=flow, **filters)["Steps"]]


class Faults(Engine):
    def test_each_fault_meets_as_many_calls_as_it_was_told(self):
        describe = {"virtualClusterId": self.cluster, "id": "unknown"}
        faults = [
            {"fault": "throttle", "operation": "DescribeJobRun"},
            {"fault": "error", "operation": "emr-containers:DescribeJobRun", "status": 503},
            {"fault": "deny", "operation": "DescribeJobRun"},
        ]
        expected = (("ThrottlingException", 400, "Rate exceeded"), ("InternalServerException", 503, ""))
        for fault, (code, status, says) in zip(faults, expected):
            ask("POST", "/_local/faults", fault)
            self.refused(code, self.containers.describe_job_run, **describe, status=status, says=says)
        ask("POST", "/_local/faults", faults[2])
        arn = f"arn:aws:emr-containers:us-east-1:000000000000:/virtualclusters/{self.cluster}/jobruns/unknown"
        says = f"is not authorized to perform: emr-containers:DescribeJobRun on resource: {arn}"
        self.refused("AccessDeniedException", self.containers.describe_job_run, **describe, status=403, says=says)
        self.refused("ResourceNotFoundException", self.containers.describe_job_run, **describe)
        self.assertEqual(ask("POST", "/_local/faults", {"fault": "flood"})[0], 400)

    def test_a_fault_can_be_meant_for_one_caller(self):
        keys = {"aws_access_key_id": "other", "aws_secret_access_key": "other"}
        other = boto3.client("emr", **keys, config=Config(retries={"max_attempts": 0}))
        ask("POST", "/_local/faults", [{"fault": "throttle", "access_key": "other"}, {"fault": "deny", "access_key": "third"}])
        self.emr.list_steps(ClusterId=self.flow)
        self.refused("ThrottlingException", other.list_steps, ClusterId=self.flow)
        other.list_steps(ClusterId=self.flow)
        ask("DELETE", "/_local/faults?access_key=other")
        self.assertEqual([fault["access_key"] for fault in ask("GET", "/_local/faults")[1]], ["third"])
        ask("DELETE", "/_local/faults?access_key=third")
        self.assertEqual(ask("GET", "/_local/faults")[1], [])

    def test_a_fault_may_be_about_one_place(self):
        ask("POST", "/_local/faults", {"fault": "throttle", "resource": self.application})
        self.refused("ResourceNotFoundException", self.containers.describe_job_run, virtualClusterId=self.cluster, id="unknown")
        self.assertEqual(self.state(self.on_steps("true")), "PENDING")
        self.refused("ThrottlingException", self.serverless.list_job_runs, applicationId=self.application)
        self.serverless.list_job_runs(applicationId=self.application)

    def test_an_answer_can_get_lost_after_the_call_took_effect(self):
        for lost in ({"fault": "drop"}, {"fault": "error"}):
            ask("POST", "/_local/faults", [{**lost, "operation": "AddJobFlowSteps", "when": "after"}])
            with self.assertRaises((ConnectionClosedError, ClientError)):
                self.on_steps("true", name=f"lost by {lost['fault']}")
            self.assertEqual([step["Name"] for step in self.emr.list_steps(ClusterId=self.flow)["Steps"]][0], f"lost by {lost['fault']}")
        ask("POST", "/_local/faults", {"fault": "drop", "operation": "AddJobFlowSteps"})
        with self.assertRaises(ConnectionClosedError):
            self.on_steps("true", name="never there")
        self.assertNotIn("never there", [step["Name"] for step in self.emr.list_steps(ClusterId=self.flow)["Steps"]])

    def test_calls_can_be_kept_until_all_of_them_are_there(self):
        ask("POST", "/_local/faults", {"fault": "gather", "operation": "AddJobFlowSteps", "times": 2, "seconds": 60})
        ask("DELETE", "/_local/calls")
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(self.on_steps, "true", name="gathered")
            until(lambda: ask("GET", "/_local/calls")[1])
            self.assertNotIn("gathered", [step["Name"] for step in self.emr.list_steps(ClusterId=self.flow)["Steps"]])
            second = pool.submit(self.on_steps, "true", name="gathered")
            made = [self.step(step.result())["Status"]["Timeline"]["CreationDateTime"] for step in (first, second)]
        self.assertNotEqual(*made)

    def test_what_was_just_started_can_be_hidden_for_a_while(self):
        ask("POST", "/_local/faults", {"fault": "hide", "seconds": 600})
        step = self.on_steps("true")
        self.refused("InvalidRequestException", self.step, step)
        self.assertNotIn(step, [found["Id"] for found in self.emr.list_steps(ClusterId=self.flow)["Steps"]])
        ask("POST", "/_local/faults", {"fault": "hide", "seconds": 600, "hidden_from": ["list"]})
        self.assertEqual(self.step(step := self.on_steps("true"))["Id"], step)

    def test_every_call_is_noted_with_what_iam_would_ask(self):
        ask("DELETE", "/_local/calls")
        job = self.on_serverless("say.py", executionRoleArn=UNTRUSTED)
        self.serverless.get_job_run(applicationId=self.application, jobRunId=job)
        self.serverless.list_applications()
        self.emr.list_steps(ClusterId=self.flow)
        application = f"arn:aws:emr-serverless:us-east-1:000000000000:/applications/{self.application}"
        noted = [(call["action"], call["resource"], call["passes"], call["status"]) for call in ask("GET", "/_local/calls")[1]]
        self.assertEqual(noted, [
            ("emr-serverless:StartJobRun", application, UNTRUSTED, 200),
            ("emr-serverless:GetJobRun", f"{application}/jobruns/{job}", "", 200),
            ("emr-serverless:ListApplications", "*", "", 200),
            ("elasticmapreduce:ListSteps", f"arn:aws:elasticmapreduce:us-east-1:000000000000:cluster/{self.flow}", "", 200),
        ])


class Neighbours(Engine):
    def test_a_stack_makes_what_jobs_run_on_and_changes_and_deletes_it(self):
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName="neighbours", TemplateBody=template("before"))
        made = self.outputs(cloudformation, "CREATE_COMPLETE")
        self.assertEqual(made["ClusterArn"], f"arn:aws:emr-containers:us-east-1:000000000000:/virtualclusters/{made['Cluster']}")
        self.assertEqual(made["ApplicationArn"], f"arn:aws:emr-serverless:us-east-1:000000000000:/applications/{made['Application']}")
        self.assertEqual((made["Dns"], made["Flow"][:2]), (self.primary_node, "j-"))
        application = self.serverless.get_application(applicationId=made["Application"])["application"]
        self.assertEqual(application["initialCapacity"]["Driver"]["workerCount"], 2)
        capabilities = ["CAPABILITY_AUTO_EXPAND"]
        cloudformation.update_stack(StackName="neighbours", TemplateBody=template("after"), Capabilities=capabilities)
        changed = self.outputs(cloudformation, "UPDATE_COMPLETE")
        self.assertEqual({name for name in made if made[name] != changed[name]}, {"Application", "ApplicationArn"})
        self.assertEqual(self.containers.describe_virtual_cluster(id=made["Cluster"])["virtualCluster"]["tags"], {"is": "after"})
        cloudformation.delete_stack(StackName="neighbours")
        for state in (
            lambda: self.emr.describe_cluster(ClusterId=made["Flow"])["Cluster"]["Status"]["State"],
            lambda: self.containers.describe_virtual_cluster(id=made["Cluster"])["virtualCluster"]["state"],
            lambda: self.serverless.get_application(applicationId=changed["Application"])["application"]["state"],
        ):
            until(lambda: state() == "TERMINATED")

    def outputs(self, cloudformation, status):
        def ended():
            (stack,) = cloudformation.describe_stacks(StackName="neighbours")["Stacks"]
            return stack if stack["StackStatus"].endswith(FINAL) else None

        stack = until(ended)
        self.assertEqual(stack["StackStatus"], status)
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


class Ends(Engine):
    def test_nothing_outlives_the_local_emr_whether_it_is_stopped_or_killed(self):
        for end in (lambda: None, lambda: os.kill(Instance(NAME).state["emr"]["pid"], signal.SIGKILL)):
            # With the restart it is forgotten.
            instances = {"KeepJobFlowAliveWhenNoSteps": True}
            flow = self.emr.run_job_flow(Name="ends", Instances=instances, StepConcurrencyLevel=2)["JobFlowId"]
            step = self.on_steps("bash", "-c", "trap '' TERM; sleep 600", flow=flow)
            self.on_steps("spark-submit", "--deploy-mode", "cluster", f"s3://{BUCKET}/idle.py", flow=flow)
            (application,) = until(lambda: applications(flow))
            started = [program(work(step)), program(application)]
            self.assertTrue(all(map(processes.members, started)))
            end()
            local("stop", "emr")
            self.assertEqual([processes.members(one) for one in started], [[], []])
            local("start", "emr")
            # It makes the same again.
            until(lambda: self.emr.describe_cluster(ClusterId=self.flow)["Cluster"]["Status"]["State"] == "WAITING")


def template(tag):
    tags = [{"Key": "is", "Value": tag}]
    provider = {"Id": "eks", "Type": "EKS", "Info": {"EksInfo": {"Namespace": "spark"}}}
    capacity = [{"Key": "Driver", "Value": {"WorkerCount": "2", "WorkerConfiguration": {"Cpu": "2vCPU", "Memory": "4GB"}}}]
    application = {"Name": tag, "Type": "SPARK", "ReleaseLabel": "emr-7.9.0", "InitialCapacity": capacity, "Tags": tags}
    group = {"InstanceCount": "1", "InstanceType": "m5.xlarge"}
    flow = {"Name": "flow", "ServiceRole": "service", "JobFlowRole": "nodes", "Instances": {"MasterInstanceGroup": group}, "Tags": tags}
    # The same name for each, as AWS::LanguageExtensions makes them.
    each = {"Fn::ForEach::Parts": ["Part", ["One"], {"Queue${Part}": {"Type": "AWS::SQS::Queue"}}]} if tag == "after" else {}
    return json.dumps({
        **({"Transform": "AWS::LanguageExtensions"} if each else {}),
        "Resources": {
            "Cluster": {"Type": "AWS::EMRContainers::VirtualCluster", "Properties": {"Name": "eks", "ContainerProvider": provider, "Tags": tags}},
            "Application": {"Type": "AWS::EMRServerless::Application", "Properties": application},
            "Flow": {"Type": "AWS::EMR::Cluster", "Properties": flow},
            **each,
        },
        "Outputs": {
            "Cluster": {"Value": {"Ref": "Cluster"}},
            "ClusterArn": {"Value": {"Fn::GetAtt": ["Cluster", "Arn"]}},
            "Application": {"Value": {"Ref": "Application"}},
            "ApplicationArn": {"Value": {"Fn::GetAtt": ["Application", "Arn"]}},
            "Flow": {"Value": {"Ref": "Flow"}},
            "Dns": {"Value": {"Fn::GetAtt": ["Flow", "MasterPublicDNS"]}},
        },
    })


if __name__ == "__main__":
    unittest.main()
