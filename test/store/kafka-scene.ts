import {
  addOffsetsToTxnV3,
  Connection,
  deleteGroupsV2,
  endTxnV3,
  findCoordinatorV4,
  initProducerIdV4,
  offsetCommitV8,
  offsetDeleteV0,
  txnOffsetCommitV3,
} from '@platformatic/kafka'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabAdmin } from '../../lab/admin.ts'
import type { KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import type { Custody } from '../../src/core/custody.ts'
import type { TopicPartition } from '../../src/core/position.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { CommittedAnswer, Groups } from '../../src/kafka/groups.ts'
import type { Log } from '../../src/kafka/log.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { check, type CheckRow } from '../../src/verbs/check.ts'

/** A commit of another program's: any offset, any metadata. */
export interface RawCommit extends TopicPartition {
  readonly offset: bigint
  readonly leaderEpoch?: number
  readonly metadata?: string
}

/** Commits from outside, as another program would. The broker's only check is that the group has no members. */
export async function commitRaw({ brokers }: KafkaCluster, group: string, ...commits: RawCommit[]): Promise<void> {
  await asked(brokers[0]?.port ?? 0, async (connection) => {
    for (const { topic, partition, offset, leaderEpoch = -1, metadata = '' } of commits) {
      const entry = { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata }
      await offsetCommitV8.api.async(connection, group, -1, '', null, [{ name: topic, partitions: [entry] }])
    }
  })
}

/** Removes a committed offset, as `kafka-consumer-groups.sh --delete-offsets` does. */
export async function deleteOffset({ brokers }: KafkaCluster, group: string, { topic, partition }: TopicPartition): Promise<void> {
  await asked(brokers[0]?.port ?? 0, (connection) =>
    offsetDeleteV0.api.async(connection, group, [{ name: topic, partitions: [{ partitionIndex: partition }] }]),
  )
}

/** Deletes a whole group, as `kafka-consumer-groups.sh --delete` does, or as its expiry. */
export async function deleteGroup({ brokers }: KafkaCluster, group: string): Promise<void> {
  await asked(brokers[0]?.port ?? 0, (connection) => deleteGroupsV2.api.async(connection, [group]))
}

/** The key type of FindCoordinator for transactions. */
const TRANSACTION_KEY = 1

/** Commits an offset in a transaction, and leaves that open until it is told to end it. */
export async function commitInTransaction(
  { brokers }: KafkaCluster,
  group: string,
  { topic, partition, offset }: RawCommit,
): Promise<() => Promise<void>> {
  const id = `${group}-${offset}`
  const port = brokers[0]?.port ?? 0
  const started = await waitFor('a transaction to begin', () =>
    asked(port, async (connection) => {
      await findCoordinatorV4.api.async(connection, TRANSACTION_KEY, [id])
      return initProducerIdV4.api.async(connection, id, 60_000, -1n, -1)
    }),
  )
  const { producerId, producerEpoch } = started
  const partitions = [{ partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: -1, committedMetadata: '' }]
  await asked(port, async (connection) => {
    await addOffsetsToTxnV3.api.async(connection, id, producerId, producerEpoch, group)
    await txnOffsetCommitV3.api.async(connection, id, group, producerId, producerEpoch, -1, '', null, [{ name: topic, partitions }])
  })
  return async () => void (await asked(port, (connection) => endTxnV3.api.async(connection, id, producerId, producerEpoch, true)))
}

/** A connection to the only broker, which keeps every group. */
async function asked<T>(port: number, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = new Connection('another-program')
  await connection.connect('127.0.0.1', port)
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

/** The store `kafka:` on a cluster, with a ledger of its own. */
export class GroupScene {
  readonly log: Log
  readonly store: Store
  readonly admin: LabAdmin
  readonly ledger: string
  readonly #directory: string

  private constructor(log: Log, store: Store, admin: LabAdmin, directory: string) {
    this.log = log
    this.store = store
    this.admin = admin
    this.#directory = directory
    this.ledger = ledgerIn(directory)
  }

  static async on({ bootstrapServers }: KafkaCluster): Promise<GroupScene> {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-groups-'))
    const log = await connect({ bootstrapServers, timeoutMs: 20_000 })
    const store = await openStore('kafka:', { log, ledger: ledgerIn(directory) })
    // The first question makes the broker ready to keep groups.
    await log.groups?.find('anybody')
    return new GroupScene(log, store, new LabAdmin(bootstrapServers), directory)
  }

  get groups(): Groups {
    return this.log.groups as Groups
  }

  /** A topic with ten records in its only partition. */
  async filled(topic: string, records = 10): Promise<void> {
    await this.admin.createTopic(topic)
    await this.admin.produce(Array.from({ length: records }, (_, index) => ({ topic, partition: 0, value: `${index}` })))
  }

  async topicId(topic: string): Promise<string | undefined> {
    const [described] = await this.log.topics([topic])
    return described?.state === 'known' ? described.topicId : undefined
  }

  async custody(group: string, topic: string, partition = 0): Promise<Custody> {
    return (await this.store.load(group, [{ topic, partition }]))[0] as Custody
  }

  /** The only partition's row, found without waiting long for a second look. */
  async check(group: string, topic: string): Promise<CheckRow> {
    const [row] = await check(this.log, this.store, { group, topics: [topic], secondLookMs: 200 })
    return row as CheckRow
  }

  /** What is committed, as the broker has it. */
  async committed(group: string): Promise<CommittedAnswer[]> {
    return this.groups.committed(group)
  }

  async close(): Promise<void> {
    await this.store.close()
    await this.log.close()
    await this.admin.close()
    rmSync(this.#directory, { recursive: true })
  }
}

function ledgerIn(directory: string): string {
  return join(directory, 'ledger.db')
}
