"""What must be on the machine already: Python, Java, Maven. Each check names the Debian package that helps."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys

from say import Fault

# Spark 3.5's Hadoop asks who the user is in a way that Java gave up with version 23.
JAVA = range(17, 23)
JDK = "openjdk-17-jdk-headless (Debian 13: openjdk-21-jdk-headless)"


def java(name: str = "java") -> str:
    """A program of the JDK: JAVA_HOME's, if it is set, or the PATH's."""
    home = os.environ.get("JAVA_HOME")
    return os.path.join(home, "bin", name) if home else name


def check_python() -> None:
    if sys.version_info < (3, 11):
        raise Fault(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. On Debian 12 or newer: apt install python3")
    if not importlib.util.find_spec("ensurepip"):
        raise Fault("Python's venv module is incomplete. On Debian: apt install python3-venv")


def check_java() -> None:
    wanted = f"Java {JAVA.start} to {JAVA.stop - 1} is needed"
    cure = f"On Debian: apt install {JDK}; beside another Java, point JAVA_HOME at it."
    try:
        # The version goes to stderr, after a line of the JVM's own where JAVA_TOOL_OPTIONS is set.
        said = subprocess.run([java(), "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        raise Fault(f"{wanted}; `{java()}` does not run. {cure}") from None
    found = re.search(r'version "((?:1\.)?(\d+)[^"]*)"', said)
    if not found or int(found[2]) not in JAVA:
        raise Fault(f"{wanted}; `{java()}` is {found[1] if found else said.strip()}. {cure}")


def check_javac() -> None:
    if not shutil.which(java("javac")):
        raise Fault(
            f"A JDK is needed to compile SparkPi.java; only a Java runtime is here (no `{java('javac')}`). "
            f"On Debian: apt install {JDK}"
        )


def check_maven() -> None:
    if not shutil.which("mvn"):
        raise Fault("Maven is needed to fetch Livy. On Debian: apt install maven")


def check_cc() -> None:
    """Rust links with it, before zig does."""
    if not shutil.which("cc"):
        raise Fault("A C compiler is needed to build the handler. On Debian: apt install build-essential")
