import type { Facts } from '../../src/core/facts.ts'
import { keyOf } from '../../src/core/position.ts'
import type { Dispute, Log, LogReader, ReaderOptions } from '../../src/kafka/log.ts'
import type { MemoryReader } from '../../src/testing/memory-reader.ts'
import { bound } from '../program.ts'

/** Takes what it knew last for what is so now, where the cluster can't say. */
export function guessingFacts(log: Log): Log {
  const known = new Map<string, Facts>()
  return changed(log, {
    facts: async (questions, options) => {
      const facts = await log.facts(questions, options)
      for (const one of facts) if (one.state === 'known') known.set(keyOf(one), one)
      return facts.map((one) => (one.state === 'unknown' ? (known.get(keyOf(one)) ?? one) : one))
    },
  })
}

/** Takes every cluster for its own. */
export function ignoringClusters(log: Log): Log {
  return changed(log, {
    facts: async (questions, options) => (await log.facts(questions, options)).map((one) => ({ ...one, clusterId: 'main' })),
  })
}

/** Looks only once: a second look is answered with the first. */
export function lookingOnce(log: Log): Log {
  const first = new Map<string, Facts>()
  return changed(log, {
    facts: async (questions, options) => {
      if (options?.elsewhere === true) return questions.map((question) => first.get(keyOf(question)) as Facts)
      const facts = await log.facts(questions, options)
      for (const one of facts) first.set(keyOf(one), one)
      return facts
    },
  })
}

/** Does not see the last partition of a topic that has several. */
export function overlookingPartitions(log: Log): Log {
  return changed(log, {
    topics: async (names, options) =>
      (await log.topics(names, options)).map((one) =>
        one.state === 'known' && one.partitions.length > 1 ? { ...one, partitions: one.partitions.slice(0, -1) } : one,
      ),
  })
}

/** Lets the client library's own errors through. */
export function throwingRaw(log: Log): Log {
  return changed(log, { topics: (names, options) => log.topics(names, options).catch(throwRaw) })
}

/** Buffers a thousand times what it may. */
export function readingWithoutBound(log: Log): Log {
  return changed(log, { reader: (options) => log.reader({ ...options, maxBufferedBytes: options.maxBufferedBytes * 1_000 }) })
}

/** Resets by itself, as consumers do: where the log is another one now, it is read on from its end. */
export function resettingSilently(log: Log): Log {
  return changed(log, { reader: (options) => new ResettingReader(log, options) })
}

function isReset({ reason }: Dispute): boolean {
  return reason === 'OFFSET_OUT_OF_RANGE' || reason === 'DIVERGING_EPOCH'
}

/** As much of a reader as a job uses. */
class ResettingReader implements LogReader {
  readonly #log: Log
  readonly #reader: MemoryReader

  constructor(log: Log, options: ReaderOptions) {
    this.#log = log
    this.#reader = log.reader(options) as MemoryReader
  }

  get bufferedBytes(): number {
    return this.#reader.bufferedBytes
  }

  assign: LogReader['assign'] = (start) => this.#reader.assign(start)
  drop: LogReader['drop'] = (partition) => this.#reader.drop(partition)
  takeRanges: LogReader['takeRanges'] = (ranges, signal) => this.#reader.takeRanges(ranges, signal)
  logEndOffset: LogReader['logEndOffset'] = (partition) => this.#reader.logEndOffset(partition)
  close: LogReader['close'] = () => this.#reader.close()

  take: LogReader['take'] = async (limits, signal) => {
    const taken = await this.#reader.take(limits, signal)
    const [lost, disputes] = [taken.disputes.filter(isReset), taken.disputes.filter((dispute) => !isReset(dispute))]
    for (const facts of lost.length === 0 ? [] : await this.#log.facts(lost)) {
      const { topic, partition } = facts
      if (facts.state === 'known') this.#reader.assign({ topic, partition, offset: facts.logEndOffset, topicId: facts.topicId })
    }
    return { ...taken, disputes }
  }
}

function throwRaw(error: unknown): never {
  throw new Error('connect ECONNREFUSED 127.0.0.1:9092', { cause: error })
}

function changed(log: Log, changes: Partial<ReturnType<typeof bound>>): Log {
  return { ...bound(log), [Symbol.asyncDispose]: () => log.close(), ...changes }
}
