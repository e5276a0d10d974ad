"""A batch of orders, as `tidemark step` runs it: python3 batch.py BROKERS SINK

It reads what step says and nothing else. The folder that it writes is named by where the batch begins, and overwritten: a batch that
is done again after a crash is there once.
"""
import json
import os
import sys

from pyspark.sql import SparkSession

brokers, sink = sys.argv[1:3]
starting = os.environ["TIDEMARK_STARTING_OFFSETS"]
spark = SparkSession.builder.appName("orders-batch").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")

orders = (
    spark.read.format("kafka")
    .option("kafka.bootstrap.servers", brokers)
    .option("kafka.isolation.level", "read_committed")
    .option("subscribe", ",".join(json.loads(starting)))
    .option("startingOffsets", starting)
    .option("endingOffsets", os.environ["TIDEMARK_ENDING_OFFSETS"])
    .load()
)
name = "-".join(f"{topic}-{partition}-{offset}" for topic, at in json.loads(starting).items() for partition, offset in at.items())
orders.selectExpr("CAST(value AS STRING)").write.mode("overwrite").text(f"{sink}/{name}")
spark.stop()
