"""What comes before: everything is downloaded and built, as much as possible at the same time."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from io import BytesIO
from pathlib import Path

import demo_show as show
import install
import paths
from say import Fault, good, tail

# Where samconfig.toml's local stage builds.
# One program for both functions, which SAM builds once.
BOOTSTRAP = paths.HOME / "build" / "Submitter-Shared" / "bootstrap"
# Absolute: SAM builds in handler/, where a relative one would be another folder.
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", paths.ROOT / "target")).absolute()

# Programs that run at the same time, each with the part of the local default that it waits for. What the build waits for
# is not held up by all the rest. Cargo and SAM share Cargo's download of the crates: who comes second waits for the first,
# by a lock of Cargo's, as installs do.
PROGRAMS = {
    "install-first": ("", [sys.executable, paths.SOURCE / "local.py", "install", "tools", "spark"]),
    "install": ("tools", [sys.executable, paths.SOURCE / "local.py", "install"]),
    "crates": ("", ["cargo", "fetch", "--locked", "--target", "x86_64-unknown-linux-gnu"]),
    "build": ("tools", ["sam", "build", "--config-env", "local"]),
    "jar": ("spark", [sys.executable, paths.SOURCE / "local.py", "jar"]),
}

# Seconds after which a sign of life is due.
HEARTBEAT = 20


def prepare() -> None:
    """Downloads and builds whatever is not there yet."""
    if not shutil.which("cargo"):
        raise Fault("Rust is needed to build the Lambda: https://rustup.rs")
    waiting, running, told = dict(PROGRAMS), {}, time.monotonic()
    with contextlib.ExitStack() as programs:
        while waiting or running:
            for name in [name for name, (part, _) in waiting.items() if not part or install.installed(part)]:
                running[name] = programs.enter_context(Program(name, waiting.pop(name)[1]))
            for name, program in list(running.items()):
                ended = not program.running()
                if _tell(name, program.fresh()):
                    told = time.monotonic()
                if ended:
                    program.check()
                    _tell_end(running.pop(name))
            if time.monotonic() > told + HEARTBEAT:
                _tell_life(running)
                told = time.monotonic()
            time.sleep(0.2)


class Program:
    """A program in the background, at the root of the repository. Its output goes to a log; it ends with the block."""

    def __init__(self, name: str, command: list):
        self.name, self.began = name, time.time()
        self.log = paths.HOME / "log" / f"demo-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        path = f"{paths.TOOLS / 'bin'}{os.pathsep}{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "SAM_CLI_TELEMETRY": "0", "CARGO_TARGET_DIR": str(TARGET)}
        with self.log.open("w") as log:
            # A session of its own: Ctrl-C reaches the demo alone, which then ends all that it started, in order.
            self._process = subprocess.Popen(
                command, cwd=paths.ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._output = self.log.open()

    def running(self) -> bool:
        return self._process.poll() is None

    def fresh(self) -> list[str]:
        """The lines that came since the last time."""
        return self._output.read().splitlines()

    def check(self) -> None:
        """Waits for its end, which must be a good one."""
        if self._process.wait():
            raise Fault(f"`{' '.join(map(str, self._process.args))}` failed:\n{tail(self.log)}\n  The whole of it: {self.log}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.running():
            os.killpg(self._process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()


def _tell(name: str, lines: list[str]) -> bool:
    """Hands on what the installer says of its parts; returns whether there was anything."""
    parts = [re.fullmatch(r"(\w+)\s{2,}(.+)", line) for line in lines if name.startswith("install")]
    for part in filter(None, parts):
        show.line("get", part[1], part[2])
    return any(parts)


def _tell_end(program: Program) -> None:
    def there(source, subject, detail=""):
        show.line(source, subject, "there", f"{time.time() - program.began:3.0f} s   {detail}", good)

    if program.name == "install":
        there("get", "all parts")
    if program.name == "crates":
        count, size = _downloaded(program)
        there("get", "crates", f"{count} downloaded, {_size(size)}" if count else "")
    if program.name == "jar":
        there("build", paths.SPARK_PI.name, _size(paths.SPARK_PI.stat().st_size))
    if program.name == "build":
        zipped = BytesIO()
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(BOOTSTRAP)
        there("build", "handler", f"{_size(BOOTSTRAP.stat().st_size)}, zipped {_size(len(zipped.getvalue()))}")


def _downloaded(crates: Program) -> tuple[int, int]:
    """How many crates Cargo has fetched, and their size in bytes."""
    cache = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo")) / "registry" / "cache"
    files = [file.stat() for file in cache.glob("*/*.crate")]
    sizes = [file.st_size for file in files if file.st_mtime >= crates.began]
    return len(sizes), sum(sizes)


def _tell_life(running: dict[str, Program]) -> None:
    """SAM shows nothing of what Cargo does, and a download takes its time."""
    if parts := [name for name in install.PARTS if not install.installed(name)]:
        show.line("get", ", ".join(parts), "not there yet")
    if "build" in running:
        compiled = [file for file in TARGET.glob("*/release/deps/*.rlib") if file.stat().st_mtime > running["build"].began]
        show.line("build", "handler", "not there yet", f"{len(compiled)} crates compiled")


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count > 1e5 else f"{count / 1e3:.0f} kB"
