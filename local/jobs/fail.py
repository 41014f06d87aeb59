"""Dies of a Python exception a few seconds after it started to run: `fail.py [seconds]`.

That is what a typical broken job does: Spark comes up, Livy says `running`, and only then the job's own code is reached.
"""

import sys
import time

from pyspark.sql import SparkSession


def main():
    SparkSession.builder.appName("fail").getOrCreate()
    time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 3)
    raise ValueError("the input s3://orders/2026-11-21 has no column 'amount'")


if __name__ == "__main__":
    main()
