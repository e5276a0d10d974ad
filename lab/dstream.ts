import { join } from 'node:path'
import { compileExample } from './java.ts'
import { sparkHome } from './spark.ts'

/** What Spark 3.5 needs on Java 17, as its own spark-submit says it. */
const OPENED = ['lang', 'lang.invoke', 'lang.reflect', 'io', 'net', 'nio', 'util', 'util.concurrent', 'util.concurrent.atomic'].map(
  (name) => `--add-opens=java.base/java.${name}=ALL-UNNAMED`,
)
const INTERNAL = ['sun.nio.ch', 'sun.nio.cs', 'sun.security.action', 'sun.util.calendar'].map(
  (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
)

/** Compiles the DStream job of examples/spark-dstream on the jars of PySpark 3.5.1: the command that runs it. `perSecond`: records of a partition. */
export async function dstreamCommand(classes: string, bootstrapServers: string, sink: string, perSecond = 200): Promise<readonly string[]> {
  const jars = join(await sparkHome('3.5.1'), 'jars', '*')
  compileExample('spark-dstream/OrdersJob', jars, classes)
  const settings = {
    'spark.streaming.kafka.maxRatePerPartition': perSecond,
    'spark.ui.enabled': false,
    'spark.driver.host': '127.0.0.1',
    'spark.driver.bindAddress': '127.0.0.1',
  }
  const switches = [...OPENED, ...INTERNAL, '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const defined = Object.entries(settings).map(([name, value]) => `-D${name}=${value}`)
  return ['java', ...switches, ...defined, '-cp', `${classes}:${jars}`, 'OrdersJob', bootstrapServers, sink]
}
