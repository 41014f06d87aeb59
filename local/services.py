"""The three programs that make up the local default: how each is started, and how it shows that it is well."""

import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import machine
import paths
import processes

# Never over a proxy, which an environment may name: all of this is on this machine.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

# MiniStack takes `test` for the root user of account 000000000000, whatever the secret is signed with.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}

# A role of the same account, for job runs; the local EMR asks nothing of it.
EXECUTION_ROLE = "arn:aws:iam::000000000000:role/emr-execution"

# What Hadoop, Kryo and Livy reach into since Java closed its modules.
OPENED = (
    "java.lang java.lang.invoke java.io java.net java.nio java.util java.util.concurrent.atomic sun.nio.ch sun.util.calendar"
).split()


# What is run here is over before a JVM has compiled it to the last: without that, Spark's Pi takes half of the processor's time.
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"


@dataclass
class Service:
    """One program of an instance, whose files lie in `folder`."""

    folder: Path
    port: int

    name = path = ""
    needs = ()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "log" / f"{self.name}.log"

    def healthy(self) -> bool:
        try:
            with _open(self.url + self.path, timeout=5) as answer:
                return bool(json.load(answer))
        except (OSError, ValueError):
            return False

    def environment(self) -> dict[str, str]:
        """This shell's, without what would lead to a real AWS account: Lambdas inherit all of it."""
        temporary = self.folder / "tmp"
        return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {"TMPDIR": str(temporary)}

    def sweep(self) -> None:
        """Ends what it started outside of its own session, and could not end when it was killed."""

    def start(self) -> dict:
        for folder in ("log", "tmp", "work"):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
        return processes.start(self.command(), self.environment(), self.folder / "work", self.log)


@dataclass
class Aws(Service):
    """MiniStack, in our adapter. Its Lambdas find the local EMR by its environment, which they inherit."""

    emr: "Emr"

    name, path, needs = "aws", "/_ministack/health", ("aws",)

    def command(self) -> list[str]:
        # -P: this folder's modules are none of MiniStack's business. -B: nothing is written here.
        return [str(paths.AWS / "bin" / "python"), "-P", "-B", str(paths.SOURCE / "adapter.py")]

    def environment(self) -> dict[str, str]:
        return super().environment() | CREDENTIALS | self.emr.endpoints() | {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.url,
            "LAMBDA_EXECUTOR": "local",
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "SPARKJOB_CUSTOM_RESOURCES": str(self.folder / "log" / "custom-resources.jsonl"),
            "SPARKJOB_LAMBDA_LOG": str(self.folder / "log" / "lambda.log"),
            "PYTHONUNBUFFERED": "1",
        }


class SparkService(Service):
    """A service that runs pyspark's Spark on this machine, by a folder `conf` of its own."""

    conf = ""

    @property
    def _conf(self) -> Path:
        return self.folder / self.conf

    def environment(self) -> dict[str, str]:
        python = str(paths.SPARK / "bin" / "python")
        return super().environment() | {
            "SPARK_HOME": str(paths.spark_home()),
            "SPARK_CONF_DIR": str(self._conf),
            "SPARK_LOCAL_DIRS": str(self.folder / "tmp"),
            # Else Spark looks up the machine's own name, which not every network knows.
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_HOSTNAME": "127.0.0.1",
            # spark-submit is two JVMs: the first one only makes up the command line of the second.
            "SPARK_LAUNCHER_OPTS": SHORT_LIVED,
            "PYSPARK_PYTHON": python,
            "PYSPARK_DRIVER_PYTHON": python,
        }

    def start(self) -> dict:
        self._conf.mkdir(parents=True, exist_ok=True)
        self._configure()
        return super().start()

    def _configure(self) -> None:
        (self._conf / "log4j2.properties").write_text((paths.SOURCE / "spark" / "log4j2.properties").read_text())
        _properties(self._conf / "spark-defaults.conf", {
            # A few jobs at once must fit into a laptop.
            "spark.driver.memory": "512m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": f"-XX:-UsePerfData {SHORT_LIVED} -Djava.io.tmpdir={self.folder / 'tmp'}",
            "spark.jars.ivy": paths.HOME / "ivy",
            # Jobs at the same time would quarrel about its port, and say so at length.
            "spark.ui.enabled": "false",
        })


@dataclass
class Livy(SparkService):
    """A Livy server, which runs each batch as a Spark of its own."""

    retain: int = 600

    name, path, needs, conf = "livy", "/version", ("livy", "spark"), "conf"

    def command(self) -> list[str]:
        opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        temporary = f"-Djava.io.tmpdir={self.folder / 'tmp'}"
        classes = f"{paths.LIVY / 'jars' / '*'}:{self._conf}"
        return [machine.java(), *opened, temporary, "-XX:-UsePerfData", "-Xmx512m", "-cp", classes, "org.apache.livy.server.LivyServer"]

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "LIVY_HOME": str(paths.LIVY),
            "LIVY_CONF_DIR": str(self._conf),
            "LIVY_LOG_DIR": str(self.folder / "log"),
        }

    def _configure(self) -> None:
        super()._configure()
        (self._conf / "log4j.properties").write_text((paths.SOURCE / "livy" / "log4j.properties").read_text())
        _properties(self._conf / "livy.conf", {
            "livy.server.host": "127.0.0.1",
            "livy.server.port": self.port,
            "livy.server.csrf-protection.enabled": "true",
            "livy.server.session.state-retain.sec": f"{self.retain}s",
            # Each batch has its own; two threads make it a Spark with tasks side by side, on whatever machine.
            "livy.spark.master": "local[2]",
            "livy.file.local-dir-whitelist": f"{paths.ROOT}/",
        })


@dataclass
class Emr(SparkService):
    """The local EMR, which runs each job run and each step as a Spark of its own, with files from the local S3."""

    made: dict[str, str]
    s3: str
    livy_port: int

    name, path, needs, conf = "emr", "/_local/health", ("emr", "spark"), "conf-emr"

    def command(self) -> list[str]:
        return [str(paths.EMR / "bin" / "python"), "-B", str(paths.SOURCE / "emr.py")]

    def endpoints(self) -> dict[str, str]:
        """What leads clients of the three APIs here, and no others."""
        return {f"AWS_ENDPOINT_URL_{api}": self.url for api in ("EMR_CONTAINERS", "EMR_SERVERLESS", "EMR")}

    def neighbours(self) -> dict[str, str]:
        """What it has made by itself when it started."""
        return {
            "SPARKJOB_VIRTUAL_CLUSTER_ID": self.made["virtualCluster"],
            "SPARKJOB_APPLICATION_ID": self.made["application"],
            "SPARKJOB_CLUSTER_ID": self.made["cluster"],
            "SPARKJOB_EXECUTION_ROLE_ARN": EXECUTION_ROLE,
        }

    def environment(self) -> dict[str, str]:
        # Jobs have the credentials of their execution role on AWS, so these may speak to the local AWS.
        return super().environment() | CREDENTIALS | self.endpoints() | {
            "AWS_ENDPOINT_URL": self.s3,
            "SPARKJOB_EMR_PORT": str(self.port),
            "SPARKJOB_LIVY_PORT": str(self.livy_port),
            "SPARKJOB_EMR_FOLDER": str(self._runs),
            "SPARKJOB_EMR_MADE": json.dumps(self.made),
            "SPARKJOB_MASTER": "local[1]",
            "PYTHONUNBUFFERED": "1",
        }

    def sweep(self) -> None:
        for file in self._runs.rglob("program.json"):
            processes.stop(json.loads(file.read_text()), patience=1)

    @property
    def _runs(self) -> Path:
        return self.folder / "work" / "emr"


def _properties(file: Path, settings: dict) -> None:
    file.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
