import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import type { Checkpoint, CheckpointFiles, ResumePoint } from './checkpoint.ts'
import { storedOffset } from './offset-log.ts'
import type { OffsetLog, SourceOffsets } from './offset-log.ts'

/**
 * Where a query resumes, by the rules of Spark's MicroBatchExecution: the newest batch is done if it is committed, and the next
 * one starts at its offsets; else it runs again, from the offsets of the batch before it to its own. The first batch, and a source that
 * had no offsets yet, start at the source's starting offsets. Pure.
 */
export function resumeOf(files: CheckpointFiles): Checkpoint {
  const { queryId, offsetBatches, commitBatches, newest, stateful } = files
  const planned = offsetBatches.at(-1)
  const committed = commitBatches.at(-1)
  const done = planned === committed
  // Spark looks for the batch before the newest one whether it needs its offsets or not.
  const base = baseOf(files, done)
  const incomplete = planned !== undefined && planned > 0 && offsetBatches.at(-2) !== planned - 1
  return {
    queryId,
    formatVersion: newest?.version,
    planned,
    committed,
    nextBatch: planned === undefined ? 0 : done ? planned + 1 : planned,
    newest,
    base,
    partitions: partitionsOf(files, done, base?.log),
    findings: findingsOf(files, { planned, committed, incomplete }),
    stateful,
    continuous: isContinuous(newest),
    gaps: hasGaps(offsetBatches) || hasGaps(commitBatches),
    incomplete,
  }
}

/** Only continuous processing writes no header. It begins an epoch at the offsets of the last committed one, and plans no end. */
function isContinuous(log: OffsetLog | undefined): boolean {
  return log?.header.trim() === ''
}

function baseOf({ newest, before, offsetBatches }: CheckpointFiles, done: boolean): Checkpoint['base'] {
  const [batch, log] = done ? [offsetBatches.at(-1), newest] : [offsetBatches.at(-2), before]
  return batch === undefined || log === undefined ? undefined : { batch, log }
}

function partitionsOf({ newest, starting, offsetBatches }: CheckpointFiles, done: boolean, from: OffsetLog | undefined): ResumePoint[] {
  const lacking = !done && from === undefined && (offsetBatches.at(-1) ?? 0) > 0
  const sources = newest?.sources ?? starting
  return sources.flatMap(({ id, offsets: until }) => {
    const begun = from?.sources.find((source) => source.id === id)?.offsets
    const at = begun === undefined ? undefined : from?.batchTimestampMs
    const start = lacking ? undefined : (begun ?? starting.find((source) => source.id === id)?.offsets)
    const end = done || isContinuous(newest) ? undefined : until
    return partitionsIn(start, end).map((partition): ResumePoint => {
      const json = start?.get(partition.topic)?.get(partition.partition)
      const stored = json === undefined ? nothing(lacking, offsetBatches) : storedOffset(json)
      return { ...partition, source: id, stored, planned: rangeOf(stored, end?.get(partition.topic)?.get(partition.partition)), at }
    })
  })
}

function partitionsIn(...maps: readonly SourceOffsets['offsets'][]): TopicPartition[] {
  const found = new Map<string, TopicPartition>()
  for (const [topic, partitions] of maps.flatMap((map) => [...(map ?? [])])) {
    for (const partition of partitions.keys()) found.set(keyOf({ topic, partition }), { topic, partition })
  }
  return [...found.values()]
}

function nothing(lacking: boolean, batches: readonly number[]): ResumePoint['stored'] {
  if (!lacking) return { state: 'absent' }
  return { state: 'corrupt', raw: '', reason: missingBatch(batches) }
}

function rangeOf(stored: ResumePoint['stored'], until: string | undefined): ResumePoint['planned'] {
  const end = until === undefined ? undefined : storedOffset(until)
  if (stored.state !== 'position' || end?.state !== 'position' || end.position.offset < stored.position.offset) return undefined
  return { fromOffset: stored.position.offset, untilOffset: end.position.offset }
}

function hasGaps(batches: readonly number[]): boolean {
  return batches.some((batch, index) => index > 0 && batch !== (batches[index - 1] ?? 0) + 1)
}

type Numbers = Pick<Checkpoint, 'planned' | 'committed' | 'incomplete'>

function findingsOf(files: CheckpointFiles, { planned, committed, incomplete }: Numbers): string[] {
  const { offsetBatches, commitBatches, strangers } = files
  const findings: string[] = []
  if (planned === undefined && committed !== undefined) {
    findings.push(`commits/ goes up to batch ${committed} and offsets/ is empty: Spark begins anew, or refuses to`)
  }
  if (planned !== undefined && committed !== undefined && committed > planned) {
    findings.push(`batch ${committed} is committed and offsets/ ends with batch ${planned}: Spark runs batch ${planned} again`)
  }
  if (planned !== undefined && planned > 0 && (committed ?? -1) < planned - 1) {
    const last = committed === undefined ? 'no batch is committed' : `the last committed batch is ${committed}`
    findings.push(`${last} and the newest planned one is ${planned}: Spark runs only batch ${planned} again`)
  }
  if (incomplete) findings.push(missingBatch(offsetBatches))
  if (hasGaps(offsetBatches)) findings.push(`batches are missing in offsets/ (${gapsIn(offsetBatches)})`)
  if (hasGaps(commitBatches)) findings.push(`batches are missing in commits/ (${gapsIn(commitBatches)})`)
  for (const [topicPartition, ids] of readTwice(files.newest))
    findings.push(`${topicPartition} is read by the sources ${ids.join(' and ')}`)
  if (strangers.length > 0) findings.push(`not Spark's: ${strangers.slice(0, 5).join(', ')}${strangers.length > 5 ? ' …' : ''}`)
  return findings
}

function missingBatch(batches: readonly number[]): string {
  const last = batches.at(-1) ?? 0
  return `offsets/${last - 1} is gone, and Spark does not start from batch ${last} without it, unless its progress is tracked asynchronously`
}

function gapsIn(batches: readonly number[]): string {
  const gaps = batches.flatMap((batch, index) => {
    const before = batches[index - 1]
    return before === undefined || batch === before + 1 ? [] : [batch - before === 2 ? `${before + 1}` : `${before + 1} to ${batch - 1}`]
  })
  return `${gaps.slice(0, 5).join(', ')}${gaps.length > 5 ? ' …' : ''}`
}

/** The partitions that more than one source reads. */
export function readTwice(log: OffsetLog | undefined): Map<string, string[]> {
  const readers = new Map<string, string[]>()
  for (const { id, offsets } of log?.sources ?? []) {
    for (const partition of partitionsIn(offsets)) readers.set(keyOf(partition), [...(readers.get(keyOf(partition)) ?? []), id])
  }
  return new Map([...readers].filter(([, ids]) => ids.length > 1))
}
