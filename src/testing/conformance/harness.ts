import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Custody } from '../../core/custody.ts'
import type { LedgerRow } from '../../core/ledger.ts'
import type { Position, TopicPartition } from '../../core/position.ts'
import type { Capabilities, StoreDriver, Write, WriteResult } from '../../store/driver.ts'

/** What the conformance suite needs to know of a store, and to be able to do to it. */
export interface ConformanceOptions {
  /** Begins the name of every test. */
  readonly name: string
  /** node:test's `test`, or one that takes the same two arguments. */
  readonly test: (name: string, body: () => Promise<void>) => unknown
  /** What the store says that it can do; the tests go by these. */
  readonly capabilities: Capabilities
  /**
   * Opens the store in write mode. Every call gives one more handle on the same store; the suite uses groups of its own, and closes what it opened.
   * A store that holds no groups by their names: one of its own for each group, that knows the topics `orders`, `orders-2` and `invoices`.
   */
  readonly open: (group: string) => Promise<StoreDriver>
  /** Opens the store as a new process would find it. Without it: as `open` does. */
  readonly reopen?: (group: string) => Promise<StoreDriver>
  /** What can stand where an offset should be and is none, in a store that takes only numbers. Default: texts of all kinds. */
  readonly unreadable?: readonly string[]
  /** Puts a text where the offset of an existing partition is, behind the driver's back, as another program would. */
  readonly plant: (group: string, partition: TopicPartition, text: string) => Promise<void>
  /** Removes the stored offset behind the driver's back, as another program would. The ledger stays. */
  readonly erase: (group: string, partition: TopicPartition) => Promise<void>
}

/** What each part of the suite is given. */
export interface Harness {
  readonly options: ConformanceOptions
  /** A test with a store of its own, closed at the end, and a group that nobody else uses. */
  readonly test: (name: string, body: (scene: Scene) => Promise<void>) => void
}

export interface Scene {
  readonly store: StoreDriver
  readonly group: string
  /** One more handle on the same store. */
  readonly another: () => Promise<StoreDriver>
}

/** Ties the suite's tests to a store. */
export function harness(options: ConformanceOptions): Harness {
  return {
    options,
    test: (name, body) => {
      options.test(`${options.name}: ${name}`, async () => {
        const group = `conformance-${randomUUID()}`
        const handles = [await options.open(group)]
        const [store] = handles as [StoreDriver]
        const another = async (): Promise<StoreDriver> => {
          const handle = await options.open(group)
          handles.push(handle)
          return handle
        }
        try {
          await body({ store, group, another })
        } finally {
          for (const handle of handles) await handle.close()
        }
      })
    },
  }
}

/** The topic of most tests. */
const TOPIC = 'orders'

/** A partition of {@link TOPIC}. */
export function at(partition: number): TopicPartition {
  return { topic: TOPIC, partition }
}

/** A position in which every field is there. */
export const FULL: Position = {
  offset: 1_200,
  leaderEpoch: 7,
  epochs: [
    { epoch: 3, startOffset: 0 },
    { epoch: 7, startOffset: 998 },
  ],
  topicId: 'mVSPUBSkTAmZLKC4xXfb0Q',
  clusterId: 'q1Sh-9_ISia_zwGINzRvyQ',
  recordTime: 1_763_000_000_123,
  commitTime: 1_763_000_000_456,
  committedBy: 'worker-ä on host-1',
  assumedSince: 1_763_000_000_789,
}

/** A write of the custody that was read: another offset by the same owner, and nothing else, unless `changes` says so. */
export function writeOf({ topic, partition, revision, ownerEpoch }: Custody, changes: Partial<Write> = {}): Write {
  return { topic, partition, expected: revision, position: { offset: 1 }, ownerEpoch, saveId: randomUUID(), ledger: [], ...changes }
}

/** What only a job's progress puts; nothing of it for a store that takes none. */
export function ifProgress({ capabilities }: ConformanceOptions, changes: Partial<Write>): Partial<Write> {
  return capabilities.progress ? changes : {}
}

/** A ledger row of {@link TOPIC}. */
export function ledgerRow(group: string, partition: number, changes: Partial<LedgerRow> = {}): LedgerRow {
  return {
    at: 1_763_000_000_000,
    group,
    topic: TOPIC,
    partition,
    verdict: 'expired',
    action: 'earliest',
    from: 5,
    to: 40,
    skipped: 35,
    reread: 0,
    actor: 'conformance',
    evidence: ['committed 5 < log start 40', 'an umlaut: ü'],
    ...changes,
  }
}

/** The custody of one partition. */
export async function loadOne(store: StoreDriver, group: string, partition: TopicPartition = at(0)): Promise<Custody> {
  const [custody] = await store.load(group, [partition])
  assert.ok(custody, 'load answers for each partition that it is asked for')
  return custody
}

/** The result of one write. */
export async function saveOne(store: StoreDriver, group: string, write: Write): Promise<WriteResult> {
  const [result] = await store.save(group, [write])
  assert.ok(result, 'save answers for each write that it is given')
  return result
}

/** Writes once to what is stored now, which must succeed, and reads it back. */
export async function put(
  store: StoreDriver,
  group: string,
  changes: Partial<Write> = {},
  partition: TopicPartition = at(0),
): Promise<Custody> {
  const result = await saveOne(store, group, writeOf(await loadOne(store, group, partition), changes))
  assert.equal(result.status, 'saved')
  return loadOne(store, group, partition)
}

/** The result as `changed`, which it must be. */
export function assertChanged(result: WriteResult | undefined): Extract<WriteResult, { status: 'changed' }> {
  assert.ok(result?.status === 'changed', `expected changed, got ${JSON.stringify(result)}`)
  return result
}

/** The result as `saved`, which it must be. */
export function assertSaved(result: WriteResult | undefined): Extract<WriteResult, { status: 'saved' }> {
  assert.ok(result?.status === 'saved', `expected saved, got ${JSON.stringify(result)}`)
  return result
}

/** The error's code, for assert.rejects. */
export function code(expected: string): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: unknown }).code, expected)
    return true
  }
}
