"""Which workers EMR Serverless has, and whether a job or an application asks for others.

Published are

- the sizes, and that a job's memory is what it asks for and an overhead:
  https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/app-behavior.html#worker-configs
- what a job asks for that says nothing:
  https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/jobs-spark.html#spark-defaults
- that a worker may hold a fraction less than its size, as 27 GB with an overhead of 2.7 GB fill one of 30 GB (the first page), so
  what a job asks for is rounded up
- that StartJobRun answers with a ValidationException where that is too much: https://github.com/aws-samples/aws-emr-utilities/pull/113

Assumed are the words, and that what is too little, or lies between two numbers of vCPUs, is refused just the same. If the service
should round that up, then what runs here runs there all the more.
"""

import math
import re

from emr_submit import Submission

# The vCPUs of a worker; the least and the most memory it has, and in which steps, in GB.
SIZES = {1: (2, 8, 1), 2: (4, 16, 1), 4: (8, 30, 1), 8: (16, 60, 4), 16: (32, 120, 8)}

DEFAULT_CORES, DEFAULT_MEMORY = "4", "14g"
OVERHEAD, LEAST_OVERHEAD = "0.1", 384

# As Spark reads sizes, where nothing but a number means MiB.
UNITS = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024**2, "": 1}
SIZE = re.compile(r"(\d+)([kmgt]?)b?", re.I)


def fault_of_job(words: list[str], defaults: dict[str, str]) -> str:
    """What is wrong with the workers that the words of a spark-submit ask for, if something is; `defaults` are properties."""
    submission = Submission("spark-submit", words, defaults)
    try:
        faults = [_fault(f"spark.{role} with its memory overhead", *_asked(submission, role)) for role in ("driver", "executor")]
    except ValueError:
        # Spark itself tells what it cannot read.
        return ""
    return " ".join(filter(None, faults))


def fault_of_capacity(capacity: dict | None) -> str:
    """The same of the workers that an application keeps ready."""
    faults = []
    for role, kept in (capacity or {}).items():
        if worker := kept.get("workerConfiguration"):
            faults.append(_fault(f"initialCapacity.{role}", *(int(re.match(r"\d+", worker[what])[0]) for what in ("cpu", "memory"))))
    return " ".join(filter(None, faults))


def _asked(submission: Submission, role: str) -> tuple[int, int]:
    """The vCPUs, and the GB with the overhead."""
    cores = int(submission.option(f"--{role}-cores") or submission.setting(f"spark.{role}.cores") or DEFAULT_CORES)
    memory = _mib(submission.option(f"--{role}-memory") or submission.setting(f"spark.{role}.memory") or DEFAULT_MEMORY)
    if overhead := submission.setting(f"spark.{role}.memoryOverhead"):
        memory += _mib(overhead)
    else:
        factor = float(submission.setting("spark.emr-serverless.memoryOverheadFactor") or OVERHEAD)
        memory += max(memory * factor, LEAST_OVERHEAD)
    return cores, _step_up(cores, math.ceil(memory / 1024))


def _step_up(cores: int, memory: int) -> int:
    """The memory of the smallest worker that holds as much."""
    least, _, step = SIZES.get(cores, (0, 0, 1))
    return least + math.ceil((memory - least) / step) * step if memory > least else memory


def _fault(of: str, cores: int, memory: int) -> str:
    if cores not in SIZES:
        return f"Worker configuration of {of} is not supported: {cores} vCPU. vCPU must be one of {list(SIZES)}."
    least, most, step = SIZES[cores]
    if least <= memory <= most and (memory - least) % step == 0:
        return ""
    rule = f"With {cores} vCPU memory must be between {least} GB and {most} GB, in increments of {step} GB"
    return f"Worker configuration of {of} is not supported: {cores} vCPU with {memory} GB of memory. {rule}."


def _mib(size: str) -> float:
    if not (found := SIZE.fullmatch(size.strip())):
        raise ValueError(f"{size!r} is no size")
    return int(found[1]) * UNITS[found[2].lower()]
