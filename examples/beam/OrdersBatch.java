import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.beam.sdk.Pipeline;
import org.apache.beam.sdk.PipelineResult;
import org.apache.beam.sdk.io.TextIO;
import org.apache.beam.sdk.io.kafka.KafkaIO;
import org.apache.beam.sdk.io.kafka.KafkaSourceDescriptor;
import org.apache.beam.sdk.transforms.Create;
import org.apache.beam.sdk.transforms.MapElements;
import org.apache.beam.sdk.transforms.windowing.AfterWatermark;
import org.apache.beam.sdk.transforms.windowing.Window;
import org.apache.beam.sdk.values.TypeDescriptors;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.joda.time.Duration;

/**
 * A pipeline over the ranges that `tidemark step` gives.
 * Arguments: the brokers, and the folder in which the values go into files.
 */
public final class OrdersBatch {
  private OrdersBatch() {}

  public static void main(String[] args) throws Exception {
    String starting = System.getenv("TIDEMARK_STARTING_OFFSETS");
    String ending = System.getenv("TIDEMARK_ENDING_OFFSETS");
    Pipeline pipeline = Pipeline.create();
    pipeline
        .apply(Create.of(ranges(starting, ending)))
        .apply(
            KafkaIO.<String, String>readSourceDescriptors()
                .withBootstrapServers(args[0])
                .withKeyDeserializer(StringDeserializer.class)
                .withValueDeserializer(StringDeserializer.class)
                .withReadCommitted()
                .withConsumerConfigUpdates(Map.of("auto.offset.reset", "none")))
        .apply(MapElements.into(TypeDescriptors.strings()).via(record -> record.getKV().getValue()))
        // To Beam ranges are a stream, even those that end: one pane, when all are read.
        .apply(
            Window.<String>configure()
                .triggering(AfterWatermark.pastEndOfWindow())
                .withAllowedLateness(Duration.ZERO)
                .discardingFiredPanes())
        // Named by where the batch begins: one that is done again overwrites itself.
        .apply(
            TextIO.write()
                .to(args[1] + "/" + starting.replaceAll("[^0-9]+", "-"))
                .withSuffix(".txt")
                .withWindowedWrites()
                .withNumShards(2));
    System.exit(pipeline.run().waitUntilFinish() == PipelineResult.State.DONE ? 0 : 1);
  }

  /** Both are in Spark's own form, {"orders":{"0":100,"1":250}}, and name the same partitions. */
  private static List<KafkaSourceDescriptor> ranges(String starting, String ending) throws JsonProcessingException {
    ObjectMapper json = new ObjectMapper();
    JsonNode ends = json.readTree(ending);
    List<KafkaSourceDescriptor> ranges = new ArrayList<>();
    for (Map.Entry<String, JsonNode> topic : json.readTree(starting).properties())
      for (Map.Entry<String, JsonNode> entry : topic.getValue().properties()) {
        TopicPartition partition = new TopicPartition(topic.getKey(), Integer.parseInt(entry.getKey()));
        long until = ends.get(topic.getKey()).get(entry.getKey()).longValue();
        ranges.add(KafkaSourceDescriptor.of(partition, entry.getValue().longValue(), null, until, null, null));
      }
    return ranges;
  }
}
