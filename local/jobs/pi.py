"""Estimates pi by throwing darts: `pi.py [partitions] [--seconds N]`.

`--seconds` makes it throw until that much time has gone by, for those who want to watch a job run.
"""

import argparse
import random
import time

from pyspark.sql import SparkSession

DARTS = 100_000


def hits(seed):
    """How many of a partition's darts land within the circle."""
    dice = random.Random(seed)
    return sum(dice.random() ** 2 + dice.random() ** 2 <= 1 for _ in range(DARTS))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("partitions", nargs="?", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0)
    options = parser.parse_args()

    spark = SparkSession.builder.appName("pi").getOrCreate()
    until = time.monotonic() + options.seconds
    inside = thrown = 0
    while not thrown or time.monotonic() < until:
        seeds = range(thrown, thrown + options.partitions)
        inside += spark.sparkContext.parallelize(seeds, options.partitions).map(hits).sum()
        thrown += options.partitions
    print(f"Pi is roughly {4 * inside / (thrown * DARTS):.4f}")
    spark.stop()


if __name__ == "__main__":
    main()
