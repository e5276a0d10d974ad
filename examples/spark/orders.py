"""A streaming query over orders, as `tidemark guard --checkpoint` runs it: python3 orders.py BROKERS CHECKPOINT SINK

An empty checkpoint starts where TIDEMARK_STARTING_OFFSETS says; one that holds batches goes on by itself.
"""
import os
import sys

from pyspark.sql import SparkSession

brokers, checkpoint, sink = sys.argv[1:4]
spark = SparkSession.builder.appName("orders").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")

orders = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", brokers)
    .option("subscribe", "orders")
    .option("startingOffsets", os.environ.get("TIDEMARK_STARTING_OFFSETS", "earliest"))
    .option("maxOffsetsPerTrigger", "100")
    .load()
)


def write(rows, batch_id):
    """The sink: each record as a line `partition offset value`, when its batch is done."""
    lines = sorted(f"{row.partition} {row.offset} {row.value}" for row in rows.collect())
    with open(sink, "a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


query = (
    orders.selectExpr("partition", "offset", "CAST(value AS STRING) AS value")
    .writeStream.foreachBatch(write)
    .option("checkpointLocation", checkpoint)
)
query.trigger(processingTime="200 milliseconds").start().awaitTermination()
