import { positionOf } from '../src/core/custody.ts'
import { printRange } from '../src/job/batch.ts'
import type { Custody, OffsetRange, VerdictName } from '../src/index.ts'
import type { CheckRow } from '../src/verbs/check.ts'
import { waitFor } from '../lab/wait.ts'
import type { Span } from '../lab/account.ts'
import type { Orders } from './orders.ts'
import { group, type Stage, topic } from './stage.ts'
import { during } from './tell.ts'
import { tidemark } from './tidemark.ts'
import { Worker } from './worker.ts'

/** What goes through the whole story. */
export interface Story {
  readonly stage: Stage
  readonly orders: Orders
  /** Ranges that a killed job left behind, to be run again. */
  readonly replanned: Span[]
}

/** The table: what the store holds beside what the log holds. A verdict that the story does not expect there ends it: its words would be wrong. */
export async function table(expected: VerdictName = 'valid', flags = ''): Promise<void> {
  const report = await tidemark(`check --group ${group} --topic ${topic}${flags}`)
  const verdicts = (report.document['partitions'] as readonly CheckRow[]).map(({ verdict }) => verdict)
  const fits = expected === 'valid' ? verdicts.every((verdict) => verdict === 'valid') : verdicts.includes(expected)
  if (!fits) throw new Error(`the story goes on with ${expected} here, and the verdicts are ${verdicts.join(', ')}`)
}

/** Runs the job until it has handled all there is. */
export async function runToTheEnd({ stage }: Story): Promise<void> {
  await new Worker(stage, { untilEnd: true }).finished()
}

/** Waits until the stored offsets have reached the log's ends. */
export async function caughtUp({ stage }: Story): Promise<void> {
  const isThere = async (custody: Custody): Promise<boolean> =>
    positionOf(custody)?.offset === (await stage.topics.offsets(topic, custody.partition)).end
  const done = waitFor('the job to catch up', async () => (await Promise.all((await stage.store.load(group)).map(isThere))).every(Boolean))
  await during('the job works', done)
}

/** The committed offset of each partition. */
export async function committed({ stage }: Story): Promise<number[]> {
  return (await stage.store.load(group)).map((custody) => positionOf(custody)?.offset ?? 0)
}

/** The ranges that the store holds as planned and not saved. */
export async function plannedRanges({ stage }: Story): Promise<OffsetRange[]> {
  const custody = await stage.store.load(group)
  return custody.flatMap(({ partition, planned }) => (planned === undefined ? [] : [{ topic, partition, ...planned }]))
}

/** Waits until the store no longer shows a killed job as alive: until then nobody else may move its offsets. */
export async function membersGone({ stage }: Story): Promise<void> {
  const gone = waitFor('the group to be without members', async () => (await stage.store.members(group)).length === 0)
  await during(`${stage.words.store} still shows the killed job as alive`, gone)
}

/** `orders-0 [10, 15) and orders-1 [10, 15)`. */
export function printRanges(ranges: readonly OffsetRange[]): string {
  return ranges.map(printRange).join(' and ')
}
