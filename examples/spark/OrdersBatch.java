import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/**
 * A batch of orders whose driver runs in the cluster, where `tidemark step` can't set its environment: it takes the offsets as arguments.
 * OrdersBatch BROKERS TOPIC SINK STARTING_OFFSETS ENDING_OFFSETS
 */
public class OrdersBatch {
  public static void main(String[] args) {
    SparkSession spark = SparkSession.builder().appName("orders-batch").getOrCreate();
    spark.read().format("kafka")
        .option("kafka.bootstrap.servers", args[0])
        .option("kafka.isolation.level", "read_committed")
        .option("subscribe", args[1])
        .option("startingOffsets", args[3])
        .option("endingOffsets", args[4])
        .load()
        .selectExpr("CAST(value AS STRING)")
        // Named by where the batch begins: one that is done again overwrites itself.
        .write().mode(SaveMode.Overwrite).text(args[2] + "/" + args[3].replaceAll("[^0-9]+", "-"));
    spark.stop();
  }
}
