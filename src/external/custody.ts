import type { KnownFacts } from '../core/facts.ts'
import { byPartition, keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import type { Backlog } from '../core/share.ts'
import { shareOut } from '../core/share.ts'
import { publishSave } from '../diagnostics.ts'
import { TidemarkError } from '../errors.ts'
import { advance, afterWrite, unfinished } from '../job/holding.ts'
import type { Done, Holding } from '../job/holding.ts'
import { patiently } from '../job/notice.ts'
import { withDefaults } from '../job/options.ts'
import type { JobOptions } from '../job/options.ts'
import type { EpochsAnswer, Log } from '../kafka/log.ts'
import type { Write, WriteResult } from '../store/driver.ts'
import type { Store } from '../store/store.ts'
import { assertDue, joined, refused } from './due.ts'
import type { External, ExternalOptions, PlannedWork, Standing } from './options.ts'
import { Partitions } from './partitions.ts'

/**
 * Takes custody of work that another program does: reconciles and takes all partitions of the group's topics, as a job does, and waits
 * where the facts are not known.
 * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED: nothing was written; GROUP_ACTIVE, TOPIC_NOT_FOUND, FENCED; the signal's reason
 */
export async function openExternal(log: Log, store: Store, options: ExternalOptions): Promise<External> {
  const all = withDefaults(options)
  const partitions = new Partitions(log, store, all, options.positions ?? [])
  try {
    await partitions.open()
  } catch (error) {
    await partitions.close()
    throw error
  }
  return new ExternalCustody(log, store, all, partitions)
}

class ExternalCustody implements External {
  readonly #log: Log
  readonly #store: Store
  readonly #options: JobOptions
  readonly #partitions: Partitions
  /** Where `untilEnd` stops: the ends seen first. */
  readonly #ends = new Map<string, number>()
  /** The log ends as last heard. */
  readonly #logEnds = new Map<string, number>()
  /** The epochs of what is planned, or was done last. */
  readonly #epochs = new Map<string, EpochsAnswer>()
  /** Calls are served one after the other. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(log: Log, store: Store, options: JobOptions, partitions: Partitions) {
    this.#log = log
    this.#store = store
    this.#options = options
    this.#partitions = partitions
  }

  positions(): readonly Standing[] {
    const standings = [...this.#partitions.holdings.values()].map(({ topic, partition, position }) => ({ topic, partition, position }))
    return standings.toSorted(byPartition)
  }

  plan(maxRecords: number): Promise<PlannedWork> {
    return this.#inTurn(() => this.#plan(maxRecords))
  }

  done(ranges: readonly OffsetRange[]): Promise<void> {
    return this.#inTurn(() => this.#done(ranges))
  }

  close(): Promise<void> {
    return this.#partitions.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #plan(maxRecords: number): Promise<PlannedWork> {
    const facts = await this.#partitions.look()
    const backlogs = [...this.#partitions.holdings.values()].map((holding) =>
      this.#backlogOf(holding, facts.get(keyOf(holding)) as KnownFacts),
    )
    const isReplay = [...this.#partitions.holdings.values()].some(({ planned }) => planned !== undefined)
    const ranges = isReplay ? backlogs.map((backlog) => this.#plannedOf(backlog)) : shareOut(backlogs, maxRecords)
    const filled = ranges.filter(isFilled)
    await this.#learnEpochs(filled, this.#options.signal)
    if (!isReplay) await this.#save(filled.map((range) => this.#write(range, {}, range)))
    const offsets = sum(filled.map(({ fromOffset, untilOffset }) => untilOffset - fromOffset))
    const backlog = sum(backlogs.map(({ fromOffset, endOffset }) => Math.max(0, endOffset - fromOffset)))
    return { ranges: ranges.toSorted(byPartition), offsets, isReplay, left: Math.max(0, backlog - offsets) }
  }

  #backlogOf({ topic, partition, position }: Holding, { logEndOffset, lastStableOffset = logEndOffset }: KnownFacts): Backlog {
    const { isolation, untilEnd } = this.#options
    const key = keyOf({ topic, partition })
    const end = isolation === 'read_committed' ? lastStableOffset : logEndOffset
    this.#logEnds.set(key, logEndOffset)
    if (!this.#ends.has(key)) this.#ends.set(key, end)
    const endOffset = untilEnd ? Math.min(end, this.#ends.get(key) ?? end) : end
    return { topic, partition, fromOffset: position.offset, endOffset, servedAt: position.commitTime }
  }

  #plannedOf({ topic, partition, fromOffset }: Backlog): OffsetRange {
    const planned = this.#holding({ topic, partition })?.planned
    return { topic, partition, fromOffset, untilOffset: planned?.untilOffset ?? fromOffset }
  }

  async #done(ranges: readonly OffsetRange[]): Promise<void> {
    const byKey = Map.groupBy(ranges.filter(isFilled), keyOf)
    if ([...byKey.keys()].some((key) => !this.#partitions.holdings.has(key))) await this.#partitions.takeNew()
    const whole = [...byKey.values()].map((parts) => this.#joined(parts))
    await this.#hearLogEnds(whole)
    for (const range of whole) this.#assertDue(range)
    const unknown = whole.filter((range) => this.#holding(range)?.planned === undefined || !this.#epochs.has(keyOf(range)))
    await this.#learnEpochs(unknown)
    for (const range of unknown) this.#assertSameTopic(range)
    await this.#save(whole.map((range) => this.#writeDone(range)))
  }

  /** The ranges of one partition as one. */
  #joined(parts: readonly OffsetRange[]): OffsetRange {
    const { group } = this.#options
    const [first] = parts as [OffsetRange]
    const holding = this.#holding(first)
    if (holding === undefined) throw refused(first, group, 'is of a partition that this group does not work on')
    const { topic, partition, position } = holding
    return { topic, partition, fromOffset: position.offset, untilOffset: joined(parts, position.offset, group) }
  }

  /** Asks again for the log ends that a range without a plan goes beyond. */
  async #hearLogEnds(ranges: readonly OffsetRange[]): Promise<void> {
    const beyond = ranges.filter((range) => this.#holding(range)?.planned === undefined && range.untilOffset > this.#logEnd(range))
    if (beyond.length === 0) return
    const questions = beyond.map(({ topic, partition }) => ({ topic, partition }))
    const facts = await patiently('Kafka', this.#partitions.patience, () => this.#log.facts(questions))
    for (const one of facts) if (one.state === 'known') this.#logEnds.set(keyOf(one), one.logEndOffset)
  }

  #assertDue(range: OffsetRange): void {
    assertDue(range, this.#holding(range)?.planned, this.#logEnd(range), this.#options.group)
  }

  /** Of a topic that was made anew while the work went on, nobody knows which of the two was read. */
  #assertSameTopic(range: OffsetRange): void {
    const [answer, holding] = [this.#epochs.get(keyOf(range)), this.#holding(range)]
    if (answer?.state !== 'known' || answer.topicId === holding?.topicId) return
    this.#partitions.resettle(range)
    throw refused(range, this.#options.group, `is of a topic that was made anew: its ID was ${holding?.topicId}, and is ${answer.topicId}`)
  }

  /** Identity is worth a question, but no work is lost for it: what can't be learned is not stored. */
  async #learnEpochs(ranges: readonly OffsetRange[], signal?: AbortSignal): Promise<void> {
    const answers = await this.#log.epochs(ranges, { signal }).catch((error: unknown) => {
      if (error instanceof TidemarkError) return []
      throw error
    })
    for (const range of ranges) this.#epochs.delete(keyOf(range))
    for (const answer of answers) this.#epochs.set(keyOf(answer), answer)
  }

  #writeDone(range: OffsetRange): Write {
    const { clock } = this.#options
    const holding = this.#holding(range) as Holding
    const { untilOffset } = range
    const answer = this.#epochs.get(keyOf(range))
    const isKnown = answer?.state === 'known' && answer.topicId === holding.topicId
    const done: Done = { untilOffset, epochs: isKnown ? answer.epochs.filter(({ startOffset }) => startOffset < untilOffset) : [] }
    // Epochs that were read before a span of unknown ones would look cut off.
    const before = isKnown && answer.isWhole ? holding : { ...holding, position: { ...holding.position, epochs: undefined } }
    const position = advance(before, done, clock.now(), this.#partitions.owner)
    return this.#write(range, { position }, unfinished(holding, untilOffset))
  }

  #write({ topic, partition }: OffsetRange, what: Pick<Write, 'position'>, planned: Write['planned']): Write {
    const { owner } = this.#partitions
    const { revision, ownerEpoch } = this.#holding({ topic, partition }) as Holding
    const rest = planned === undefined ? undefined : { fromOffset: planned.fromOffset, untilOffset: planned.untilOffset }
    return { topic, partition, expected: revision, ...what, planned: rest, ownerEpoch, owner, saveId: this.#options.newId(), ledger: [] }
  }

  /** One write to the store. What was refused of it is told when all is noted. */
  async #save(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return
    const { group } = this.#options
    const save = (): Promise<WriteResult[]> => patiently('the store', this.#partitions.patience, () => this.#store.save(group, writes))
    const results = await publishSave(group, writes.length, save)
    const failures = writes.map((write, index) => this.#written(write, results[index] as WriteResult))
    const failure = failures.find((one) => one !== undefined)
    if (failure !== undefined) throw failure
  }

  #written(write: Write, result: WriteResult): TidemarkError | undefined {
    const { topic, partition } = write
    if (result.status === 'saved') {
      const holding = this.#holding({ topic, partition }) as Holding
      this.#partitions.holdings.set(keyOf(holding), afterWrite(holding, write, result.revision))
      return undefined
    }
    this.#partitions.resettle({ topic, partition })
    if (result.status === 'fenced') return this.#partitions.fenced({ topic, partition }, result.owner ?? 'unknown')
    return new TidemarkError('OFFSET_CHANGED', 'another program moved the offset while its records were worked on: that offset counts', {
      group: this.#options.group,
      topic,
      partition,
      hint: 'Find out who moves it, with explain; then start again',
    })
  }

  #holding(partition: { readonly topic: string; readonly partition: number }): Holding | undefined {
    return this.#partitions.holdings.get(keyOf(partition))
  }

  #logEnd(range: OffsetRange): number {
    return this.#logEnds.get(keyOf(range)) ?? 0
  }
}

function isFilled({ fromOffset, untilOffset }: OffsetRange): boolean {
  return fromOffset !== untilOffset
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
