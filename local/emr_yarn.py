"""As much of a YARN as matters to who submits to it in cluster mode: applications that outlive the step that started them.

A step that is cancelled leaves its application alive (https://issues.apache.org/jira/browse/SPARK-6692), so it must be found by a tag
and killed. As a program this is the `yarn` that steps find on their PATH: `yarn application -list | -status | -kill`, worded as Hadoop
words it (hadoop-yarn-client's ApplicationCLI.java).

Each application is a folder `application_<start of the cluster>_<number>`.
"""

import contextlib
import getpass
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import processes

STATES = ("NEW", "NEW_SAVING", "SUBMITTED", "ACCEPTED", "RUNNING", "FINISHED", "FAILED", "KILLED")
OVER = ("FINISHED", "FAILED", "KILLED")
# What Java's printf makes of ApplicationCLI's pattern.
ROW = "%30s\t%20s\t%20s\t%10s\t%10s\t%18s\t%18s\t%15s\t%35s"
RESOURCE_MANAGER = "INFO client.DefaultNoHARMFailoverProxyProvider: Connecting to ResourceManager at /127.0.0.1:8032"


# --- spark-submit's side ----------------------------------------------------------------------------------------------


def submit(yarn: Path, command: list[str], environment: dict[str, str], name: str, tags: list[str], wait: bool) -> int:
    """Starts an application and, if asked to, waits for it as spark-submit does; returns spark-submit's exit code."""
    folder = _new(yarn)
    _save(folder, {
        "id": folder.name,
        "name": name,
        # YARN compares tags in small letters: https://issues.apache.org/jira/browse/YARN-1461
        "tags": [tag.lower() for tag in tags],
        "state": "ACCEPTED",
        "final": "UNDEFINED",
    })
    supervisor = [sys.executable, "-B", __file__, "supervise", str(folder), *command]
    program = processes.start(supervisor, environment, folder, folder / "supervisor.log")
    _say(f"INFO YarnClientImpl: Submitted application {folder.name}")
    return _await(folder, program) if wait else 0


def _await(folder: Path, program: dict) -> int:
    told = ""
    while True:
        # In this order: what an application wrote last is there once it is gone.
        alive = processes.alive(program)
        application = _load(folder)
        if application["state"] != told:
            told = application["state"]
            _say(f"INFO Client: Application report for {folder.name} (state: {told})")
        if told in OVER:
            return _verdict(application)
        if not alive:
            _finish(folder, "FAILED", "FAILED")
        time.sleep(0.2)


def _verdict(application: dict) -> int:
    if application["final"] == "SUCCEEDED":
        return 0
    word = "is killed" if application["state"] == "KILLED" else "finished with failed status"
    _say(f'Exception in thread "main" org.apache.spark.SparkException: Application {application["id"]} {word}')
    return 1


def _new(yarn: Path) -> Path:
    """A folder with the next number of this cluster."""
    number = 1 + len(list(yarn.glob("application_*")))
    while True:
        folder = yarn / f"application_{(yarn / 'started').read_text()}_{number:04}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
        number += 1


def _say(text: str) -> None:
    print(f"{time.strftime('%y/%m/%d %H:%M:%S')} {text}", file=sys.stderr, flush=True)


# --- the application's side -------------------------------------------------------------------------------------------


def supervise(folder: Path, command: list[str]) -> None:
    """Runs an application, which this process lives and dies with."""
    # By itself, so that it can be ended even if the step that started it was killed a moment ago.
    (folder / "program.json").write_text(json.dumps(processes.program(os.getpid())))
    if _load(folder)["state"] in OVER:
        return
    _update(folder, state="RUNNING")
    with (folder / "stdout").open("wb") as output, (folder / "stderr").open("wb") as errors:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors).returncode
    _publish(folder)
    _finish(folder, "FINISHED", "FAILED" if code else "SUCCEEDED")
    (folder / "program.json").unlink()


def _publish(folder: Path) -> None:
    """Its logs, to where EMR puts those of containers."""
    if uri := os.environ.get("SPARKJOB_LOG_URI"):
        import emr_s3

        container = folder.name.replace("application", "container") + "_01_000001"
        files = {name: folder / name for name in ("stdout", "stderr")}
        emr_s3.publish(f"{uri}/containers/{folder.name}/{container}", files)


def kill(folder: Path) -> None:
    """Ends an application. It is KILLED when all of it is dead."""
    if (folder / "program.json").exists():
        processes.stop(json.loads((folder / "program.json").read_text()))
        (folder / "program.json").unlink(missing_ok=True)
    _finish(folder, "KILLED", "KILLED")


def _finish(folder: Path, state: str, final: str) -> None:
    if _load(folder)["state"] not in OVER:
        _update(folder, state=state, final=final)


def _load(folder: Path) -> dict:
    return json.loads((folder / "application.json").read_text())


def _update(folder: Path, **changes) -> None:
    _save(folder, _load(folder) | changes)


def _save(folder: Path, application: dict) -> None:
    # Whole or not at all: others read it while it is written.
    draft = folder / f"application.{os.getpid()}"
    draft.write_text(json.dumps(application))
    draft.replace(folder / "application.json")


# --- `yarn` -----------------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    yarn = Path(os.environ["SPARKJOB_YARN"])
    _say(RESOURCE_MANAGER)
    match [argument.removeprefix("-") if argument.startswith("--") else argument for argument in arguments]:
        case ["application" | "app", "-kill", *ids] if ids:
            return _kill(yarn, ids)
        case ["application" | "app", "-status", id]:
            return _status(yarn, id)
        case ["application" | "app", *filters] if "-list" in filters:
            filters.remove("-list")
            return _list(yarn, filters)
    print("usage: application -list [-appStates STATES] [-appTags TAGS] [-appTypes TYPES] | -status ID | -kill ID ...", file=sys.stderr)
    return 255


def _list(yarn: Path, filters: list[str]) -> int:
    given = {name: value.split(",") for name, value in zip(filters[::2], filters[1::2], strict=True)}
    states = [state.upper() for state in given.get("-appStates", ("SUBMITTED", "ACCEPTED", "RUNNING"))]
    states = [state for state in STATES if state in states or "ALL" in states]
    tags = [tag.lower() for tag in given.get("-appTags", ())]
    types = given.get("-appTypes", [])
    applications = [_load(folder) for folder in sorted(yarn.glob("application_*")) if (folder / "application.json").exists()]
    found = [
        application
        for application in applications
        if application["state"] in states and (not tags or set(tags) & set(application["tags"])) and (not types or "SPARK" in types)
    ]
    shown = ["[" + ", ".join(words) + "]" for words in (types, states, tags)]
    print(f"Total number of applications (application-types: {shown[0]}, states: {shown[1]} and tags: {shown[2]}):{len(found)}")
    titles = "Application-Id Application-Name Application-Type User Queue State Final-State Progress Tracking-URL"
    print(ROW % tuple(titles.split()))
    for application in found:
        progress = "100%" if application["state"] in OVER else "10%"
        who = ("SPARK", getpass.getuser(), "default")
        print(ROW % (application["id"], application["name"], *who, application["state"], application["final"], progress, "N/A"))
    return 0


def _status(yarn: Path, id: str) -> int:
    if not (yarn / id / "application.json").exists():
        print(f"Application with id '{id}' doesn't exist in RM or Timeline Server.")
        return 255
    application = _load(yarn / id)
    print("Application Report : ")
    for title, member in (("Application-Id", "id"), ("Application-Name", "name"), ("State", "state"), ("Final-State", "final")):
        print(f"\t{title} : {application[member]}")
    return 0


def _kill(yarn: Path, ids: list[str]) -> int:
    """As with Hadoop, 0 where at least one of them was known."""
    code = 255
    for id in ids:
        if not (yarn / id / "application.json").exists():
            print(f"Application with id '{id}' doesn't exist in RM.")
            continue
        code = 0
        if _load(yarn / id)["state"] in OVER:
            print(f"Application {id} has already finished ")
        else:
            print(f"Killing application {id}")
            kill(yarn / id)
            _say(f"INFO impl.YarnClientImpl: Killed application {id}")
    return code


if __name__ == "__main__":
    if sys.argv[1:2] == ["supervise"]:
        supervise(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(main(sys.argv[1:]))
