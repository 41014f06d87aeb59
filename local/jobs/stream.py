"""A structured-streaming job that runs until it is stopped: `stream.py CHECKPOINT_DIRECTORY`.

It counts what Spark's `rate` source makes. Its checkpoint lets a later run go on where this one ended, and is also why two
of these must never run at once on one directory.
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import count, window


def main():
    (checkpoint,) = sys.argv[1:]
    spark = SparkSession.builder.appName("stream").config("spark.sql.shuffle.partitions", 1).getOrCreate()
    rows = spark.readStream.format("rate").option("rowsPerSecond", 5).load()
    (
        rows.withWatermark("timestamp", "10 seconds")
        .groupBy(window("timestamp", "5 seconds"))
        .agg(count("*").alias("rows"))
        .writeStream.format("console")
        .outputMode("update")
        .option("checkpointLocation", checkpoint)
        .trigger(processingTime="2 seconds")
        .start()
        .awaitTermination()
    )


if __name__ == "__main__":
    main()
