"""Writes the orders of one day as Parquet, as a shop's database might be read: `orders.py ORDERS_DIRECTORY DAY [COUNT]`.

They lie in ORDERS_DIRECTORY/day=DAY, and take the place of those that were there: a second run of one day changes nothing.
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

PRODUCTS = "apple,pear,plum"


def main():
    directory, day, *count = sys.argv[1:]
    spark = SparkSession.builder.appName("orders").getOrCreate()
    # The same orders each time: a job that is run again must not make others.
    dice = f.hash(f.col("id"), f.lit(day))
    (
        spark.range(int(count[0]) if count else 10_000, numPartitions=2)
        .select(
            f.col("id").alias("order"),
            f.element_at(f.split(f.lit(PRODUCTS), ","), f.pmod(dice, f.lit(3)) + 1).alias("product"),
            (f.pmod(dice, f.lit(9_900)) + 100).alias("cents"),
        )
        .write.mode("overwrite")
        .parquet(f"{directory}/day={day}")
    )
    spark.stop()


if __name__ == "__main__":
    main()
