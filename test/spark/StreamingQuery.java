import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Collectors;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.Trigger;

/** A streaming query whose driver runs in a cluster: StreamingQuery BROKERS TOPIC CHECKPOINT SINK STARTING-OFFSETS. Ends at the ends seen first. */
public final class StreamingQuery {
  private StreamingQuery() {}

  public static void main(String[] args) throws Exception {
    SparkSession spark = SparkSession.builder().appName("orders").getOrCreate();
    Path sink = Path.of(args[3]);
    VoidFunction2<Dataset<Row>, Long> write =
        (rows, batch) -> {
          String lines = rows.collectAsList().stream().map(row -> row.getString(0) + "\n").collect(Collectors.joining());
          Files.writeString(sink, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        };
    spark
        .readStream()
        .format("kafka")
        .option("kafka.bootstrap.servers", args[0])
        .option("subscribe", args[1])
        .option("startingOffsets", args[4])
        .option("maxOffsetsPerTrigger", 100)
        .load()
        .selectExpr("CAST(value AS STRING)")
        .writeStream()
        .foreachBatch(write)
        .option("checkpointLocation", args[2])
        .trigger(Trigger.AvailableNow())
        .start()
        .awaitTermination();
  }
}
