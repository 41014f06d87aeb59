"""Sums up the orders of one day, which orders.py wrote: `report.py ORDERS_DIRECTORY REPORT_DIRECTORY DAY`.

Writes REPORT_DIRECTORY/day=DAY as CSV, one line for each product. A day without orders is an error.
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def main():
    orders, report, day = sys.argv[1:]
    spark = SparkSession.builder.appName("report").getOrCreate()
    by_product = spark.read.parquet(f"{orders}/day={day}").groupBy("product")
    sums = by_product.agg(f.count("*").alias("orders"), f.sum("cents").alias("cents")).orderBy("product")
    sums.coalesce(1).write.mode("overwrite").option("header", True).csv(f"{report}/day={day}")
    spark.stop()


if __name__ == "__main__":
    main()
