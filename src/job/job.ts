import type { Planned } from '../core/custody.ts'
import type { PlanEntry } from '../core/plan.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import { publishSave } from '../diagnostics.ts'
import { TidemarkError } from '../errors.ts'
import type { Dispute, Log, LogReader, Slice, Taken, Unreadable } from '../kafka/log.ts'
import type { Membership } from '../store/membership.ts'
import type { Write, WriteResult } from '../store/driver.ts'
import type { Store } from '../store/store.ts'
import { JobBatch } from './batch.ts'
import type { Saver } from './batch.ts'
import { listedNow, partitionsToRead } from './discovery.ts'
import { deadLetter, giveUpRow } from './give-up.ts'
import type { GivenUp } from './give-up.ts'
import { advance, afterWrite, doubtOf, readingEpoch, unfinished } from './holding.ts'
import type { Doubt, Holding } from './holding.ts'
import { InHand } from './in-hand.ts'
import { Intake } from './intake.ts'
import { joinGroup, workerName } from './join.ts'
import { mayPass, patiently } from './notice.ts'
import type { Patience } from './notice.ts'
import type { JobOptions } from './options.ts'
import { Pace } from './pace.ts'
import type { PartitionProgress } from './progress.ts'
import { settle } from './settle.ts'
import type { HeldPartition } from './settle.ts'
import { Voice } from './voice.ts'

/** How soon a partition that could not be settled is looked at again, ms. */
const SETTLE_EVERY_MS = 1_000

/**
 * A job: owns partitions, reads them, hands out batches and saves their offsets after the work. All state of a run is
 * here; facts that change while reading send that partition, alone, back to {@link settle}.
 */
export class Job {
  readonly #log: Log
  readonly #store: Store
  readonly #options: JobOptions
  readonly #owner: string
  readonly #reader: LogReader
  readonly #patience: Patience
  readonly #voice: Voice
  readonly #holdings = new Map<string, Holding>()
  /** Taken by other workers: not taken back as if they were new. */
  readonly #lost = new Set<string>()
  /** Partitions to reconcile before they are read (on), with what was said of them last. */
  readonly #unsettled = new Map<string, TopicPartition>()
  /** Where `untilEnd` stops: the ends seen first. */
  readonly #ends = new Map<string, number>()
  /** Disputed last: the broker's epochs could not be matched, or a batch did not read. */
  readonly #doubted = new Map<string, Doubt>()
  /** Batches that can't be read and are to be passed over. */
  readonly #corrupt = new Map<string, Unreadable & { readonly detail: string }>()
  #membership: Membership | undefined
  #settleAt = 0
  #lookAt = 0
  #batch: JobBatch | undefined
  readonly #saver: Saver = {
    group: () => this.#options.group,
    save: (done, isWhole) => (isWhole ? this.#save(done) : this.#write(done, [])),
    meanwhile: (save) => this.#inHand.saving(save),
    transaction: (slices) => this.#transaction(slices),
    giveUp: (slice, reason) => this.#giveUp({ ...slice, reason }),
  }
  readonly #pace: Pace
  readonly #inHand = new InHand()
  readonly #intake: Intake

  constructor(log: Log, store: Store, options: JobOptions) {
    this.#log = log
    this.#store = store
    this.#options = options
    this.#owner = workerName(options.newId)
    this.#patience = { clock: options.clock, onNotice: options.onNotice, signal: options.signal }
    this.#voice = new Voice(options.onNotice, options.clock)
    this.#pace = new Pace(options.maxRecordsPerSecond, options.clock)
    this.#reader = log.reader({ isolation: options.isolation, maxBufferedBytes: options.maxBytes })
    this.#intake = new Intake(this.#reader, options, this.#inHand, this.#voice)
  }

  /**
   * Reconciles, and takes the partitions.
   * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED: nothing was read or written; TOPIC_NOT_FOUND
   */
  async start(): Promise<void> {
    const { group } = this.#options
    this.#membership = await patiently('the store', this.#patience, () => joinGroup(this.#store, group, this.#owner))
    const partitions = await partitionsToRead(this.#log, this.#store, this.#options, this.#patience)
    for (const partition of partitions) this.#unsettled.set(keyOf(partition), partition)
    await this.#settleAll()
    this.#voice.say('started', `group ${group}: reading ${this.#holdings.size} of ${partitions.length} partitions as ${this.#owner}`)
  }

  /** The next batch, or undefined when the job is over: told to stop, or everything until the ends is done. @throws TidemarkError POLICY_FAIL, FENCED, RECORD_CORRUPT … */
  async next(): Promise<JobBatch | undefined> {
    if (this.#batch?.isInHand === true) {
      throw new TidemarkError('USAGE', 'the next batch was asked for before the last one was done', {
        group: this.#options.group,
        hint: 'await batch.done() first',
      })
    }
    if (this.#batch?.isDone === true) this.#inHand.remove(this.#batch.slices) // also of one that was divided
    while (!this.#options.signal.aborted) {
      this.#inHand.assertSaved()
      const planned = this.#inHand.next
      if (planned !== undefined) {
        await this.#pace.wait(count(planned), this.#options.signal)
        if (this.#options.signal.aborted) break
        this.#inHand.begin()
        if (planned.some(({ recordCount }) => recordCount > 0)) return (this.#batch = new JobBatch(planned, this.#saver))
        await this.#save(planned) // compacted away, aborted, or control records: nothing to work on
      } else if (this.#inHand.isSaving) await this.#inHand.aSave()
      else if (!(await this.#planMore())) return undefined
    }
    await this.#stop()
    return undefined
  }

  /** With nothing in hand: settles what is unsettled, and plans what comes next. False where the job is over. */
  async #planMore(): Promise<boolean> {
    await this.#lookForPartitions()
    await this.#settleAll()
    await this.#giveUpUnreadable()
    if (this.#isOver()) return false
    await this.#write([], await this.#intake.next(this.#options.maxWaitMs, this.#ends))
    return true
  }

  /** What is planned and was never begun is planned no more, so that it does not look as if it had been cut short. */
  async #stop(): Promise<void> {
    await this.#inHand.allSaves()
    this.#inHand.assertSaved()
    const notBegun = this.#inHand.withdraw().filter((slice) => !this.#intake.isReplay(slice))
    const writes = notBegun.flatMap((slice) => this.#writeOf(keyOf(slice), undefined, undefined))
    try {
      await this.#writeAll(writes.map((write) => ({ ...write, planned: undefined })))
    } catch (error) {
      if (!mayPass(error)) throw error
      this.#voice.say('waiting', `what was planned and not begun stays planned for the next start: ${error.message}`)
    }
  }

  /** How far it is with each partition that it holds. */
  get progress(): readonly PartitionProgress[] {
    return [...this.#holdings.values()].map(({ topic, partition, position }) => ({
      topic,
      partition,
      committedOffset: position.offset,
      logEndOffset: this.#reader.logEndOffset({ topic, partition }),
    }))
  }

  async close(): Promise<void> {
    await this.#inHand.allSaves()
    if (this.#inHand.unheard !== undefined) this.#voice.unsaved(this.#inHand.unheard)
    await this.#reader.close()
    await this.#membership?.leave()
  }

  /** Now and then: partitions that were added to the topics. */
  async #lookForPartitions(): Promise<void> {
    const { clock, refreshMs } = this.#options
    if (this.#lookAt === 0) this.#lookAt = clock.now() + refreshMs
    if (clock.now() < this.#lookAt) return
    this.#lookAt = clock.now() + refreshMs
    for (const partition of await listedNow(this.#log, this.#options)) {
      const key = keyOf(partition)
      if (this.#holdings.has(key) || this.#unsettled.has(key) || this.#lost.has(key)) continue
      this.#voice.say('added', `partition ${key} is new`, partition)
      this.#unsettled.set(key, partition)
    }
  }

  /** Settles what is unsettled, and starts reading it. */
  async #settleAll(): Promise<void> {
    const { clock } = this.#options
    if (this.#unsettled.size === 0 || (clock.now() < this.#settleAt && this.#holdings.size > 0)) return
    const settler = { log: this.#log, store: this.#store, options: this.#options, owner: this.#owner, owned: this.#holdings }
    const settled = await patiently('Kafka and the store', this.#patience, () => settle(settler, [...this.#unsettled.values()]))
    for (const held of settled.held) this.#hold(held)
    for (const entry of settled.kept) this.#keep(entry)
    for (const { partition, owner } of settled.lost) this.#lose(partition, owner)
    this.#voice.waiting(settled.waiting.map(({ partition, reason }) => ({ ...partition, reason })))
    this.#settleAt = clock.now() + SETTLE_EVERY_MS
    if (this.#holdings.size === 0 && this.#unsettled.size > 0) await clock.sleep(SETTLE_EVERY_MS, this.#options.signal)
  }

  #hold({ holding, entry, endOffset }: HeldPartition): void {
    const key = keyOf(holding)
    this.#holdings.set(key, holding)
    this.#unsettled.delete(key)
    if (!this.#ends.has(key) || entry.verdict === 'recreated' || entry.verdict === 'truncated') this.#ends.set(key, endOffset)
    this.#voice.settled(entry)
    this.#read(holding, holding.planned)
  }

  #read(holding: Holding, planned: Planned | undefined): void {
    const { topic, partition, topicId, position } = holding
    if (planned !== undefined) this.#intake.replay({ topic, partition, ...planned })
    const leaderEpoch = readingEpoch(holding, this.#doubted.get(keyOf(holding)))
    this.#reader.assign({ topic, partition, topicId, offset: position.offset, leaderEpoch })
  }

  #keep(entry: PlanEntry): void {
    this.#forget(entry)
    this.#voice.say('lost', `${keyOf(entry)} is ${entry.verdict} and kept as it is: ${entry.evidence.join('; ')}`, entry)
  }

  #lose(partition: TopicPartition, owner: string): void {
    this.#forget(partition)
    this.#lost.add(keyOf(partition))
    this.#voice.say('lost', `${keyOf(partition)} was taken by ${owner}`, partition)
    if (this.#holdings.size > 0 || this.#unsettled.size > 0) return
    throw new TidemarkError('FENCED', `another worker, ${owner}, took the partitions; nothing of theirs was touched`, {
      group: this.#options.group,
      ...partition,
      hint: 'Run one worker per partition: --topic t:0,1 divides them',
    })
  }

  #forget(partition: TopicPartition): void {
    const key = keyOf(partition)
    this.#holdings.delete(key)
    this.#unsettled.delete(key)
    this.#ends.delete(key)
    this.#reader.drop(partition)
  }

  /** Disputed partitions go back to be settled; what is waited for is said now and then. */
  #accept({ slices, disputes, waiting }: Taken): readonly Slice[] {
    this.#voice.waiting(waiting)
    for (const dispute of disputes) this.#dispute(dispute)
    return slices
  }

  #dispute(dispute: Dispute): void {
    const key = keyOf(dispute)
    const { reason, detail, topic, partition } = dispute
    const holding = this.#holdings.get(key)
    if (holding === undefined) return
    const { offset } = holding.position
    const before = this.#doubted.get(key)
    if (reason === 'RECORD_CORRUPT' && before?.reason === reason && before.offset === offset) return this.#unreadable(dispute, offset)
    this.#doubted.set(key, doubtOf(reason, holding, before))
    this.#unsettled.set(key, { topic, partition })
    this.#settleAt = 0
    this.#voice.say('waiting', `${key} is reconciled again: ${reason}: ${detail}`, { topic, partition }, reason)
  }

  /** A batch that did not read twice from the same offset. */
  #unreadable(dispute: Dispute, offset: number): void {
    const { topic, partition, detail } = dispute
    if (this.#options.onFailure === 'stop' || dispute.unreadable === undefined) {
      throw new TidemarkError('RECORD_CORRUPT', detail, {
        group: this.#options.group,
        topic,
        partition,
        hint: `Read twice from offset ${offset}. Nothing beyond it was saved; look at the broker's disk, then reset beyond it`,
      })
    }
    this.#unsettled.set(keyOf(dispute), { topic, partition })
    this.#corrupt.set(keyOf(dispute), { ...dispute.unreadable, detail })
  }

  /** Moves past batches that can't be read, where that is the choice: all before them is saved by now. */
  async #giveUpUnreadable(): Promise<void> {
    for (const [key, { fromOffset, untilOffset, bytes, detail }] of this.#corrupt) {
      const holding = this.#holdings.get(key)
      this.#corrupt.delete(key)
      if (holding === undefined || holding.position.offset >= untilOffset) continue
      const { topic, partition } = holding
      const record = { offset: fromOffset, timestamp: -1, key: null, value: bytes, headers: [] }
      const slice = {
        topic,
        partition,
        fromOffset: holding.position.offset,
        untilOffset,
        records: [],
        recordCount: untilOffset - Math.max(fromOffset, holding.position.offset),
        bytes: 0,
        epochs: [],
      }
      await this.#giveUp({ ...slice, records: [record], reason: detail })
      const moved = this.#holdings.get(key)
      if (moved !== undefined) this.#read(moved, undefined)
    }
  }

  /** Moves past records without their work, with a ledger row in the same write; to the dead-letter topic first, where there is one. */
  async #giveUp(given: Omit<GivenUp, 'records'> & Omit<Slice, 'records'> & { records: GivenUp['records'] }): Promise<void> {
    const { group, onFailure, clock } = this.#options
    const holding = this.#holdings.get(keyOf(given))
    if (holding === undefined) return
    if (typeof onFailure !== 'string')
      await patiently('Kafka', this.#patience, () => deadLetter(this.#log, onFailure.deadLetter, group, holding, given))
    const row = giveUpRow(group, holding, given, onFailure, clock.now(), this.#owner)
    await this.#writeAll(this.#writeOf(keyOf(given), { ...given, records: [] }, undefined).map((write) => ({ ...write, ledger: [row] })))
    this.#voice.say('gave-up', `${keyOf(given)} [${row.from}, ${row.to}): ${row.action}: ${given.reason}`, given)
  }

  /** Saves the offsets after the work, and in the same writes plans the next batch, where there is one to be had at once. */
  async #save(done: readonly Slice[]): Promise<void> {
    const next = await this.#inHand.inTurn(async () => (this.#goesOn ? this.#intake.next(0, this.#ends, done) : []))
    await this.#write(done, next)
    this.#inHand.remove(done)
  }

  /** Whether more is planned before what is in hand is done: what is to be settled or looked for waits for that. */
  get #goesOn(): boolean {
    const { signal, clock } = this.#options
    return !signal.aborted && this.#unsettled.size === 0 && !this.#intake.hasReplay && clock.now() < this.#lookAt
  }

  /** Writes the offsets of what is done and the ranges of what comes next, in one write per partition. What could not be written, because the partition is not ours as it was, is dropped. */
  async #write(done: readonly Slice[], taken: readonly Taken[]): Promise<void> {
    const next = taken.map((one) => this.#accept(one))
    const doneBy = new Map(done.map((slice) => [keyOf(slice), slice]))
    const nextBy = new Map(next.flat().map((slice) => [keyOf(slice), slice]))
    const writes = [...new Set([...doneBy.keys(), ...nextBy.keys()])].flatMap((key) => this.#writeOf(key, doneBy.get(key), nextBy.get(key)))
    const written = await this.#writeAll(writes)
    for (const batch of next) this.#inHand.planned(batch, (slice) => written.has(keyOf(slice)))
  }

  /** The writes are made once, so that a repeated attempt has the same save IDs: one that was committed unheard is found done, and its work is not done again. */
  #transaction(slices: readonly Slice[]): (work: (transaction: unknown) => Promise<void>) => Promise<boolean> {
    const writes = slices.flatMap((slice) => this.#writeOf(keyOf(slice), slice, undefined))
    return async (work) => {
      const result = await patiently('the store', this.#patience, () => this.#store.transact(this.#options.group, writes, work))
      for (const [index, write] of writes.entries()) {
        if (result.status === 'saved') this.#written(write, { status: 'saved', revision: result.revisions[index] as string })
        else this.#refused(write, result.results[index])
      }
      return result.status === 'saved'
    }
  }

  /** A partition of a transaction that was refused: not ours as it was, or, where only others were refused, read again as it was planned. */
  #refused(write: Write, result: WriteResult | undefined): void {
    if (result !== undefined) return void this.#written(write, result)
    const holding = this.#holdings.get(keyOf(write)) as Holding
    this.#read(holding, holding.planned)
  }

  /** The keys of those writes that were done. */
  async #writeAll(writes: readonly Write[]): Promise<ReadonlySet<string>> {
    if (writes.length === 0) return new Set()
    const { group } = this.#options
    const save = (): Promise<WriteResult[]> => patiently('the store', this.#patience, () => this.#store.save(group, writes))
    const results = await publishSave(group, writes.length, save)
    return new Set(writes.filter((write, index) => this.#written(write, results[index] as WriteResult)).map(keyOf))
  }

  #writeOf(key: string, done: Slice | undefined, next: Slice | undefined): Write[] {
    const holding = this.#holdings.get(key)
    if (holding === undefined) return []
    const { topic, partition, revision, ownerEpoch } = holding
    const { clock, newId } = this.#options
    const position = done === undefined ? undefined : advance(holding, done, clock.now(), this.#owner)
    const planned =
      next === undefined ? unfinished(holding, position?.offset) : { fromOffset: next.fromOffset, untilOffset: next.untilOffset }
    return [{ topic, partition, expected: revision, position, planned, ownerEpoch, owner: this.#owner, saveId: newId(), ledger: [] }]
  }

  #written(write: Write, result: WriteResult): boolean {
    const key = keyOf(write)
    const holding = this.#holdings.get(key) as Holding
    const { topic, partition } = write
    if (result.status === 'saved') {
      this.#holdings.set(key, afterWrite(holding, write, result.revision))
      return true
    }
    this.#reader.drop(holding)
    if (result.status === 'fenced') this.#lose({ topic, partition }, result.owner ?? 'unknown')
    else {
      this.#unsettled.set(key, { topic, partition })
      const text = `${key} was moved by somebody else while its records were worked on: their offset counts`
      this.#voice.say('waiting', text, { topic, partition }, 'moved')
    }
    return false
  }

  #isOver(): boolean {
    if (this.#holdings.size === 0 && this.#unsettled.size === 0) return true
    if (!this.#options.untilEnd || this.#unsettled.size > 0) return false
    return [...this.#holdings].every(([key, { position }]) => position.offset >= (this.#ends.get(key) ?? 0))
  }
}

function count(slices: readonly Slice[]): number {
  return slices.reduce((sum, { recordCount }) => sum + recordCount, 0)
}
