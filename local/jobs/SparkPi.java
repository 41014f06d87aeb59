package org.apache.spark.examples;

import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Estimates pi by throwing darts: {@code SparkPi [partitions]}.
 *
 * <p>It bears the name of Spark's own example, which pyspark's package leaves out, so that what people know from Spark's and
 * EMR's documentation can be tried here as it stands.
 */
public final class SparkPi {
  private static final int DARTS = 100_000;

  private SparkPi() {}

  public static void main(String[] args) {
    int partitions = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    SparkSession spark = SparkSession.builder().appName("SparkPi").getOrCreate();
    try (JavaSparkContext context = new JavaSparkContext(spark.sparkContext())) {
      int inside =
          context
              .parallelize(IntStream.range(0, partitions).boxed().toList(), partitions)
              .map(partition -> hits())
              .reduce(Integer::sum);
      System.out.println("Pi is roughly " + 4.0 * inside / (partitions * (double) DARTS));
    }
  }

  /** How many of a partition's darts land within the circle. */
  private static int hits() {
    ThreadLocalRandom dice = ThreadLocalRandom.current();
    int inside = 0;
    for (int dart = 0; dart < DARTS; dart++) {
      double x = dice.nextDouble();
      double y = dice.nextDouble();
      if (x * x + y * y <= 1) {
        inside++;
      }
    }
    return inside;
  }
}
