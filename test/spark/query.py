"""A streaming query for tests: python3 query.py BROKERS TOPIC CHECKPOINT SINK [OPTION=VALUE...]

Each record becomes a line `batch partition offset value` of the sink. Options go to the Kafka source; `once` stops at the ends seen
first. While there is a file SINK.hold, a batch waits before it writes.
"""
import os
import sys
import time

from pyspark.sql import SparkSession

brokers, topic, checkpoint, sink = sys.argv[1:5]
words = [word for word in sys.argv[5:] if word != "once"]
options = {
    "kafka.bootstrap.servers": brokers,
    "subscribe": topic,
    "startingOffsets": os.environ.get("TIDEMARK_STARTING_OFFSETS", "earliest"),
    "maxOffsetsPerTrigger": "100",
    **dict(word.split("=", 1) for word in words),
}


def write(rows, batch):
    while os.path.exists(sink + ".hold"):
        time.sleep(0.05)
    found = sorted((row.partition, row.offset, row.value) for row in rows.collect())
    with open(sink, "a", encoding="utf-8") as file:
        file.writelines(f"{batch} {partition} {offset} {value}\n" for partition, offset, value in found)


spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
orders = spark.readStream.format("kafka").options(**options).load()
writer = orders.selectExpr("partition", "offset", "CAST(value AS STRING) AS value").writeStream.foreachBatch(write)
trigger = {"availableNow": True} if "once" in sys.argv else {"processingTime": "0 seconds"}
writer.option("checkpointLocation", checkpoint).trigger(**trigger).start().awaitTermination()
