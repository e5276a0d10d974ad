import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.spark.SparkConf;
import org.apache.spark.streaming.Durations;
import org.apache.spark.streaming.api.java.JavaInputDStream;
import org.apache.spark.streaming.api.java.JavaStreamingContext;
import org.apache.spark.streaming.kafka010.ConsumerStrategies;
import org.apache.spark.streaming.kafka010.HasOffsetRanges;
import org.apache.spark.streaming.kafka010.KafkaUtils;
import org.apache.spark.streaming.kafka010.LocationStrategies;
import org.apache.spark.streaming.kafka010.OffsetRange;

/**
 * A direct stream that keeps no offsets itself: it starts where `tidemark guard` says, and says which ranges are done.
 * Arguments: the brokers, and the folder in which each partition's values go into a file.
 */
public final class OrdersJob {
  private static final ObjectMapper JSON = new ObjectMapper();

  private OrdersJob() {}

  public static void main(String[] args) throws Exception {
    Path sink = Files.createDirectories(Path.of(args[1]));
    Path done = Path.of(System.getenv("TIDEMARK_DONE"));
    Map<TopicPartition, Long> offsets = startingOffsets(System.getenv("TIDEMARK_STARTING_OFFSETS"));
    SparkConf conf = new SparkConf().setAppName("orders").setIfMissing("spark.master", "local[2]");
    try (JavaStreamingContext context = new JavaStreamingContext(conf, Durations.milliseconds(500))) {
      JavaInputDStream<ConsumerRecord<String, String>> orders =
          KafkaUtils.createDirectStream(
              context,
              LocationStrategies.PreferConsistent(),
              ConsumerStrategies.Assign(offsets.keySet(), consumerProperties(args[0]), offsets));
      String folder = sink.toString();
      orders.foreachRDD(
          rdd -> {
            OffsetRange[] ranges = ((HasOffsetRanges) rdd.rdd()).offsetRanges();
            rdd.foreachPartition(records -> work(records, folder));
            report(ranges, done);
          });
      context.start();
      context.awaitTermination();
    }
  }

  /** Spark's own form: {"orders":{"0":100,"1":250}}. */
  private static Map<TopicPartition, Long> startingOffsets(String json) throws IOException {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    JsonNode topics = JSON.readTree(json);
    topics
        .fieldNames()
        .forEachRemaining(
            topic ->
                topics
                    .get(topic)
                    .fields()
                    .forEachRemaining(
                        entry ->
                            offsets.put(
                                new TopicPartition(topic, Integer.parseInt(entry.getKey())),
                                entry.getValue().longValue())));
    return offsets;
  }

  private static Map<String, Object> consumerProperties(String brokers) {
    return Map.of(
        "bootstrap.servers", brokers,
        "key.deserializer", StringDeserializer.class,
        "value.deserializer", StringDeserializer.class,
        "group.id", "orders-spark",
        "auto.offset.reset", "none",
        "enable.auto.commit", false);
  }

  /** The work: each value as a line of its partition's file. */
  private static void work(Iterator<ConsumerRecord<String, String>> records, String folder) throws IOException {
    Map<String, StringBuilder> files = new HashMap<>();
    while (records.hasNext()) {
      ConsumerRecord<String, String> one = records.next();
      files
          .computeIfAbsent(one.topic() + "-" + one.partition(), name -> new StringBuilder())
          .append(one.offset()).append(' ').append(one.value()).append('\n');
    }
    for (Map.Entry<String, StringBuilder> file : files.entrySet()) append(Path.of(folder, file.getKey()), file.getValue().toString());
  }

  /** One JSON line for each range, when its work is done and not before. */
  private static void report(OffsetRange[] ranges, Path done) throws IOException {
    String lines =
        Stream.of(ranges)
            .map(range -> {
              Map<String, Object> line = new HashMap<>();
              line.put("topic", range.topic());
              line.put("partition", range.partition());
              line.put("fromOffset", range.fromOffset());
              line.put("untilOffset", range.untilOffset());
              return JSON.valueToTree(line).toString() + "\n";
            })
            .collect(Collectors.joining());
    append(done, lines);
  }

  private static void append(Path file, String text) throws IOException {
    Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
