import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestartStrategyOptions;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.KafkaSourceBuilder;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/**
 * Flink's Kafka source, whose offsets Tidemark keeps. Under `tidemark guard` it is a stream, which reports what each checkpoint completes; under
 * `tidemark step` it is a batch, which ends where the step does.
 * Arguments: the brokers, and the folder in which each partition's values go into a file.
 */
public final class OrdersJob {
  private OrdersJob() {}

  public record Order(String topic, int partition, long offset, String value) {}

  public static void main(String[] args) throws Exception {
    Files.createDirectories(Path.of(args[1]));
    Map<TopicPartition, Long> starting = offsets(System.getenv("TIDEMARK_STARTING_OFFSETS"));
    String ending = System.getenv("TIDEMARK_ENDING_OFFSETS");
    String done = System.getenv("TIDEMARK_DONE");

    KafkaSourceBuilder<Order> orders =
        KafkaSource.<Order>builder()
            .setBootstrapServers(args[0])
            .setPartitions(new HashSet<>(starting.keySet()))
            .setStartingOffsets(OffsetsInitializer.offsets(starting, OffsetResetStrategy.NONE))
            .setProperty("isolation.level", "read_committed")
            // Otherwise it makes the topic anew that somebody deletes, before they do so themselves.
            .setProperty("allow.auto.create.topics", "false")
            .setDeserializer(new ReadOrder());
    if (ending != null) orders.setBounded(OffsetsInitializer.offsets(offsets(ending)));

    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(settings());
    SingleOutputStreamOperator<Order> read = env.fromSource(orders.build(), WatermarkStrategy.noWatermarks(), "orders");
    if (done != null) read = read.process(new Report(starting, done));
    read.process(new Work(args[1])).sinkTo(new DiscardingSink<>());
    env.execute("orders");
  }

  /** Who starts it again, and where, is Tidemark: a restart by Flink itself would go back behind what was reported. */
  private static Configuration settings() {
    return new Configuration()
        .set(RestartStrategyOptions.RESTART_STRATEGY, "none")
        .set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(500));
  }

  /** Spark's own form: {"orders":{"0":100,"1":250}}. */
  private static Map<TopicPartition, Long> offsets(String json) throws IOException {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    for (Map.Entry<String, JsonNode> topic : new ObjectMapper().readTree(json).properties())
      for (Map.Entry<String, JsonNode> entry : topic.getValue().properties())
        offsets.put(new TopicPartition(topic.getKey(), Integer.parseInt(entry.getKey())), entry.getValue().longValue());
    return offsets;
  }

  private static final class ReadOrder implements KafkaRecordDeserializationSchema<Order> {
    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Order> out) {
      out.collect(new Order(record.topic(), record.partition(), record.offset(), new String(record.value())));
    }

    @Override
    public TypeInformation<Order> getProducedType() {
      return TypeInformation.of(Order.class);
    }
  }

  /**
   * Stands behind the source, where a partition's records come by in order, and reports them when a checkpoint is complete: then all that it
   * covers has gone through every operator behind this one too.
   */
  private static final class Report extends ProcessFunction<Order, Order> implements CheckpointedFunction, CheckpointListener {
    private final HashMap<TopicPartition, Long> reported;
    private final String done;
    private final HashMap<TopicPartition, Long> passed = new HashMap<>();
    private final TreeMap<Long, Map<TopicPartition, Long>> covered = new TreeMap<>();

    Report(Map<TopicPartition, Long> starting, String done) {
      this.reported = new HashMap<>(starting);
      this.done = done;
    }

    @Override
    public void processElement(Order order, Context context, Collector<Order> out) {
      passed.put(new TopicPartition(order.topic(), order.partition()), order.offset() + 1);
      out.collect(order);
    }

    @Override
    public void snapshotState(FunctionSnapshotContext checkpoint) {
      covered.put(checkpoint.getCheckpointId(), new HashMap<>(passed));
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) throws IOException {
      StringBuilder lines = new StringBuilder();
      for (Map.Entry<TopicPartition, Long> entry : covered.remove(checkpoint).entrySet()) {
        TopicPartition at = entry.getKey();
        long from = reported.put(at, entry.getValue());
        String line = "{\"topic\":\"%s\",\"partition\":%d,\"fromOffset\":%d,\"untilOffset\":%d}%n";
        lines.append(line.formatted(at.topic(), at.partition(), from, entry.getValue()));
      }
      covered.headMap(checkpoint).clear();
      append(Path.of(done), lines.toString());
    }

    /** No state: where to begin comes from Tidemark. */
    @Override
    public void initializeState(FunctionInitializationContext context) {}
  }

  /** The work: each value as a line of its partition's file. */
  private static final class Work extends ProcessFunction<Order, Void> {
    private final String folder;

    Work(String folder) {
      this.folder = folder;
    }

    @Override
    public void processElement(Order order, Context context, Collector<Void> out) throws IOException {
      append(Path.of(folder, order.topic() + "-" + order.partition()), order.offset() + " " + order.value() + "\n");
    }
  }

  private static void append(Path file, String text) throws IOException {
    Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
  }
}
