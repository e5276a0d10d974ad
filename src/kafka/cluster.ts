import { TidemarkError } from '../errors.ts'
import { printAddress, type Address } from './address.ts'
import { combine } from './failures.ts'
import { firstAnswer } from './first-answer.ts'
import { Link, type ConnectionSettings } from './link.ts'
import { isTopicName, metadata, withIllegal, type Metadata, type TopicMetadata } from './metadata.ts'
import type { Call } from './protocol.ts'

export interface ClusterOptions extends ConnectionSettings {
  readonly bootstrapServers: readonly Address[]
  /** How long one question to the cluster may take in all, ms. */
  readonly timeoutMs: number
}

export interface SendOptions {
  /** Connections are one per broker and purpose: a fetch that waits for records holds up no ask. */
  readonly purpose?: string | undefined
  /** For this request, opening the connection included; a third of the cluster's time-out if not said, so that a question of several steps ends in time. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface MetadataOptions {
  /** Ask another broker than last time first. */
  readonly elsewhere?: boolean | undefined
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Who leads a partition, as far as we know. */
export interface Leader {
  readonly nodeId: number
  /** To be sent as currentLeaderEpoch, so that a broker that knows better says so. */
  readonly epoch: number
  readonly topicId: string
}

/** What the purpose of a connection begins with that is for fetches. */
export const FETCHES = 'fetch'

/** A Kafka cluster: its brokers, a connection to each that is in use, and what was last heard of leaders. Connects when first asked. */
export class Cluster {
  /** How long one question to the cluster may take in all, ms. */
  readonly timeoutMs: number
  readonly #options: ClusterOptions
  /** By purpose and address. */
  readonly #links = new Map<string, Link>()
  #brokers: ReadonlyMap<number, Address> = new Map()
  /** Only topics that were refreshed: those of readers, not the thousands that facts are asked of. */
  readonly #topics = new Map<string, TopicMetadata>()
  /** The broker that answered for metadata last. */
  #informant: string | undefined
  #refreshing: Promise<void> | undefined
  #nextRefresh: { readonly names: Set<string>; readonly done: Promise<void> } | undefined
  #closed = false

  constructor(options: ClusterOptions) {
    this.#options = options
    this.timeoutMs = options.timeoutMs
  }

  /**
   * Sends one request to one broker, in the newest version that both speak, and returns its answer with whatever error
   * codes it holds. A lost connection is opened again; a broker that moved is found where it is now.
   * @throws TidemarkError KAFKA_UNREACHABLE, KAFKA_DENIED, KAFKA_UNSUPPORTED, KAFKA_FAILED; or the signal's reason
   */
  async send<Args extends unknown[], Result>(
    nodeId: number,
    call: Call<Args, Result>,
    args: Args,
    options: SendOptions = {},
  ): Promise<Result> {
    const address = this.#brokers.get(nodeId)
    if (address === undefined) throw new TidemarkError('KAFKA_UNREACHABLE', `broker ${nodeId} is not in the cluster now`)
    const { purpose = 'ask', timeoutMs = this.timeoutMs / 3, signal } = options
    return this.#link(address, purpose).send(call, args, { timeoutMs, signal })
  }

  /**
   * What the cluster says now of the topics named, or of all. From the broker that answers first, beginning with the one
   * that did last time. Never creates a topic.
   * @throws TidemarkError KAFKA_UNREACHABLE, KAFKA_DENIED, KAFKA_UNSUPPORTED naming every broker tried and why it failed; or the signal's reason
   */
  async metadata(
    names?: readonly string[],
    { elsewhere = false, timeoutMs = this.timeoutMs / 3, signal }: MetadataOptions = {},
  ): Promise<Metadata> {
    const candidates = this.#informants(elsewhere)
    const end = performance.now() + timeoutMs
    const { legal, illegal = [] } = Object.groupBy(new Set(names), (name) => (isTopicName(name) ? 'legal' : 'illegal'))
    const ask = async (address: Address): Promise<Metadata> => {
      const topics = names === undefined ? null : (legal ?? [])
      // False: no topic is created by being asked about.
      const response = await this.#link(address, 'ask').send(metadata, [topics, false], {
        timeoutMs: Math.max(1, end - performance.now()),
        signal,
      })
      const heard = withIllegal(response, illegal)
      this.#informant = printAddress(address)
      this.#brokers = heard.brokers
      return heard
    }
    try {
      return await firstAnswer(candidates, ask, Math.min(2000, timeoutMs / (candidates.length + 1)))
    } catch (error) {
      signal?.throwIfAborted()
      throw combine((error as AggregateError).errors as TidemarkError[])
    }
  }

  /** A topic as last heard by `refresh`, or undefined where it never was. */
  topicOf(topic: string): TopicMetadata | undefined {
    return this.#topics.get(topic)
  }

  /** The partition's leader as last heard by `refresh`, or undefined where there is none or nothing was heard. */
  leaderOf(topic: string, partition: number): Leader | undefined {
    const known = this.#topics.get(topic)
    const found = known?.partitions.get(partition)
    if (known === undefined || found === undefined || found.leaderId < 0) return undefined
    return { nodeId: found.leaderId, epoch: found.leaderEpoch, topicId: known.topicId }
  }

  /**
   * Hears anew who leads the topics' partitions, from another broker than last time. Callers that come while a refresh
   * is under way share the next one: the one under way may have been answered before what they saw.
   * @throws as {@link metadata}
   */
  refresh(names: readonly string[]): Promise<void> {
    if (this.#nextRefresh === undefined) {
      const wanted = new Set<string>()
      const done = (this.#refreshing ?? Promise.resolve()).catch(() => {}).then(() => this.#refreshNow(wanted))
      this.#nextRefresh = { names: wanted, done }
    }
    for (const name of names) this.#nextRefresh.names.add(name)
    return this.#nextRefresh.done
  }

  /** Closes the connections of one purpose; requests under way on them fail. */
  release(purpose: string): void {
    for (const [key, link] of this.#links) {
      if (!key.startsWith(`${purpose} `)) continue
      this.#links.delete(key)
      link.close()
    }
  }

  /** Closes every connection; requests under way fail. */
  close(): void {
    this.#closed = true
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }

  async #refreshNow(names: Set<string>): Promise<void> {
    this.#nextRefresh = undefined
    this.#refreshing = this.metadata([...names], { elsewhere: true }).then(({ topics }) => {
      for (const [name, topic] of topics) this.#topics.set(name, topic)
    })
    await this.#refreshing
  }

  #link(address: Address, purpose: string): Link {
    if (this.#closed) throw new TidemarkError('USAGE', 'the connection to Kafka was closed')
    const key = `${purpose} ${printAddress(address)}`
    let link = this.#links.get(key)
    if (link === undefined) {
      link = new Link(address, this.#options, Math.min(10_000, this.timeoutMs / 3), purpose.startsWith(FETCHES))
      this.#links.set(key, link)
    }
    return link
  }

  /** Whom to ask for metadata, in order: the brokers, from the one that answered last or from the one after it, then the bootstrap servers. */
  #informants(elsewhere: boolean): Address[] {
    const known = [...this.#brokers.values()].toSorted((a, b) => (printAddress(a) < printAddress(b) ? -1 : 1))
    const last = known.findIndex((address) => printAddress(address) === this.#informant)
    const from = last + (elsewhere ? 1 : 0)
    const all = [...known.slice(from), ...known.slice(0, Math.max(0, from)), ...this.#options.bootstrapServers]
    return [...new Map(all.map((address) => [printAddress(address), address])).values()]
  }
}
