import { javaArguments } from '../lab/java.ts'
import { runProcess, type Finished } from './process.ts'

/** What kafka-run-class.sh gives to every JVM. */
export const performance = [
  '-server',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent',
  '-XX:MaxInlineLevel=15',
  '-Djava.awt.headless=true',
]

/** Kafka's own command-line tools, with the heap that their scripts give them. */
const tools = {
  GetOffsetShell: { main: 'org.apache.kafka.tools.GetOffsetShell', heap: '-Xmx256M' },
  ConsumerGroupCommand: { main: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand', heap: '-Xmx256M' },
  ConsumerPerformance: { main: 'org.apache.kafka.tools.ConsumerPerformance', heap: '-Xmx512M' },
  ProducerPerformance: { main: 'org.apache.kafka.tools.ProducerPerformance', heap: '-Xmx512M' },
} as const

/** Runs one of Kafka's tools to its end, as its script does. */
export function runTool(tool: keyof typeof tools, args: readonly string[]): Promise<Finished> {
  const { main, heap } = tools[tool]
  return runProcess('java', javaArguments('kafka', [heap, ...performance], [main, ...args]))
}
