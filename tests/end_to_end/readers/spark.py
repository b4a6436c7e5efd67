"""Counts and sums of Delta tables by Spark."""

import os
import sys

from pyspark.sql import SparkSession


def main():
    lake, questions = sys.argv[1], [argument.split("|") for argument in sys.argv[2:]]
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.jars", os.environ["READER_JARS"])
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    for dataset, value, group in questions:
        spark.read.format("delta").load(f"{lake}/{dataset.replace('.', '/')}").createOrReplaceTempView("asked")
        for row in spark.sql(f"SELECT {group} AS part, count(*), sum({value}) FROM asked GROUP BY 1").collect():
            print("spark", dataset, row[0], row[1], row[2], sep="\t")
    sys.stdout.flush()
    spark.stop()


main()
