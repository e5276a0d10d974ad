"""Lets Spark go on from checkpoints, several at a time: each line of standard input is a list of queries as JSON, and is answered by a line that begins
with `answer`: for each query the `partition offset` of all that it read, and what it failed with. It ends with its input."""
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from pyspark.sql import SparkSession

AT_ONCE = 4
PATIENCE_S = 60

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")


def outcome(query):
    found = []

    def read(rows, _batch):
        found.extend([row.partition, row.offset] for row in rows.collect())

    running = None
    try:
        rows = spark.readStream.format("kafka").options(**query["options"]).load().select("partition", "offset")
        running = rows.writeStream.foreachBatch(read).option("checkpointLocation", query["checkpoint"]).trigger(availableNow=True).start()
        failed = "" if running.awaitTermination(PATIENCE_S) else "it waits"
    except Exception as error:  # of Spark's own: it is what the test asks for
        failed = str(error)[:20000]
    if running is not None:
        running.stop()
    return {"read": found, "failed": failed}


with ThreadPoolExecutor(AT_ONCE) as pool:
    for line in sys.stdin:
        print("answer", json.dumps(list(pool.map(outcome, json.loads(line)))), flush=True)
os._exit(0)
