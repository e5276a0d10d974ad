import { startKafka, type KafkaCluster } from '../lab/kafka.ts'
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts'
import { performance } from './java.ts'

/** A broker as Kafka's own scripts start it, and with its own defaults where the lab's are smaller. */
export function startBroker(): Promise<KafkaCluster> {
  const properties = {
    'num.network.threads': 3,
    'num.io.threads': 8,
    'log.initial.task.delay.ms': 30_000,
    'log.retention.check.interval.ms': 300_000,
    'log.cleaner.backoff.ms': 15_000,
    'log.cleaner.dedupe.buffer.size': 128 * 1024 * 1024,
  }
  return startKafka({ javaSwitches: ['-Xmx1G', '-Xms1G', ...performance], properties })
}

/** A ZooKeeper as its own scripts and its sample configuration start it. */
export function startKeeper(): Promise<ZooKeeperServer> {
  return startZooKeeper({ javaSwitches: ['-Xmx1000m'], tickTime: 2000 })
}
