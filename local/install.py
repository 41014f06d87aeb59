"""Fetches what the local default runs on: pinned, side by side, once."""

import contextlib
import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import machine
import paths
from say import Fault, dim, good, tail


def aws(step) -> None:
    """MiniStack, and the clients and linters for it."""
    _venv(step, paths.AWS, "requirements-aws.txt")


def emr(step) -> None:
    """What the local EMR is made of."""
    _venv(step, paths.EMR, "requirements-emr.txt")


def tools(step) -> None:
    """What builds and deploys the Lambda."""
    _venv(step, paths.TOOLS, "requirements-tools.txt")


def spark(step) -> None:
    """Spark, and the SparkPi that Spark's own documentation starts with."""
    _venv(step, paths.SPARK, "requirements-spark.txt")
    with contextlib.suppress(Fault):  # Only this one example needs a JDK: `jar` says so to those who ask for it.
        jar(step)


def livy(step) -> None:
    """Livy's server, jar by jar. Maven's own repository is a copy of them all, so it goes again."""
    machine.check_java()
    machine.check_maven()
    repository = paths.HOME / "maven"
    step("mvn dependency:copy-dependencies")
    step.run(
        ["mvn", "--batch-mode", "-f", str(paths.SOURCE / "livy" / "pom.xml"), f"-Dmaven.repo.local={repository}"]
        + ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={paths.LIVY / 'jars'}"]
    )
    shutil.rmtree(repository)


# What `install` puts where, with the file whose content pins it and what a person calls it.
PARTS = {
    "aws": (aws, paths.AWS, "requirements-aws.txt", ("ministack", "awscli")),
    "emr": (emr, paths.EMR, "requirements-emr.txt", ("moto",)),
    "tools": (tools, paths.TOOLS, "requirements-tools.txt", ("aws-sam-cli", "cargo-lambda", "ziglang")),
    "spark": (spark, paths.SPARK, "requirements-spark.txt", ("pyspark",)),
    "livy": (livy, paths.LIVY, "livy/pom.xml", ("livy-server",)),
}


def install(wanted: list[str]) -> None:
    """Installs the parts that are not there as pinned, all at the same time."""
    machine.check_python()
    if unknown := set(wanted) - set(PARTS):
        raise Fault(f"There is no {', '.join(sorted(unknown))} to install, only {', '.join(PARTS)}")
    with _alone():
        missing = [name for name in wanted or PARTS if not installed(name)]
        if not missing:
            print("Everything is installed.")
            return
        with ThreadPoolExecutor(len(missing)) as pool:
            results = [pool.submit(_install, name) for name in missing]
    faults = [str(fault) for fault in (result.exception() for result in results) if fault]
    if faults:
        raise Fault("\n".join(faults))


def installed(name: str) -> bool:
    stamp = _stamp(name)
    return stamp.exists() and stamp.read_text() == _pins(name)


def jar(step=None) -> None:
    """Compiles SparkPi.java against pyspark's jars."""
    machine.check_javac()
    if not list(paths.SPARK.glob("lib/python3*/site-packages/pyspark")):
        raise Fault("Spark is not installed: run `local/local.py install spark`")
    step = step or Step("jar")
    step("javac SparkPi.java")
    classes = paths.JOBS / "classes"
    classes.mkdir(parents=True, exist_ok=True)
    source = paths.SOURCE / "jobs" / "SparkPi.java"
    step.run(
        [machine.java("javac"), "--release", "17", "-cp", f"{paths.spark_home()}/jars/*", "-d", str(classes), str(source)]
    )
    step.run([machine.java("jar"), "--create", "--file", str(paths.SPARK_PI), "-C", str(classes), "."])


class Step:
    """One part's progress: says what it does, and keeps what the tools say for the case that they fail."""

    def __init__(self, name: str):
        self.name = name
        self.log = paths.HOME / "log" / f"install-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.write_text("")

    def __call__(self, doing: str) -> None:
        _say(f"{self.name:<7} {dim(doing)}")

    def run(self, command: list[str]) -> None:
        with self.log.open("a") as log:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if done.returncode:
            raise Fault(f"{self.name}: `{' '.join(command)}` failed:\n{tail(self.log)}\n  The whole of it: {self.log}")


def _install(name: str) -> None:
    act, folder, _, _ = PARTS[name]
    step, began = Step(name), time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    act(step)
    # Only now: an install that was cut off is begun anew.
    _stamp(name).write_text(_pins(name))
    _say(f"{name:<7} {good(_title(name))}   {_megabytes(folder)} MB   {time.monotonic() - began:.0f} s")


def _venv(step, folder: Path, requirements: str) -> None:
    lock = paths.SOURCE / requirements
    step(f"pip install -r {requirements}")
    step.run([sys.executable, "-m", "venv", str(folder)])
    # The constraint also holds for what pip fetches to build a package with. No cache: it would lie outside `.local/`.
    step.run(
        ["env", f"PIP_CONSTRAINT={lock}", str(folder / "bin" / "pip"), "install", "--requirement", str(lock)]
        + ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "--progress-bar", "off"]
    )


@contextlib.contextmanager
def _alone():
    """Two installs at once would wipe what the other one fetches; the second waits, and then finds it done."""
    paths.HOME.mkdir(exist_ok=True)
    with (paths.HOME / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stamp(name: str) -> Path:
    return PARTS[name][1] / "installed"


def _pins(name: str) -> str:
    """A hash of all that the installed part hangs on; a venv's scripts hold its own path, so it cannot be moved."""
    _, folder, pins, _ = PARTS[name]
    return hashlib.sha256(f"{folder} {(paths.SOURCE / pins).read_text()}".encode()).hexdigest()


def _title(name: str) -> str:
    """What was installed, with the versions from the pins: `pyspark==3.5.8`, or the POM's lines."""
    _, _, pins, packages = PARTS[name]
    text = (paths.SOURCE / pins).read_text()
    versions = dict(re.findall(r"^(\S+)==(\S+)$", text, re.M) + re.findall(r"<artifactId>(.+)<.+\s+<version>(.+)<", text))
    return ", ".join(f"{package} {versions[package]}" for package in packages)


def _say(line: str) -> None:
    """In one piece, so that the lines of two parts never run together."""
    print(f"{line}\n", end="", flush=True)


def _megabytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) // 1_000_000
