"""The `spark-submit` (and `spark-sql`) that runs and steps find on their PATH.

On AWS, the submitted arguments meet a Kubernetes or a YARN. Here they meet pyspark's own spark-submit on this machine, so a few of
them are translated first:

- the master is the local one; a deploy mode is dropped
- files in S3 are fetched, since pyspark has no file system for S3
- what the services set for the driver by Spark properties of their own, its environment above all, is set

Where a YARN is emulated (SPARKJOB_YARN names its folder), deploy mode `cluster` starts an application of it, which this program
only waits for.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

# Those of Spark's options that stand alone; any other takes a value, in the next argument or after `=`.
# https://github.com/apache/spark/blob/v3.5.8/launcher/src/main/java/org/apache/spark/launcher/SparkSubmitOptionParser.java
ALONE = {"--verbose", "-v", "--supervise", "--usage-error", "--version", "--help", "-h", "-S", "--silent"}
SHORT = {"-e", "-f", "-i", "-d"}

# Options and properties that name files, with commas between them.
FILES = {"--jars", "--py-files", "--files", "--archives", "-f", "-i"}
FILE_PROPERTIES = {"spark.jars", "spark.submit.pyFiles", "spark.files", "spark.archives"}
FILE_PROPERTIES |= {"spark.yarn.dist.jars", "spark.yarn.dist.pyFiles", "spark.yarn.dist.files", "spark.yarn.dist.archives"}

# What is fetched from S3, and what says where Spark runs.
SCHEMES = ("s3", "s3a", "s3n")
PLACES = {"spark.master", "spark.submit.deployMode"}


def main() -> int:
    tool, *arguments = sys.argv[1:]
    # What the configuration overrides set.
    defaults = json.loads(os.environ.get("SPARKJOB_DEFAULTS") or "{}")
    submission = Submission(tool, arguments, defaults)
    yarn = os.environ.get("SPARKJOB_YARN", "")
    cluster = bool(yarn) and submission.deploy_mode == "cluster"
    try:
        command = submission.command()
    except Exception as fault:
        # As the JVM says it, which those who look for the cause read.
        print(f'Exception in thread "main" {fault}', file=sys.stderr, flush=True)
        return 1
    environment = os.environ | submission.environment(cluster)
    if cluster:
        import emr_yarn

        wait = submission.setting("spark.yarn.submit.waitAppCompletion") != "false"
        return emr_yarn.submit(Path(yarn), command, environment, submission.name, submission.tags, wait)
    os.execve(command[0], command, environment)


class Submission:
    """The arguments of one spark-submit, and properties over which they win."""

    def __init__(self, tool: str, arguments: list[str], defaults: dict[str, str]):
        self.tool, self.defaults = tool, defaults
        self.options, self.rest = _split(arguments)
        self._fetched = 0

    def option(self, name: str) -> str:
        return next((value for option, value in reversed(self.options) if option == name), "")

    def setting(self, name: str) -> str:
        return self.properties.get(name, "")

    @property
    def properties(self) -> dict[str, str]:
        given = (value.partition("=") for option, value in self.options if option in ("--conf", "-c"))
        return self.defaults | {name.strip(): value for name, _, value in given}

    @property
    def deploy_mode(self) -> str:
        return self.option("--deploy-mode") or self.setting("spark.submit.deployMode")

    @property
    def name(self) -> str:
        program = Path(urlsplit(self.rest[0]).path).name if self.rest else self.tool
        return self.option("--name") or self.setting("spark.app.name") or program

    @property
    def tags(self) -> list[str]:
        return [tag.strip() for tag in self.setting("spark.yarn.tags").split(",") if tag.strip()]

    def environment(self, cluster: bool) -> dict[str, str]:
        """What the driver finds in its environment by Spark properties of the services."""
        # YARN's application master is the driver in cluster mode only.
        prefix = "spark.yarn.appMasterEnv." if cluster else os.environ.get("SPARKJOB_DRIVER_ENV", "")
        return {name.removeprefix(prefix): value for name, value in self.properties.items() if prefix and name.startswith(prefix)}

    def command(self) -> list[str]:
        """The arguments for pyspark's own spark-submit, with all that lies in S3 fetched."""
        asked = self.option("--master") or self.setting("spark.master")
        master = asked if asked.startswith("local") else os.environ["SPARKJOB_MASTER"]
        made = [str(Path(os.environ["SPARK_HOME"]) / "bin" / self.tool), "--master", master]
        for name, value in self.defaults.items():
            if name not in PLACES:
                made += ["--conf", f"{name}={self._here(value) if name in FILE_PROPERTIES else value}"]
        for option, value in self.options:
            name, _, given = (value or "").partition("=")
            if option in ("--master", "--deploy-mode") or (option in ("--conf", "-c") and name.strip() in PLACES):
                continue
            if option in ("--conf", "-c") and name.strip() in FILE_PROPERTIES:
                value = f"{name}={self._here(given)}"
            elif option in FILES:
                value = self._here(value)
            made += [option] if value is None else [option, value]
        return [*made, *map(self._here, self.rest[:1]), *self.rest[1:]]

    def _here(self, files: str) -> str:
        return ",".join(map(self._fetch, files.split(",")))

    def _fetch(self, uri: str) -> str:
        if urlsplit(uri).scheme not in SCHEMES:
            return uri
        # Loaded only by those who need it: it takes longer than all the rest.
        import emr_s3

        # `#name` after an archive is where Spark unpacks it to.
        place, hash, name = uri.partition("#")
        self._fetched += 1
        # One folder each: two of the same name may come from two places.
        file = emr_s3.fetch(place, Path(os.environ["SPARKJOB_RUN"]) / "staged" / str(self._fetched))
        return f"{file}{hash}{name}"


def _split(arguments: list[str]) -> tuple[list[tuple[str, str | None]], list[str]]:
    """The options with their values, and the program with its own arguments."""
    options, rest = [], list(arguments)
    while rest and rest[0].startswith("-"):
        argument = rest.pop(0)
        name, equals, value = argument.partition("=")
        if argument in ALONE:
            options.append((argument, None))
        elif equals and name.startswith("--"):
            options.append((name, value))
        elif rest and (argument.startswith("--") or argument in SHORT or argument == "-c"):
            options.append((argument, rest.pop(0)))
        else:
            options.append((argument, None))
    return options, rest


if __name__ == "__main__":
    sys.exit(main())
