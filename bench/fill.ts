import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabAdmin } from '../lab/admin.ts'
import type { Topic } from './contenders.ts'
import { runTool } from './java.ts'

export const PARTITIONS = 8

/** How the records of a topic are. */
export interface Filling {
  readonly records: number
  readonly valueSize: number
}

/** A topic of equal records in batches of a thousand, not compressed. */
export async function fillWithCopies(bootstrapServers: string, topic: string, { records, valueSize }: Filling): Promise<Topic> {
  await using admin = new LabAdmin(bootstrapServers)
  await admin.createTopic(topic, { partitions: PARTITIONS })
  const perPartition = Math.ceil(records / PARTITIONS)
  await admin.produceCopies({ topic, partitions: PARTITIONS, perPartition, valueSize })
  return { bootstrapServers, topic, records: perPartition * PARTITIONS }
}

/** A topic as Java's producer fills it, with its own defaults for batches, from lines that compress as such data does. */
export async function fillWithJava(
  bootstrapServers: string,
  topic: string,
  codec: string,
  { records, valueSize }: Filling,
): Promise<Topic> {
  await using admin = new LabAdmin(bootstrapServers)
  await admin.createTopic(topic, { partitions: PARTITIONS })
  const lines = join(tmpdir(), `tidemark-bench-${process.pid}-${topic}.txt`)
  writeFileSync(lines, Array.from({ length: 10_000 }, (_, index) => event(index, valueSize)).join('\n'))
  const properties = [`bootstrap.servers=${bootstrapServers}`, `compression.type=${codec}`]
  const sizes = ['--num-records', String(records), '--throughput', '-1', '--payload-file', lines]
  try {
    await runTool('ProducerPerformance', ['--topic', topic, ...sizes, '--producer-props', ...properties])
  } finally {
    rmSync(lines)
  }
  return { bootstrapServers, topic, records }
}

/** A line of JSON, as events are: the same names each time, and values some of which repeat. */
function event(index: number, size: number): string {
  const kind = ['click', 'view', 'order', 'search', 'login'][random(5)]
  const text = JSON.stringify({
    id: random(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
    kind,
    user: random(100_000),
    at: 1_790_000_000_000 + index * 37,
    ms: random(5000),
  })
  return text.padEnd(size, '.').slice(0, size)
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}
