import { positionOf } from '../../src/core/custody.ts'
import type { LedgerRow } from '../../src/core/ledger.ts'
import { keyOf } from '../../src/core/position.ts'
import type { KafkaRecord } from '../../src/kafka/log.ts'
import type { Produced } from '../kafka.ts'
import { LETTERS } from '../settings.ts'
import type { Applied, Violate, Witness, Work } from '../witness.ts'
import type { World } from '../world.ts'

/** A span of offsets that a ledger row accounts for. */
interface Span {
  readonly key: string
  readonly fromOffset: number
  readonly untilOffset: number
  readonly topicId: string | undefined
  /** The row says that topics before this one are gone, with whatever was unread in them. */
  readonly isRecreated: boolean
  /** The records are in the dead-letter topic. */
  readonly isLettered: boolean
  /** How many records there were when it was written: later ones may lie at the same offsets, where a log was cut. */
  readonly recordsBefore: number
}

/** Given up is a whole range, markers and all. What a move skips lies right below where it leads, unless the row says that nobody can know what was read before. */
function firstSkipped({ from, to, skipped, verdict, action }: LedgerRow): number {
  const isUnproven = verdict === 'ahead' || verdict === 'lost' || verdict === 'corrupt'
  if (from === null || skipped === null || isUnproven) return 0
  return action === 'skip' || action === 'dead-letter' ? from : to - skipped
}

/** `nothing-lost`: each record was handled, or a ledger row names its partition and offset, or it was gone before the group came that far. */
export class Account implements Witness {
  readonly #world: World
  readonly #violate: Violate
  readonly #spans: Span[] = []
  /** `topic-partition topicId` of which something was ever stored. */
  readonly #seen = new Set<string>()

  constructor(world: World, violate: Violate) {
    this.#world = world
    this.#violate = violate
  }

  applied({ write, before }: Applied): void {
    const key = keyOf(write)
    const topicId = (write.position ?? positionOf(before))?.topicId
    this.#seen.add(`${key} ${topicId}`)
    for (const row of write.ledger)
      this.#spans.push({
        key,
        fromOffset: firstSkipped(row),
        untilOffset: row.to,
        topicId,
        isRecreated: row.verdict === 'recreated',
        isLettered: row.action === 'dead-letter',
        recordsBefore: this.#world.kafka.records.length,
      })
  }

  handled({ records }: Work): void {
    for (const record of records) record.handled++
  }

  over(): void {
    this.#countLetters()
    const lost = this.#world.kafka.records.filter((record) => record.handled === 0 && !this.#isExcused(record))
    if (lost.length === 0) return
    const names = lost
      .slice(0, 5)
      .map(({ id, offset, fate, ...place }) => `${id} (${keyOf(place)} at ${offset}, ${fate}, ${place.topicId.slice(-2)})`)
    this.#violate('nothing-lost', `${lost.length} records were neither handled nor accounted for: ${names.join(', ')}`)
  }

  /** What is given up for a dead-letter topic has to be there; what is not read any more for a damaged batch is there as that batch, under its first offset. */
  #countLetters(): void {
    const { kafka } = this.#world
    const sent = new Set(
      kafka.log.topic(LETTERS)?.partitions.flatMap(({ batches }) => batches.flatMap(({ records }) => records.map(sentFrom))),
    )
    for (const { key, topicId, fromOffset, untilOffset, recordsBefore } of this.#spans.filter(({ isLettered }) => isLettered)) {
      for (const record of kafka.records.slice(0, recordsBefore)) {
        if (record.topicId !== topicId || keyOf(record) !== key || record.fate !== 'kept' || record.handled > 0) continue
        const isSent = [record.offset, record.damagedBatch].some((offset) => sent.has(`${key} ${offset}`))
        if (record.offset < fromOffset || record.offset >= untilOffset || isSent) continue
        this.#violate('nothing-lost', `record ${record.id} (${key} at ${record.offset}) is given up, and not in the dead-letter topic`)
      }
    }
  }

  /** Written where another one had been cut off, and expired by now: the epochs that could tell are gone with it. */
  #tookAPlace({ topicId, topic, partition, offset, isSecond }: Produced): boolean {
    const { kafka } = this.#world
    return isSecond && kafka.topicIdOf(topic) === topicId && offset < (kafka.partitionsOf(topic)[partition]?.logStartOffset ?? 0)
  }

  #isExcused(record: Produced): boolean {
    const { fate, topicId, offset } = record
    if (fate === 'aborted' || fate === 'compacted' || fate === 'cut' || fate === 'open') return true
    const key = keyOf(record)
    const covers = (span: { fromOffset: number; untilOffset: number }): boolean => span.fromOffset <= offset && offset < span.untilOffset
    const inLedger = this.#spans.some(
      (span) => span.key === key && ((span.topicId === topicId && covers(span)) || (span.isRecreated && topicId < (span.topicId ?? ''))),
    )
    if (inLedger) return true
    if (this.#world.excuses.some((one) => keyOf(one) === key && (one.topicId ?? topicId) === topicId && covers(one))) return true
    if (this.#tookAPlace(record)) return true
    // A partition that is gone, and was not there again when somebody looked, or of which nothing was ever stored.
    const { kafka } = this.#world
    return fate === 'deleted' && (kafka.partitionsOf(record.topic)[record.partition] === undefined || !this.#seen.has(`${key} ${topicId}`))
  }
}

function sentFrom({ headers }: KafkaRecord): string {
  const from = new Map(headers.map(([name, value]) => [name, String(value)]))
  return `${from.get('tidemark.topic')}-${from.get('tidemark.partition')} ${from.get('tidemark.offset')}`
}
