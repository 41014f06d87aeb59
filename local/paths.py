"""Where things lie: all that is downloaded or written is below `.local/`, at the root of the repository."""

from pathlib import Path

SOURCE = Path(__file__).resolve().parent
ROOT = SOURCE.parent
HOME = ROOT / ".local"

AWS = HOME / "venv"
EMR = HOME / "emr"
TOOLS = HOME / "tools"
SPARK = HOME / "spark"
LIVY = HOME / "livy"
JOBS = HOME / "jobs"
RUN = HOME / "run"

SPARK_PI = JOBS / "spark-pi.jar"


def spark_home() -> Path:
    """pyspark's package is a whole Spark. Its place names the version of Python."""
    return next(SPARK.glob("lib/python3*/site-packages/pyspark"))
