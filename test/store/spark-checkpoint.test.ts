import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TopicPartition } from '../../src/core/position.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import { openSparkCheckpoint } from '../../src/store/spark-checkpoint/driver.ts'
import { storeConformance } from '../../src/testing/index.ts'
import { temporaryDirectory } from './temporary.ts'

const directory = temporaryDirectory()

/** A checkpoint whose query has done one batch over three topics in which there was nothing yet. */
function checkpointOf(group: string): string {
  const root = join(directory, encodeURIComponent(group))
  for (const folder of ['offsets', 'commits']) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'metadata'), '{"id":"5a1b7a2e-0000-4000-8000-000000000000"}')
  const header = '{"batchWatermarkMs":0,"batchTimestampMs":1795367325738,"conf":{}}'
  put(root, 0, `v1\n${header}\n{"orders":{},"orders-2":{},"invoices":{}}`)
  return root
}

/** A committed batch, as Spark would write it. */
function put(root: string, batch: number, offsets: string): void {
  writeFileSync(join(root, 'offsets', String(batch)), offsets, { flag: 'wx' })
  writeFileSync(join(root, 'commits', String(batch)), 'v1\n{"nextBatchWatermarkMs":0}', { flag: 'wx' })
}

/** One more batch, in which a partition's offset is another JSON text, or none. */
function tamper(group: string, { topic, partition }: TopicPartition, json: string | undefined): void {
  const root = join(directory, encodeURIComponent(group))
  const newest = Math.max(...readdirSync(join(root, 'offsets')).map(Number).filter(Number.isInteger))
  const [version, header, line = ''] = readFileSync(join(root, 'offsets', String(newest)), 'utf8').split('\n')
  const topics = JSON.parse(line) as Record<string, Record<string, number>>
  delete topics[topic]?.[String(partition)]
  const rest = JSON.stringify(topics)
  const value = json === undefined ? '' : `"${partition}":${json}${Object.keys(topics[topic] ?? {}).length > 0 ? ',' : ''}`
  put(root, newest + 1, `${version}\n${header}\n${rest.replace(`"${topic}":{`, `"${topic}":{${value}`)}`)
}

const opened = new Set<string>()

async function open(group: string): Promise<StoreDriver> {
  if (!opened.has(group)) checkpointOf(group)
  opened.add(group)
  const root = join(directory, encodeURIComponent(group))
  return openSparkCheckpoint(`spark-checkpoint:${root}`, { mode: 'write', timeoutMs: 10_000, ledger: join(directory, 'ledger.db') })
}

storeConformance({
  name: 'spark-checkpoint',
  test,
  capabilities: {
    durable: true,
    shared: true,
    anyGroupName: true,
    bareNumber: true,
    transactions: false,
    progress: false,
    members: false,
    compareAndSet: true,
    groups: false,
  },
  open,
  plant: async (group, partition, text) => tamper(group, partition, /^-?\d+(\.\d+)?$/.test(text) ? text : JSON.stringify(text)),
  erase: async (group, partition) => tamper(group, partition, undefined),
})
