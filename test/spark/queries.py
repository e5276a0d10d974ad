"""Several streaming queries one after the other in one Spark, each up to the ends seen first: python3 queries.py BROKERS QUERIES

QUERIES is a JSON list of {topic, checkpoint, sink, failOnDataLoss}. Prints a JSON list: for each the first line of what it died of, or null.
Each record becomes its value as a line of the sink.
"""
import json
import sys

from pyspark.errors.exceptions.base import PySparkException
from pyspark.sql import SparkSession

brokers, queries = sys.argv[1], json.loads(sys.argv[2])
spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")


def run(topic, checkpoint, sink, failOnDataLoss):
    def write(rows, _):
        values = [row.value for row in rows.collect()]
        with open(sink, "a", encoding="utf-8") as file:
            file.writelines(f"{value}\n" for value in values)

    options = {
        "kafka.bootstrap.servers": brokers,
        "subscribe": topic,
        "startingOffsets": "earliest",
        "failOnDataLoss": failOnDataLoss,
    }
    records = spark.readStream.format("kafka").options(**options).load().selectExpr("CAST(value AS STRING) AS value")
    writer = records.writeStream.foreachBatch(write).option("checkpointLocation", checkpoint)
    try:
        writer.trigger(availableNow=True).start().awaitTermination(60)
        return None
    except PySparkException as error:
        return str(error).strip().split("\n")[0]


print(json.dumps([run(**query) for query in queries]))
