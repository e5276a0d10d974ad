import { AclOperations, AclPermissionTypes, Admin, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import { positionOf, type Custody } from '../../src/core/custody.ts'
import type { TidemarkError } from '../../src/errors.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Log } from '../../src/kafka/log.ts'
import type { Write } from '../../src/store/driver.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { check } from '../../src/verbs/check.ts'
import { checkAll } from '../../src/verbs/check-all.ts'
import { explain } from '../../src/verbs/explain.ts'
import { repair } from '../../src/verbs/repair.ts'
import { reset } from '../../src/verbs/reset.ts'
import { watchOnce } from '../../src/verbs/watch.ts'
import { printMetrics } from '../../src/watch/metrics.ts'

const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const topics = ['orders', 'hidden']

const place = { topic: 'orders', partition: 1 }

async function custodyIn(store: Store): Promise<Custody> {
  return (await store.load('billing', [place]))[0] as Custody
}

function moveTo(offset: number, { revision }: Custody): Write {
  const why = { at: 1, verdict: 'valid', action: 'to-offset', from: 0, to: offset, skipped: 1, reread: 0, actor: 'me', evidence: [] }
  return {
    ...place,
    expected: revision,
    position: { offset },
    ownerEpoch: 0,
    saveId: 'a-move',
    ledger: [{ group: 'billing', ...place, ...why }],
  }
}

/** What docs/acls.md says: the rights that each verb needs, and no more. */
describe('a user with DESCRIBE alone', { timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-acls-'))
  let kafka: KafkaCluster
  let admin: Admin

  const as = async (user: string): Promise<{ log: Log; store: Store }> => {
    const properties = join(directory, `${user}.properties`)
    const jaas = `${PLAIN} required username="${user}" password="secret-${user}";`
    writeFileSync(properties, ['security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN', `sasl.jaas.config=${jaas}`].join('\n'))
    const log = await connect({ bootstrapServers: kafka.bootstrapServers, properties, timeoutMs: 10_000 })
    return { log, store: await openStore('kafka:', { log, ledger: join(directory, 'ledger.db') }) }
  }

  before(async () => {
    kafka = await startKafka({
      properties: {
        'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        'listener.name.plaintext.plain.sasl.jaas.config': `${PLAIN} required username="admin" password="secret-admin" user_admin="secret-admin" user_watcher="secret-watcher" user_mover="secret-mover" user_nobody="secret-nobody" user_auditor="secret-auditor" user_operator="secret-operator";`,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:admin;User:ANONYMOUS',
      },
    })
    const sasl = { mechanism: 'PLAIN', username: 'admin', password: 'secret-admin' } as const
    admin = new Admin({ clientId: 'lab', bootstrapBrokers: [kafka.bootstrapServers], sasl })
    await admin.createTopics({ topics, partitions: 2, replicas: 1, configs: [{ name: 'retention.bytes', value: '1000000000' }] })
    const allow = (user: string, resourceType: number, resourceName: string, operation: number) => ({
      principal: `User:${user}`,
      host: '*',
      operation: operation as typeof AclOperations.READ,
      permissionType: AclPermissionTypes.ALLOW,
      resourceType: resourceType as typeof ResourceTypes.TOPIC,
      resourceName,
      resourcePatternType: ResourcePatternTypes.LITERAL,
    })
    await admin.createAcls({
      creations: [
        allow('watcher', ResourceTypes.TOPIC, 'orders', AclOperations.DESCRIBE),
        allow('watcher', ResourceTypes.GROUP, '*', AclOperations.DESCRIBE),
        ...['auditor', 'operator'].flatMap((user) => [
          allow(user, ResourceTypes.TOPIC, 'orders', AclOperations.DESCRIBE),
          allow(user, ResourceTypes.TOPIC, 'orders', AclOperations.DESCRIBE_CONFIGS),
          allow(user, ResourceTypes.GROUP, '*', AclOperations.DESCRIBE),
        ]),
        allow('operator', ResourceTypes.CLUSTER, 'kafka-cluster', AclOperations.DESCRIBE),
        allow('mover', ResourceTypes.TOPIC, 'orders', AclOperations.READ),
        allow('mover', ResourceTypes.GROUP, 'billing', AclOperations.READ),
      ],
    })
    const owner = await as('admin')
    for (const topic of topics) {
      await reset(owner.log, owner.store, {
        group: 'billing',
        topics: [topic],
        target: { kind: 'to-earliest' },
        execute: true,
        secondLookMs: 100,
      })
    }
    const value = Buffer.from('x')
    await owner.log.produce(
      'orders',
      Array.from({ length: 10 }, () => ({ partition: 0, key: null, value, headers: [] })),
    )
    await owner.store.close()
    await owner.log.close()
  })

  after(async () => {
    await admin?.close()
    await kafka?.close()
    rmSync(directory, { recursive: true })
  })

  it('checks and explains a group, all groups, and previews a repair; what it may not see is unknown or left out, and never lost', async () => {
    const { log, store } = await as('watcher')
    await waitFor('the rights to be known', async () => (await log.topics(['orders']))[0]?.state === 'known')
    const options = { group: 'billing', secondLookMs: 100 }
    const rows = await check(log, store, options)
    assert.deepEqual(
      rows.map(({ topic, partition, verdict }) => [topic, partition, verdict]),
      [
        ['hidden', 0, 'unknown'],
        ['hidden', 1, 'unknown'],
        ['orders', 0, 'valid'],
        ['orders', 1, 'valid'],
      ],
    )
    assert.match(rows[0]?.evidence.join() ?? '', /TOPIC_AUTHORIZATION_FAILED/)
    const all = await checkAll(log, store, { secondLookMs: 100 })
    assert.deepEqual([all.rows.length, all.failures], [4, []])
    const explained = await explain(log, store, { group: 'a-new-one', secondLookMs: 100, topic: 'orders', partition: 0 })
    assert.equal(explained.verdict, 'missing')
    const latest = explained.actions.find(({ action }) => action === 'latest')
    assert.match(JSON.stringify(latest), /READ/, 'what needs READ says so instead of failing')
    const file = encodeURIComponent(join(directory, 'watcher.properties'))
    await using elsewhere = await openStore(`kafka://${kafka.bootstrapServers}?command-config=${file}`, {
      ledger: join(directory, 'none.db'),
    })
    assert.equal((await elsewhere.load('billing')).length, 2)
    const { plan } = await repair(log, store, options)
    assert.deepEqual(
      plan.entries.map(({ outcome }) => outcome),
      ['wait', 'wait', 'none', 'none'],
    )
    await store.close()
    await log.close()
  })

  it('is told how old the oldest unread record is, and which right the margin to retention lacks', async () => {
    const marginAs = async (user: string) => {
      const { log, store } = await as(user)
      const explained = await waitFor('the rights to be known', async () => {
        const found = await explain(log, store, { group: 'billing', secondLookMs: 100, ...place, partition: 0 })
        return found.verdict === 'valid' && found
      })
      await store.close()
      await log.close()
      return explained.margin
    }
    const watcher = await marginAs('watcher')
    assert.equal(watcher?.notBeforeMs, null)
    assert.ok(watcher.ageMs !== null)
    assert.match(
      watcher.evidence.join(),
      /retention not known: the permission DESCRIBE_CONFIGS on the topic is refused \(TOPIC_AUTHORIZATION_FAILED\)/,
    )
    const auditor = await marginAs('auditor')
    assert.deepEqual([auditor?.notBeforeMs, auditor?.bySizeMs, typeof auditor?.byTimeMs], [null, null, 'number'])
    assert.match(auditor?.evidence.join() ?? '', /the size of the log is not known: the permission DESCRIBE on the cluster is refused/)
    const operator = await marginAs('operator')
    assert.equal(typeof operator?.notBeforeMs, 'number')
  })

  it('watches: what it may not see is unknown, and the rest has its verdict and its metrics', async () => {
    const stores = [{ name: 'groups', url: 'kafka:', ledger: join(directory, 'ledger.db'), groups: 'all', topics: undefined }] as const
    const properties = join(directory, 'watcher.properties')
    const cluster = { name: 'main', bootstrapServers: kafka.bootstrapServers, properties, stores }
    const config = {
      listen: undefined,
      intervalMs: 30_000,
      warnMarginMs: undefined,
      stateFile: undefined,
      clusters: [cluster],
      receivers: [],
    }
    const round = await watchOnce(config, { secondLookMs: 100, hide: (text) => text })
    assert.deepEqual(
      round.rows.map(({ topic, partition, verdict }) => [topic, partition, verdict]),
      [
        ['hidden', 0, 'unknown'],
        ['hidden', 1, 'unknown'],
        ['orders', 0, 'valid'],
        ['orders', 1, 'valid'],
      ],
    )
    assert.deepEqual([round.failures, round.clusters[0]?.brokers, [...(round.clusters[0]?.topics ?? [])]], [[], 1, [['orders', 2]]])
    assert.match(round.rows.find(({ lag }) => lag !== 0 && lag !== null)?.margin?.evidence.join() ?? '', /DESCRIBE_CONFIGS/)
    const metrics = printMetrics({ version: '1', round, rounds: 1, deliveries: [], openAlerts: 0, residentMemory: 1 })
    assert.match(metrics, /^tidemark_unknown_partitions\{cluster="main",store="groups"\} 2$/m)
    assert.match(metrics, /^kafka_consumergroup_lag\{.*topic="orders",partition="0"\} 10$/m)
  })

  it('may not move: the store says so, and no ledger row is left', async () => {
    const { log, store } = await as('watcher')
    const before = await store.ledger({})
    const write = moveTo(1, await custodyIn(store))
    await assert.rejects(store.save('billing', [write]), (error: TidemarkError) => {
      assert.equal(error.code, 'STORE_DENIED')
      assert.match(error.message, /AUTHORIZATION_FAILED \(group billing/)
      return true
    })
    assert.deepEqual(await store.ledger({}), before)
    await store.close()
    await log.close()
  })

  it('READ on the group and the topic is enough to move', async () => {
    const { log, store } = await as('mover')
    const [result] = await store.save('billing', [moveTo(1, await custodyIn(store))])
    assert.equal(result?.status, 'saved')
    assert.equal(positionOf(await custodyIn(store))?.offset, 1)
    await store.close()
    await log.close()
  })

  it('without a right on the group nothing is shown of it, by name', async () => {
    const { log, store } = await as('nobody')
    await assert.rejects(check(log, store, { group: 'billing' }), (error: TidemarkError) => {
      assert.equal(error.code, 'STORE_DENIED')
      assert.match(error.message, /GROUP_AUTHORIZATION_FAILED \(group billing\)/)
      return true
    })
    await store.close()
    await log.close()
  })
})
