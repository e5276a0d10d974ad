"""Runs queries one after the other in one Spark, as its standard input says: each line is an order as JSON, and is answered by a line that begins with
`answer`. It ends with its input."""
import json
import os
import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")
live = {}


def writing(out, fails):
    """Appends each record as a line `topic partition offset`."""

    def write(rows, batch):
        found = [f"{row.topic} {row.partition} {row.offset}\n" for row in rows.collect()]
        if fails:
            raise RuntimeError(f"batch {batch} fails as it was told to")
        with open(out, "a", encoding="utf-8") as file:
            file.writelines(found)

    return write


def start(query):
    for name, value in query.get("conf", {}).items():
        spark.conf.set(name, value)
    options = {"kafka.bootstrap.servers": query["brokers"], "startingOffsets": "earliest", "maxOffsetsPerTrigger": "60"}
    options.update(query.get("options", {}))
    rows, *others = [spark.readStream.format("kafka").options(**options, subscribe=topic).load() for topic in query["topics"]]
    for other in others:
        rows = rows.union(other)
    if query["sink"] == "stateful":
        writer = rows.groupBy("partition").count().writeStream.outputMode("update").format("noop")
    elif query["sink"] == "parquet":
        writer = rows.select("partition", "offset").writeStream.format("parquet").option("path", query["out"])
    else:
        writer = rows.select("topic", "partition", "offset").writeStream.foreachBatch(writing(query["out"], query["sink"] == "failing"))
    trigger = {"processingTime": "100 milliseconds"} if query["do"] == "start" else {"availableNow": True}
    return writer.option("checkpointLocation", query["checkpoint"]).trigger(**trigger).start()


def answer(order):
    if order["do"] == "run":
        start(order).awaitTermination()
    elif order["do"] == "start":
        live["query"] = start(order)
    elif order["do"] == "idle":  # all that is there is done
        live["query"].processAllAvailable()
    elif order["do"] == "stop":
        live["query"].stop()
    elif order["do"] == "failure":
        live["query"].awaitTermination(30)
    elif order["do"] == "read":
        return sorted([row.partition, row.offset] for row in spark.read.parquet(order["out"]).collect())


for line in sys.stdin:
    try:
        result = {"result": answer(json.loads(line))}
    except Exception as error:  # of Spark's own: told to the test
        result = {"error": str(error)[:4000]}
    print("answer", json.dumps(result), flush=True)
os._exit(0)
