"""A streaming query that does nothing with what it reads, up to the ends seen first: python3 query.py BROKERS TOPIC CHECKPOINT PER-BATCH

Prints what Spark says of each batch's time: a JSON list of durationMs.
"""
import json
import sys

from pyspark.sql import SparkSession

brokers, topic, checkpoint, per_batch = sys.argv[1:5]
spark = SparkSession.builder.config("spark.sql.streaming.numRecentProgressUpdates", "1000").getOrCreate()
spark.sparkContext.setLogLevel("OFF")
orders = (
    spark.readStream.format("kafka")
    .options(**{"kafka.bootstrap.servers": brokers, "subscribe": topic, "startingOffsets": "earliest", "maxOffsetsPerTrigger": per_batch})
    .load()
)
query = orders.writeStream.format("noop").option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
query.awaitTermination()
print(json.dumps([dict(progress["durationMs"]) for progress in query.recentProgress if progress["numInputRows"] > 0]))
