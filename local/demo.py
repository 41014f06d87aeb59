#!/usr/bin/env python3
"""Custom::SparkJob from a clean clone to stacks with Spark jobs, on this machine and without an AWS account.

Every step looks whether things are as they should be; the first that are not end the demo with a message and status 1.
Whatever happens, nothing is left running. `--engine` says on what the jobs run; all else is the same on each.
"""

import argparse
import contextlib
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

# All that is written goes below `.local/`, compiled modules too.
sys.dont_write_bytecode = True

import demo_show as show
import machine
import paths
import processes
from demo_engines import ENGINES, Engine, engine
from demo_prepare import Program, prepare
from demo_templates import Templates
from demo_watch import Watch
from instance import Instance
from say import Fault, bad, good

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INSTANCE = "demo"
SUBMITTER = "spark-job-submitter"

JOBS = paths.SOURCE / "jobs"
SCRATCH = paths.HOME / "demo"


def main() -> int:
    parser = argparse.ArgumentParser(description="From nothing to stacks with Spark jobs, on this machine.")
    parser.add_argument("--engine", choices=ENGINES, default="livy", help="what the jobs run on (default: livy)")
    wanted = parser.parse_args().engine
    # A closed terminal and a polite `kill` end as Ctrl-C does: with everything stopped.
    for sign in ENDS:
        signal.signal(sign, signal.default_int_handler)
    try:
        tell(wanted)
        return 0
    except Fault as fault:
        print(f"\n{bad('The demo ends here:', sys.stderr)} {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130


def tell(wanted: str) -> None:
    """The whole story."""
    check_machine()
    show.step("Download and build")
    prepare()
    with local_default(wanted) as here:
        deploy(here)
        two_jobs(here)
        replacement(here)
        failure(here)
        clean_up(here)
    show.step("Done")
    show.summary()


@dataclass
class Here:
    """The local default, and what the demo made on it."""

    cloudformation: object
    watch: Watch
    engine: Engine
    templates: Templates
    stacks: list[str] = field(default_factory=list)


def check_machine() -> None:
    """Finds out in a second what would else end the demo after minutes."""
    machine.check_python()
    machine.check_javac()
    machine.check_java()
    machine.check_cc()
    instance = Instance(INSTANCE)
    if any(map(instance.alive, instance.state)):
        raise Fault(f"Another one runs already; if not, end what it left: `local/local.py --instance {INSTANCE} down`")


@contextlib.contextmanager
def local_default(wanted: str):
    """Starts it, with free ports, so that it is never in the way of `make up`'s; and stops it, whatever happens."""
    show.step("Start an AWS, an EMR, a Livy and a Spark on this machine")
    instance = Instance(INSTANCE)
    try:
        instance.up(aws_port=0, livy_port=0, emr_port=0, retain=600)
        for name, service in instance.services().items():
            show.line("start", name, "up", service.url, good)
        yield here(instance, wanted)
        stop(instance)
    except Fault as fault:
        raise Fault(f"{fault}\n  Logs: {instance.folder / 'log'}") from None
    except Exception:
        if dead := [name for name in instance.services() if not instance.alive(name)]:
            raise Fault(f"Ended by itself: {', '.join(dead)}\n  Logs: {instance.folder / 'log'}") from None
        raise
    except KeyboardInterrupt:
        print("\nStopping everything.", file=sys.stderr, flush=True)
        raise
    finally:
        for sign in ENDS:
            signal.signal(sign, signal.SIG_IGN)
        instance.down()


def stop(instance: Instance) -> None:
    show.step("Stop them")
    programs = {name: dict(program) for name, program in instance.state.items()}
    instance.down()
    for name, program in programs.items():
        left = processes.members(program)
        expect(not left, f"What {name} started still runs: {left}")
        show.line("stop", name, "down", "nothing is left of it", good)


def here(instance: Instance, wanted: str) -> Here:
    """Points this process, and the programs that it starts, to the instance."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    # Never over a proxy: all of this is on this machine.
    os.environ.update(instance.environment(), NO_PROXY="127.0.0.1", no_proxy="127.0.0.1")
    # boto3 is pure Python, so whatever Python runs this can take it from the emulator's environment.
    sys.path.insert(1, str(next(paths.AWS.glob("lib/python3*/site-packages"))))
    import boto3

    shutil.rmtree(SCRATCH, ignore_errors=True)
    SCRATCH.mkdir(parents=True)
    cloudformation, chosen = boto3.client("cloudformation"), engine(wanted, instance.folder / "work" / "emr" / "runs")
    return Here(cloudformation, Watch(cloudformation, chosen), chosen, Templates(chosen))


def deploy(here: Here) -> None:
    show.step("Deploy the Lambda behind Custom::SparkJob")
    show.say(
        f"Here all engines are within reach. On AWS, {here.engine.barred}. "
        "Write these to parameter_overrides in samconfig.toml, below [default.deploy.parameters]:"
    )
    show.table(here.engine.parameters)
    show.say(here.engine.notice)
    show.typed("make deploy")
    with Program("deploy", ["sam", "deploy", "--config-env", "local"]) as program:
        while program.running():
            # At first there is no such stack.
            with contextlib.suppress(here.cloudformation.exceptions.ClientError):
                here.watch.look(SUBMITTER)
            time.sleep(1)
        program.check()
    (stack,) = here.watch.until_done(SUBMITTER)
    exports = {output.get("ExportName"): output["OutputValue"] for output in stack["Outputs"]}
    expect(SUBMITTER in exports, f"The stack {SUBMITTER} does not export {SUBMITTER}")
    show.table({f"Export {SUBMITTER}": exports[SUBMITTER]})


def two_jobs(here: Here) -> None:
    show.step("Two stacks, with a Spark job each")
    if typed := here.engine.prepare():
        show.typed(typed)
    if not here.templates.as_they_stand:
        show.say(f"To run examples/spark-pi.yaml on {here.engine.title}, only its target is another one:")
        here.templates.difference("spark-pi.yaml")
    show.say("In spark-pi.yaml a job is a resource like any other:")
    show.quote(here.templates.section("spark-pi.yaml", "Resources"))
    here.templates.typed("spark-pi", "spark-pi.yaml", File="s3://bucket/spark-examples.jar")
    here.templates.typed("pi", "pi.yaml", File="s3://bucket/pi.py")
    made = [
        create(here, "spark-pi", "spark-pi.yaml", File=place(here, paths.SPARK_PI)),
        create(here, "pi", "pi.yaml", File=place(here, JOBS / "pi.py")),
    ]
    for stack in here.watch.until_done(*made):
        expect_status(here, stack, "CREATE_COMPLETE")
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        id = here.engine.id(outputs["Job"])
        expect(id in here.watch.jobs(), f"{stack['StackName']}'s job is not known to {here.engine.title}: {outputs['Job']!r}")
        pi = here.watch.await_line(id, r"Pi is roughly ([\d.]+)")
        show.say(f"Stack {stack['StackName']}, from the log of its job and from its outputs:")
        # On an engine that does not tell an attribute it is empty.
        show.table({"Pi is roughly": good(pi)} | {name: value for name, value in outputs.items() if value})
        expect(abs(float(pi) - 3.14) < 0.05, f"That is not pi: {pi}")


def replacement(here: Here) -> None:
    show.step("A new version takes the place of a running job")
    show.say("examples/streaming.yaml runs until it is stopped. An update stops it, and then starts the new version at its checkpoint.")
    checkpoint, new_version = SCRATCH / "checkpoint", SCRATCH / "stream-2.py"
    shutil.copy(JOBS / "stream.py", new_version)
    wanted = {"Checkpoint": str(checkpoint), "StableSeconds": "10"}
    here.templates.typed("stream", "streaming.yaml", File="s3://bucket/stream.py", Checkpoint="s3://bucket/checkpoint")
    made = create(here, "stream", "streaming.yaml", File=place(here, JOBS / "stream.py"), **wanted)
    expect_status(here, *here.watch.until_done(made), "CREATE_COMPLETE")
    old, old_id = the_one_alive(here), physical_id(here, "stream", "Stream")
    # Else there would be nothing to go on with.
    here.watch.await_line(old, r"Batch: ([2-9])")

    show.say(
        "Whoever stops a streaming job reads a few errors in its log: its driver complains that its SparkContext was shut down while "
        "it worked on a batch. So it says goodbye, nothing is wrong with it, and it is left out here."
    )
    here.watch.hush(old)
    here.templates.typed("stream", "streaming.yaml", File="s3://bucket/stream-2.py", Checkpoint="s3://bucket/checkpoint")
    update(here, "stream", "streaming.yaml", File=place(here, new_version), **wanted)
    expect_status(here, *here.watch.until_done(made), "UPDATE_COMPLETE")
    new, new_id = the_one_alive(here), physical_id(here, "stream", "Stream")
    show.say("The same resource, Stream, is another job now:")
    show.table({"before": f"{here.engine.noun} {old}   {old_id}", "now": f"{here.engine.noun} {new}   {new_id}"})
    expect(old != new and old_id != new_id, "The update did not replace the job")
    first = here.watch.await_line(new, r"Batch: (\d+)")
    show.say(f"It went on with the stream's batch {first}, where the old one was stopped.")
    expect(int(first) > 0, "The new version did not go on at the checkpoint")
    here.watch.hush(new)


def failure(here: Here) -> None:
    show.step("A job that fails says why")
    here.templates.typed("broken", "pi.yaml", File="s3://bucket/fail.py")
    made = create(here, "broken", "pi.yaml", File=place(here, JOBS / "fail.py"), Partitions="1")
    expect_status(here, *here.watch.until_done(made), "ROLLBACK_COMPLETE")
    reason = show_reason(here, made)
    expect(here.engine.explains in reason, f"The reason does not tell {here.engine.explains!r}")

    show.say("One that cannot run is not even submitted. All that is wrong with it is told at once:")
    here.templates.typed("wrong", "pi.yaml", File="", **here.engine.wrong)
    before = here.watch.jobs().keys()
    made = create(here, "wrong", "pi.yaml", File="", **here.engine.wrong)
    expect_status(here, *here.watch.until_done(made), "ROLLBACK_COMPLETE")
    reason = show_reason(here, made)
    expect(all(name in reason for name in [*here.engine.wrong, "Parameters.File"]), "The reason does not name both faults")
    expect(here.watch.jobs().keys() <= before, "A job was submitted in spite of them")


def clean_up(here: Here) -> None:
    show.step("Delete everything")
    show.typed("aws cloudformation delete-stack --stack-name stream")
    show.say("And so on. The Lambda goes last: without it, no job could be stopped.")
    for stack_id in here.stacks:
        here.cloudformation.delete_stack(StackName=stack_id)
    for stack in here.watch.until_done(*here.stacks):
        expect_status(here, stack, "DELETE_COMPLETE")
    jobs, alive = here.watch.jobs(), here.watch.alive()
    show.say(f"What {here.engine.title} says of all that it was asked for:")
    show.table({f"{here.engine.noun} {id}": job.state for id, job in jobs.items()} | {"alive": ", ".join(alive) or good("none")})
    show.say(here.engine.keeps)
    expect(not alive, f"The stacks are gone, and jobs of theirs are not: {alive}")
    show.typed("sam delete")
    with Program("delete", ["sam", "delete", "--config-env", "local", "--no-prompts"]) as program:
        program.check()
    show.line("stack", SUBMITTER, "DELETE_COMPLETE", "AWS::CloudFormation::Stack", good)


def create(here: Here, name: str, template: str, **parameters: str) -> str:
    """Begins to make a stack, and returns its id."""
    arguments = here.templates.request(name, template, here.engine.target() | parameters)
    stack_id = here.cloudformation.create_stack(**arguments)["StackId"]
    here.stacks.append(stack_id)
    return stack_id


def update(here: Here, name: str, template: str, **parameters: str) -> None:
    here.cloudformation.update_stack(**here.templates.request(name, template, here.engine.target() | parameters))


def place(here: Here, file: Path) -> str:
    """Makes a job's file reachable, and returns what a template calls it."""
    uri = here.engine.place(file)
    show.line("file", file.name, "there", uri, good)
    return uri


def physical_id(here: Here, stack: str, resource: str) -> str:
    asked = here.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=resource)
    return asked["StackResourceDetail"]["PhysicalResourceId"]


def the_one_alive(here: Here) -> str:
    """The id of the job that is not over; there must be exactly one."""
    alive = here.watch.alive()
    expect(len(alive) == 1, f"One job should be alive, not {len(alive)}: {alive}")
    return alive[0]


def show_reason(here: Here, stack_id: str) -> str:
    """What CloudFormation shows beside the resource that failed first."""
    failed = next(event for event in here.watch.events(stack_id) if event["ResourceStatus"] == "CREATE_FAILED")
    show.typed(f"aws cloudformation describe-stack-events --stack-name {failed['StackName']}")
    show.say(f"The reason beside {failed['LogicalResourceId']}, CREATE_FAILED:")
    show.quote(failed["ResourceStatusReason"])
    return failed["ResourceStatusReason"]


def expect_status(here: Here, stack: dict, status: str) -> None:
    if stack["StackStatus"] != status:
        reasons = [event.get("ResourceStatusReason", "") for event in here.watch.events(stack["StackId"]) if "FAILED" in event["ResourceStatus"]]
        raise Fault("\n".join([f"{stack['StackName']} is {stack['StackStatus']}, and should be {status}.", *reasons]))


def expect(true: bool, otherwise: str) -> None:
    if not true:
        raise Fault(otherwise)


if __name__ == "__main__":
    sys.exit(main())
