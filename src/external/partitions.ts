import type { KnownFacts } from '../core/facts.ts'
import type { PolicyParts } from '../core/policy.ts'
import { parsePolicy } from '../core/policy.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import { epochsOf, judge } from '../core/verdict.ts'
import { TidemarkError } from '../errors.ts'
import { listedNow, partitionsToRead } from '../job/discovery.ts'
import type { Holding } from '../job/holding.ts'
import { joinGroup, workerName } from '../job/join.ts'
import { patiently } from '../job/notice.ts'
import type { Patience } from '../job/notice.ts'
import type { JobOptions } from '../job/options.ts'
import { settle } from '../job/settle.ts'
import type { HeldPartition } from '../job/settle.ts'
import { Voice } from '../job/voice.ts'
import type { Log } from '../kafka/log.ts'
import type { Membership } from '../store/membership.ts'
import type { Store } from '../store/store.ts'
import { mirrored } from './mirror.ts'
import type { Standing } from './options.ts'

/** How soon partitions that could not be settled are looked at again, ms. */
const SETTLE_EVERY_MS = 1_000

/** All partitions of the topics, reconciled and owned: a command needs every one of them, so that whatever keeps one keeps all. */
export class Partitions {
  readonly holdings = new Map<string, Holding>()
  readonly owner: string
  readonly patience: Patience
  readonly #log: Log
  readonly #store: Store
  readonly #options: JobOptions
  readonly #given: readonly Standing[]
  readonly #voice: Voice
  /** To be reconciled before anything is planned. */
  readonly #unsettled = new Map<string, TopicPartition>()
  #topics: readonly string[] = []
  #membership: Membership | undefined

  constructor(log: Log, store: Store, options: JobOptions, given: readonly Standing[]) {
    this.#log = log
    this.#store = store
    this.#options = given.length === 0 ? options : { ...options, policy: unmoving(options.policy) }
    this.#given = given
    this.owner = workerName(options.newId)
    this.patience = { clock: options.clock, onNotice: options.onNotice, signal: options.signal }
    this.#voice = new Voice(options.onNotice, options.clock)
  }

  /** Joins the group and takes the partitions. @throws TidemarkError as openExternal does */
  async open(): Promise<void> {
    const { group, topics, clock } = this.#options
    this.#membership = await patiently('the store', this.patience, () => joinGroup(this.#store, group, this.owner))
    const partitions = [...this.#given, ...(await this.#partitions())]
    for (const { topic, partition } of partitions) this.resettle({ topic, partition })
    this.#topics = topics ?? [...new Set(partitions.map(({ topic }) => topic))]
    const store = this.#given.length === 0 ? this.#store : mirrored(this.#store, this.#given, { now: () => clock.now(), actor: this.owner })
    await this.#settle(store)
    this.#voice.say('started', `group ${group}: ${this.holdings.size} partitions taken as ${this.owner}`)
  }

  /** A partition that is to be reconciled before anything else is planned. */
  resettle({ topic, partition }: TopicPartition): void {
    this.#unsettled.set(keyOf({ topic, partition }), { topic, partition })
  }

  /** Takes partitions that are new, and reconciles what is to be reconciled, however long that takes. */
  async takeNew(): Promise<void> {
    for (const partition of await listedNow(this.#log, { ...this.#options, topics: this.#topics })) {
      if (this.holdings.has(keyOf(partition))) continue
      this.#voice.say('added', `partition ${keyOf(partition)} is new`, partition)
      this.resettle(partition)
    }
    await this.#settle(this.#store)
  }

  /** Looks at new partitions and at all that are held, until each is found valid: their facts. */
  async look(): Promise<ReadonlyMap<string, KnownFacts>> {
    const { signal } = this.#options
    for (;;) {
      await this.takeNew()
      const held = [...this.holdings.values()]
      const questions = held.map(({ topic, partition, position }) => {
        return { topic, partition, epochs: epochsOf(position), offset: position.offset }
      })
      const facts = await patiently('Kafka', this.patience, () => this.#log.facts(questions, { lastStableOffset: true, signal }))
      const valid = facts.filter((one, index) => one.state === 'known' && isValid(held[index] as Holding, one)) as KnownFacts[]
      if (valid.length === held.length) return new Map(valid.map((one) => [keyOf(one), one]))
      const found = new Set(valid.map(keyOf))
      for (const holding of held) if (!found.has(keyOf(holding))) this.resettle(holding)
    }
  }

  /** Another worker has it. */
  fenced({ topic, partition }: TopicPartition, owner: string): TidemarkError {
    return new TidemarkError('FENCED', `another worker, ${owner}, took the partition; nothing of it was touched`, {
      group: this.#options.group,
      topic,
      partition,
      hint: 'Run one at a time for a group and its topics',
    })
  }

  async close(): Promise<void> {
    await this.#membership?.leave()
  }

  /** With positions that are given and no topics, what is stored beside them is nobody's. */
  #partitions(): Promise<TopicPartition[]> {
    if (this.#options.topics === undefined && this.#given.length > 0) return Promise.resolve([])
    return partitionsToRead(this.#log, this.#store, this.#options, this.patience)
  }

  async #settle(store: Pick<Store, 'load' | 'save'>): Promise<void> {
    const { clock, signal } = this.#options
    const settler = { log: this.#log, store, options: this.#options, owner: this.owner, owned: this.holdings }
    while (this.#unsettled.size > 0) {
      signal.throwIfAborted()
      const settled = await patiently('Kafka and the store', this.patience, () => settle(settler, [...this.#unsettled.values()]))
      const [lost] = settled.lost
      if (lost !== undefined) throw this.fenced(lost.partition, lost.owner)
      for (const held of settled.held) this.#hold(held)
      for (const entry of settled.kept) {
        this.holdings.delete(keyOf(entry))
        this.#unsettled.delete(keyOf(entry))
        this.#voice.say('lost', `${keyOf(entry)} is ${entry.verdict} and kept as it is: ${entry.evidence.join('; ')}`, entry)
      }
      this.#voice.waiting(settled.waiting.map(({ partition, reason }) => ({ ...partition, reason })))
      if (settled.waiting.length > 0) await clock.sleep(SETTLE_EVERY_MS, signal)
    }
  }

  #hold({ holding, entry }: HeldPartition): void {
    this.holdings.set(keyOf(holding), holding)
    this.#unsettled.delete(keyOf(holding))
    this.#voice.settled(entry)
  }
}

function isValid({ topic, partition, position, ownerEpoch, revision }: Holding, facts: KnownFacts): boolean {
  return judge({ topic, partition, stored: { state: 'position', position }, ownerEpoch, revision }, facts).verdict === 'valid'
}

/** Positions that are given are another record's to move. */
function unmoving(policy: JobOptions['policy'] = {}): PolicyParts {
  const parts = typeof policy === 'string' ? parsePolicy(policy) : policy
  return { ...parts, recreated: 'fail', truncated: 'fail', expired: 'fail', ahead: 'fail' }
}
