import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Clock } from '../clock.ts'
import type { PlanEntry } from '../core/plan.ts'
import { byPartition, keyOf } from '../core/position.ts'
import type { OffsetRange, TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Dispute, Log, LogReader, Slice, Taken } from '../kafka/log.ts'
import type { Membership } from '../store/membership.ts'
import type { Write, WriteResult } from '../store/driver.ts'
import type { Store } from '../store/store.ts'
import { parseSelection, selects } from '../verbs/selection.ts'
import { JobBatch, printRange } from './batch.ts'
import { advance } from './holding.ts'
import type { Holding } from './holding.ts'
import { patiently } from './notice.ts'
import type { Notice, Patience } from './notice.ts'
import type { JobOptions } from './options.ts'
import { settle } from './settle.ts'
import type { HeldPartition } from './settle.ts'

/** How soon a partition that could not be settled is looked at again, ms. */
const SETTLE_EVERY_MS = 1_000
/** How often a reason to wait is said again, ms. */
const SAY_EVERY_MS = 15_000

/**
 * A job: owns partitions, reads them, hands out batches and saves their offsets after the work. All state of a run is
 * here; facts that change while reading send that partition, alone, back to {@link settle}.
 */
export class Job {
  readonly #log: Log
  readonly #store: Store
  readonly #options: JobOptions
  readonly #owner = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  readonly #reader: LogReader
  readonly #patience: Patience
  readonly #holdings = new Map<string, Holding>()
  /** Partitions to reconcile before they are read (on), with what was said of them last. */
  readonly #unsettled = new Map<string, TopicPartition>()
  /** Where `untilEnd` stops: the ends seen first. */
  readonly #ends = new Map<string, number>()
  /** Disputed once at this offset: the broker's epochs could not be matched, or a batch did not read; not again. */
  readonly #doubted = new Map<string, { readonly reason: string; readonly offset: number }>()
  readonly #said = new Map<string, number>()
  #membership: Membership | undefined
  #settleAt = 0
  #lookAt = 0
  /** Ranges that were planned before a crash, to be run first and as they were. */
  #replay: OffsetRange[] = []
  #batch: JobBatch | undefined
  /** What is planned in the store and not handed out yet. */
  #planned: readonly Slice[] = []

  constructor(log: Log, store: Store, options: JobOptions) {
    this.#log = log
    this.#store = store
    this.#options = options
    this.#patience = { clock: options.clock, onNotice: options.onNotice, signal: options.signal }
    this.#reader = log.reader({ isolation: options.isolation, maxBufferedBytes: 2 * options.maxBytes })
  }

  /**
   * Reconciles, and takes the partitions.
   * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED: nothing was read or written; TOPIC_NOT_FOUND
   */
  async start(): Promise<void> {
    const { group } = this.#options
    this.#membership = await patiently('the store', this.#patience, () => this.#join())
    const partitions = await this.#partitions()
    if (partitions.length === 0 && !this.#options.signal.aborted) {
      throw new TidemarkError('USAGE', 'nothing is stored for the group, and no topic is named', {
        group,
        hint: 'Name the topics to read: --topic orders',
      })
    }
    for (const partition of partitions) this.#unsettled.set(keyOf(partition), partition)
    await this.#settleAll()
    this.#say({
      kind: 'started',
      text: `group ${group}: reading ${this.#holdings.size} of ${partitions.length} partitions as ${this.#owner}`,
    })
  }

  /** The next batch, or undefined when the job is over: told to stop, or everything until the ends is done. @throws TidemarkError POLICY_FAIL, FENCED, RECORD_CORRUPT … */
  async next(): Promise<JobBatch | undefined> {
    if (this.#batch?.isDone === false) {
      throw new TidemarkError('USAGE', 'the next batch was asked for before the last one was done', {
        group: this.#options.group,
        hint: 'await batch.done() first',
      })
    }
    while (!this.#options.signal.aborted) {
      const planned = this.#planned
      this.#planned = []
      if (planned.some(({ recordCount }) => recordCount > 0)) return (this.#batch = new JobBatch(planned, (slices) => this.#save(slices)))
      if (planned.length > 0) await this.#save(planned) // compacted away, aborted, or control records: nothing to work on
      await this.#lookForPartitions()
      await this.#settleAll()
      if (this.#isOver()) return undefined
      if (this.#planned.length === 0) await this.#write([], this.#accept(await this.#take(this.#options.maxWaitMs)))
    }
    return undefined
  }

  async close(): Promise<void> {
    await this.#reader.close()
    await this.#membership?.leave()
  }

  /** Another worker of ours is taken over from; another program's consumers would move the same offsets behind our back. */
  async #join(): Promise<Membership> {
    const { group } = this.#options
    const others = (await this.#store.members(group)).filter(({ program }) => program !== 'tidemark')
    if (others.length > 0) {
      const names = others.map(({ program, id, host }) => `${program} ${id} on ${host}`).join(', ')
      throw new TidemarkError('GROUP_ACTIVE', `another program's consumers are at work in the group: ${names}`, {
        group,
        hint: 'Stop them first; a killed one is gone some seconds later',
      })
    }
    return this.#store.join(group, { id: this.#owner, host: hostname() })
  }

  /** The partitions that the job is to read, as far as they are known now. */
  async #partitions(): Promise<TopicPartition[]> {
    const { group, topics, clock } = this.#options
    if (topics === undefined) return patiently('the store', this.#patience, () => this.#store.load(group))
    const selected = parseSelection(topics)
    const stored = (await patiently('the store', this.#patience, () => this.#store.load(group))).filter((custody) =>
      selects(selected, custody),
    )
    const listed = await this.#listed(
      selected.map(({ topic }) => topic),
      new Set(stored.map(({ topic }) => topic)),
      clock,
    )
    const all = [
      ...stored,
      ...listed.filter((partition) => selects(selected, partition)),
      ...selected.flatMap(({ topic, partitions = [] }) => partitions.map((partition) => ({ topic, partition }))),
    ]
    return [...new Map(all.map(({ topic, partition }) => [keyOf({ topic, partition }), { topic, partition }])).values()].toSorted(
      byPartition,
    )
  }

  /** A topic that does not exist is an error on a second look; one that can't be described is waited for. */
  async #listed(names: readonly string[], stored: ReadonlySet<string>, clock: Clock): Promise<TopicPartition[]> {
    for (let looks = 1; ; looks++) {
      const descriptions = await patiently('Kafka', this.#patience, () => this.#log.topics(names))
      const absent = descriptions.find(({ state, topic }) => state === 'absent' && !stored.has(topic))
      if (absent !== undefined && looks > 1) {
        throw new TidemarkError('TOPIC_NOT_FOUND', 'there is no such topic in the cluster, and nothing is stored of it', {
          group: this.#options.group,
          topic: absent.topic,
          hint: 'Check the name and the bootstrap server',
        })
      }
      const unknown = descriptions.find((one) => one.state === 'unknown' && !stored.has(one.topic))
      if (absent === undefined && unknown === undefined) return descriptions.flatMap(partitionsOf)
      if (unknown?.state === 'unknown')
        this.#say({
          kind: 'waiting',
          text: `waiting for topic ${unknown.topic}: ${unknown.reason}: ${unknown.detail}`,
          topic: unknown.topic,
        })
      if (this.#options.signal.aborted) return []
      await clock.sleep(this.#options.secondLookMs ?? 2_000, this.#options.signal)
    }
  }

  /** Now and then: partitions that were added to the topics. */
  async #lookForPartitions(): Promise<void> {
    const { clock, topics, refreshMs } = this.#options
    if (this.#lookAt === 0) this.#lookAt = clock.now() + refreshMs
    if (topics === undefined || clock.now() < this.#lookAt) return
    this.#lookAt = clock.now() + refreshMs
    const selected = parseSelection(topics)
    const descriptions = await this.#log.topics(selected.map(({ topic }) => topic)).catch(() => []) // the reader says that Kafka is away
    for (const partition of descriptions.flatMap(partitionsOf)) {
      if (!selects(selected, partition) || this.#holdings.has(keyOf(partition)) || this.#unsettled.has(keyOf(partition))) continue
      this.#say({ kind: 'added', text: `partition ${keyOf(partition)} is new`, ...partition })
      this.#unsettled.set(keyOf(partition), partition)
    }
  }

  /** Settles what is unsettled, and starts reading it. */
  async #settleAll(): Promise<void> {
    const { clock, group } = this.#options
    if (this.#unsettled.size === 0 || (clock.now() < this.#settleAt && this.#holdings.size > 0)) return
    const settler = { log: this.#log, store: this.#store, options: this.#options, owner: this.#owner, owned: this.#holdings }
    const settled = await patiently('Kafka and the store', this.#patience, () => settle(settler, [...this.#unsettled.values()]))
    for (const held of settled.held) this.#hold(held)
    for (const entry of settled.kept) this.#keep(entry)
    for (const { partition, owner } of settled.lost) this.#lose(partition, owner)
    for (const { partition, reason } of settled.waiting)
      this.#say({ kind: 'waiting', text: `waiting for ${keyOf(partition)} of group ${group}: ${reason}`, ...partition })
    this.#settleAt = clock.now() + SETTLE_EVERY_MS
    if (this.#holdings.size === 0 && this.#unsettled.size > 0) await clock.sleep(SETTLE_EVERY_MS, this.#options.signal)
  }

  #hold({ holding, entry, endOffset }: HeldPartition): void {
    const key = keyOf(holding)
    this.#holdings.set(key, holding)
    this.#unsettled.delete(key)
    if (!this.#ends.has(key) || entry.verdict === 'recreated' || entry.verdict === 'truncated') this.#ends.set(key, endOffset)
    if (entry.move !== undefined) this.#sayMoved(entry)
    const { topic, partition, topicId, planned, position } = holding
    if (planned !== undefined) this.#replay.push({ topic, partition, ...planned })
    const trusted = this.#doubted.get(key)?.offset !== position.offset
    this.#reader.assign({ topic, partition, topicId, offset: position.offset, leaderEpoch: trusted ? position.leaderEpoch : undefined })
  }

  #sayMoved({ topic, partition, verdict, action, from, move, evidence }: PlanEntry): void {
    const cost = `at most ${move?.skipped ?? 'an unknown number of'} records skipped and ${move?.reread} read again`
    this.#say({
      kind: 'moved',
      text: `${keyOf({ topic, partition })} was ${verdict}: moved from ${from ?? 'nothing'} to ${move?.to} (${action}; ${cost}): ${evidence.join('; ')}`,
      topic,
      partition,
    })
  }

  #keep(entry: PlanEntry): void {
    this.#forget(entry)
    this.#say({
      kind: 'lost',
      text: `${keyOf(entry)} is ${entry.verdict} and kept as it is: ${entry.evidence.join('; ')}`,
      topic: entry.topic,
      partition: entry.partition,
    })
  }

  #lose(partition: TopicPartition, owner: string): void {
    this.#forget(partition)
    this.#say({ kind: 'lost', text: `${keyOf(partition)} was taken by ${owner}`, ...partition })
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

  async #take(maxWaitMs: number): Promise<Taken> {
    const { maxRecords, maxBytes, untilEnd, signal } = this.#options
    const replay = this.#replay
    if (replay.length === 0) return this.#reader.take({ maxRecords, maxBytes, maxWaitMs, until: untilEnd ? this.#ends : undefined }, signal)
    this.#say({ kind: 'replanned', text: `running again what was planned before the last stop: ${replay.map(printRange).join(', ')}` })
    const taken = await this.#reader.takeRanges(replay, signal)
    this.#replay =
      taken.slices.length > 0 || signal.aborted
        ? []
        : replay.filter((range) => !taken.disputes.some((dispute) => keyOf(dispute) === keyOf(range)))
    return taken
  }

  /** Disputed partitions go back to be settled; what is waited for is said now and then. */
  #accept({ slices, disputes, waiting }: Taken): readonly Slice[] {
    for (const { topic, partition, reason } of waiting)
      this.#say({ kind: 'waiting', text: `waiting for ${topic}-${partition} of group ${this.#options.group}: ${reason}`, topic, partition })
    for (const dispute of disputes) this.#dispute(dispute)
    return slices
  }

  #dispute(dispute: Dispute): void {
    const key = keyOf(dispute)
    const { reason, detail, topic, partition } = dispute
    const offset = this.#holdings.get(key)?.position.offset ?? -1
    const before = this.#doubted.get(key)
    if (reason === 'RECORD_CORRUPT' && before?.reason === reason && before.offset === offset) {
      throw new TidemarkError('RECORD_CORRUPT', detail, {
        group: this.#options.group,
        topic,
        partition,
        hint: `Read twice from offset ${offset}. Nothing beyond it was saved; look at the broker's disk, then reset beyond it`,
      })
    }
    this.#doubted.set(key, { reason, offset })
    this.#unsettled.set(key, { topic, partition })
    this.#settleAt = 0
    this.#say({ kind: 'waiting', text: `${key} is reconciled again: ${reason}: ${detail}`, topic, partition })
  }

  /** Saves the offsets after the work, and in the same writes plans the next batch, where there is one to be had at once. */
  async #save(done: readonly Slice[]): Promise<void> {
    const goesOn = !this.#options.signal.aborted && this.#unsettled.size === 0 && this.#replay.length === 0
    await this.#write(done, goesOn ? this.#accept(await this.#take(0)) : [])
  }

  /** Writes the offsets of what is done and the ranges of what comes next, in one write per partition. What could not be written, because the partition is not ours as it was, is dropped. */
  async #write(done: readonly Slice[], next: readonly Slice[]): Promise<void> {
    const doneBy = new Map(done.map((slice) => [keyOf(slice), slice]))
    const nextBy = new Map(next.map((slice) => [keyOf(slice), slice]))
    const writes = [...new Set([...doneBy.keys(), ...nextBy.keys()])].flatMap((key) => this.#writeOf(key, doneBy.get(key), nextBy.get(key)))
    if (writes.length === 0) return
    const results = await patiently('the store', this.#patience, () => this.#store.save(this.#options.group, writes))
    const written = new Set(writes.filter((write, index) => this.#written(write, results[index] as WriteResult)).map(keyOf))
    this.#planned = next.filter((slice) => written.has(keyOf(slice)))
  }

  #writeOf(key: string, done: Slice | undefined, next: Slice | undefined): Write[] {
    const holding = this.#holdings.get(key)
    if (holding === undefined) return []
    const { topic, partition, revision, ownerEpoch } = holding
    const position = done === undefined ? undefined : advance(holding, done, this.#options.clock.now(), this.#owner)
    const planned = next === undefined ? undefined : { fromOffset: next.fromOffset, untilOffset: next.untilOffset }
    return [{ topic, partition, expected: revision, position, planned, ownerEpoch, owner: this.#owner, saveId: randomUUID(), ledger: [] }]
  }

  #written(write: Write, result: WriteResult): boolean {
    const key = keyOf(write)
    const holding = this.#holdings.get(key) as Holding
    const { topic, partition } = write
    if (result.status === 'saved') {
      this.#holdings.set(key, { ...holding, revision: result.revision, position: write.position ?? holding.position })
      return true
    }
    this.#reader.drop(holding)
    if (result.status === 'fenced') this.#lose({ topic, partition }, result.owner ?? 'unknown')
    else {
      this.#unsettled.set(key, { topic, partition })
      this.#say({
        kind: 'waiting',
        text: `${key} was moved by somebody else while its records were worked on: their offset counts`,
        topic,
        partition,
      })
    }
    return false
  }

  #isOver(): boolean {
    if (this.#holdings.size === 0 && this.#unsettled.size === 0) return true
    if (!this.#options.untilEnd || this.#unsettled.size > 0) return false
    return [...this.#holdings].every(([key, { position }]) => position.offset >= (this.#ends.get(key) ?? 0))
  }

  /** Says something, but the same thing of the same partition only now and then. */
  #say(notice: Notice): void {
    const now = this.#options.clock.now()
    const key = `${notice.kind} ${notice.topic} ${notice.partition}`
    if (notice.kind === 'waiting' && now < (this.#said.get(key) ?? 0) + SAY_EVERY_MS) return
    this.#said.set(key, now)
    this.#options.onNotice(notice)
  }
}

function partitionsOf(description: { state: string; topic: string; partitions?: readonly number[] }): TopicPartition[] {
  return (description.partitions ?? []).map((partition) => ({ topic: description.topic, partition }))
}
