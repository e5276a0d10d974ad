import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { waitFor } from '../../lab/wait.ts'
import { connect } from '../../src/kafka/connect.ts'
import { servers } from '../cli/servers.ts'
import { commitRaw, deleteGroup } from '../store/kafka-scene.ts'
import { Receiver, Watch, configFile, type Told } from './scene.ts'

/** What was told, in short. */
function short({ state, verdict, group, topic, partition }: Told): string {
  return `${state} ${verdict} ${[group, topic, partition].filter((part) => part !== null).join('/')}`
}

describe('tidemark watch', { timeout: 240_000 }, () => {
  const lab = servers()

  const cluster = (stores: object) => ({ clusters: { main: { 'bootstrap-server': lab().kafka.bootstrapServers, stores } } })
  const keeper = (...groups: string[]) => ({ keeper: { store: lab().store, groups } })

  before(async () => {
    await lab().filled('orders', { partitions: 2, records: 100 })
    // The first question makes the broker ready to keep groups.
    await using log = await connect({ bootstrapServers: lab().kafka.bootstrapServers })
    await log.groups?.find('anybody')
  })

  it('a verdict that changes is told once to webhook, command and stdout; and so is its repair', async () => {
    await using receiver = await Receiver.start()
    const inbox = join(lab().directory, 'inbox')
    await lab().filled('bills', { records: 100 })
    await lab().commit('billing', 'bills', 0, '40')
    await using watch = Watch.start(lab(), {
      ...cluster(keeper('billing')),
      alerts: { chat: { webhook: `http://${receiver.address}/hook` }, pager: { command: `cat >> ${inbox}` } },
    })
    await watch.more(2)
    assert.deepEqual([watch.alerts, receiver.requests], [[], []])
    await lab().admin.deleteRecords('bills', 0, 60)
    await waitFor('the webhook', () => receiver.told.length > 0)
    await watch.more(3)
    const repaired = await lab().tidemark('repair', '--group', 'billing', '--execute')
    assert.equal(repaired.code, 0)
    await waitFor('the resolve', () => receiver.told.length > 1)
    await watch.more(2)
    assert.deepEqual(receiver.told.map(short), ['firing expired billing/bills/0', 'resolved expired billing/bills/0'])
    assert.deepEqual(receiver.told[0]?.evidence, [
      'the offset 40 is below the log start 60: at most 20 records were removed before they were read',
    ])
    assert.deepEqual(watch.alerts.map(short), receiver.told.map(short))
    const told = readFileSync(inbox, 'utf8').trim().split('\n')
    assert.deepEqual(
      told.flatMap((line) => (JSON.parse(line) as { alerts: Told[] }).alerts.map(short)),
      receiver.told.map(short),
    )
    const [round] = watch.rounds
    assert.deepEqual([round?.groups, round?.verdicts], [1, { valid: 1 }])
    const lost = (await watch.metrics()).get('tidemark_records_lost_total')
    assert.deepEqual(
      lost?.samples.map(({ labels, value }) => [labels['consumergroup'], labels['verdict'], value]),
      [['billing', 'expired', 20]],
    )
  })

  it('a topic that is made anew is told of where its identity is stored', async () => {
    await lab().filled('remade', { records: 50 })
    await lab().commit('archive', 'remade', 0, '30')
    assert.equal((await lab().tidemark('repair', '--group', 'archive', '--adopt', '--execute')).code, 0)
    await using watch = Watch.start(lab(), cluster(keeper('archive')))
    await watch.more(1)
    await lab().admin.recreateTopic('remade')
    await lab().admin.produce(Array.from({ length: 50 }, (_, index) => ({ topic: 'remade', partition: 0, value: `${index}` })))
    const { evidence } = await watch.alert('recreated', ({ verdict }) => verdict === 'recreated')
    assert.match(evidence.join(), /deleted and made anew/)
  })

  it('an offset that retention comes near to is told of before anything is lost', async () => {
    await lab().admin.createTopic('aging', { configs: { 'retention.ms': 3_600_000 } })
    await lab().admin.produce(Array.from({ length: 10 }, (_, index) => ({ topic: 'aging', partition: 0, value: `${index}` })))
    await lab().commit('slow', 'aging', 0, '5')
    const config = { ...cluster(keeper('slow')), 'warn-margin': '2h' }
    const once = await lab().tidemark('watch', configFile(lab(), config), '--once')
    assert.equal(once.code, 3)
    assert.match(once.stdout, /MARGIN.*\n.*retention can pass this offset not before 59 min/)
    await using watch = Watch.start(lab(), config)
    const { evidence, now } = await watch.alert('low-margin', ({ verdict }) => verdict === 'low-margin')
    assert.equal(now, 'low-margin')
    assert.match(evidence.join('; '), /^retention can pass the offset not before 59 min.*retention\.ms 1 h/)
    const margin = (await watch.metrics()).get('tidemark_margin_seconds')?.samples[0]?.value ?? 0
    assert.ok(margin > 3_000 && margin <= 3_600, `${margin}`)
    await lab().commit('slow', 'aging', 0, '10')
    await watch.alert('the resolve', ({ state }) => state === 'resolved')
  })

  it('a group that is named and whose offsets expired is lost; one that a store listed is forgotten', async () => {
    const commit = (group: string) => commitRaw(lab().kafka, group, { topic: 'orders', partition: 0, offset: 50n })
    await commit('named')
    await commit('listed')
    const stores = { one: { store: 'kafka:', groups: ['named'] }, all: { store: 'kafka:', 'all-groups': true } }
    await using watch = Watch.start(lab(), cluster(stores))
    await watch.more(2)
    await deleteGroup(lab().kafka, 'named')
    await deleteGroup(lab().kafka, 'listed')
    const { subject, evidence } = await watch.alert('lost', ({ verdict }) => verdict === 'lost')
    assert.deepEqual([subject, evidence[0]], ['main/one/named/orders/0', 'nothing is stored, but an earlier round found an offset here'])
    await watch.more(3)
    assert.equal(watch.alerts.length, 1)
  })

  it('a store that is away is told of, its groups are unknown, and the others are watched on; then it is back', async () => {
    await lab().commit('absent', 'orders', 0, '50')
    await commitRaw(lab().kafka, 'present', { topic: 'orders', partition: 0, offset: 50n })
    const stores = { ...keeper('absent'), groups: { store: 'kafka:', groups: ['present'] } }
    await using watch = Watch.start(lab(), cluster(stores), '--timeout', '1s')
    await watch.more(2)
    lab().zooKeeper.pause()
    try {
      const { subject, evidence } = await watch.alert('the store', ({ verdict }) => verdict === 'unknown')
      assert.deepEqual([subject, evidence.length], ['main/keeper', 1])
      assert.match(evidence.join(), /^STORE_UNREACHABLE: /)
      await lab().admin.deleteRecords('orders', 1, 10)
      await commitRaw(lab().kafka, 'present', { topic: 'orders', partition: 1, offset: 5n })
      await watch.alert('an alert of the other store', ({ group, verdict }) => group === 'present' && verdict === 'expired')
      const metrics = await watch.metrics()
      const up = metrics.get('tidemark_store_up')?.samples.map(({ labels, value }) => [labels['store'], value])
      assert.deepEqual(up, [
        ['keeper', 0],
        ['groups', 1],
      ])
      const verdicts = metrics.get('tidemark_verdict')?.samples.map(({ labels }) => [labels['consumergroup'], labels['verdict']])
      assert.deepEqual(verdicts?.toSorted(), [
        ['absent', 'unknown'],
        ['present', 'expired'],
        ['present', 'valid'],
      ])
      assert.match(watch.stderr, /main\/keeper is unknown: STORE_UNREACHABLE/)
      const said = (): number | undefined => watch.stderr.match(/main\/keeper is unknown/g)?.length
      const before = said()
      await watch.more(2)
      assert.equal(said(), before, 'it is not said by each round')
    } finally {
      lab().zooKeeper.resume()
    }
    await watch.alert('the resolve', ({ state, subject }) => state === 'resolved' && subject === 'main/keeper')
  })

  it('a cluster that is away makes what is read of it unknown, is told of once, and stops no other cluster', async () => {
    for (const group of ['one', 'two']) await lab().commit(group, 'orders', 0, '50')
    const { clusters } = cluster(keeper('one', 'two'))
    const away = { ...clusters.main, 'bootstrap-server': '127.0.0.1:1' }
    await using watch = Watch.start(lab(), { clusters: { ...clusters, away } }, '--timeout', '1s')
    const { subject, evidence } = await watch.alert('the cluster', ({ verdict }) => verdict === 'unknown')
    assert.equal(subject, 'away')
    assert.match(evidence.join('; '), /^of 2 groups nothing could be determined; orders-0: UNREACHABLE: /)
    const metrics = await watch.metrics()
    const verdicts = metrics.get('tidemark_verdict')?.samples.map(({ labels }) => `${labels['cluster']} ${labels['verdict']}`)
    assert.deepEqual(verdicts?.toSorted(), ['away unknown', 'away unknown', 'main valid', 'main valid'])
    assert.deepEqual(
      metrics.get('kafka_brokers')?.samples.map(({ labels }) => labels['cluster']),
      ['main'],
    )
    await watch.more(2)
    assert.equal(watch.alerts.length, 1)
  })

  it('a receiver that hangs or refuses holds up no round and no other receiver, and hears of it later', async () => {
    await using slow = await Receiver.start()
    await using quick = await Receiver.start()
    slow.answer = 'hang'
    await lab().commit('late', 'orders', 0, '-7')
    await using watch = Watch.start(lab(), {
      ...cluster(keeper('late')),
      alerts: {
        slow: { webhook: `http://user:hunter2@${slow.address}/services/hunter2`, timeout: '300ms' },
        quick: { webhook: `http://${quick.address}/` },
        broken: { command: 'echo no such number >&2; exit 3' },
      },
    })
    await waitFor('the quick one', () => quick.told.length === 1)
    await watch.more(3)
    assert.equal(slow.requests[0]?.headers['authorization'], `Basic ${Buffer.from('user:hunter2').toString('base64')}`)
    await waitFor('a word of the failures', () => /alert slow: 1 alerts could not be told.* did not answer in 300 ms/.test(watch.stderr))
    await waitFor('a word of the command', () =>
      /alert broken: 1 alerts could not be told.*exit code 3; its last lines: no such number/.test(watch.stderr),
    )
    slow.answer = 200
    await waitFor('the slow one’s count', async () => {
      const samples = (await watch.metrics()).get('tidemark_alert_deliveries_total')?.samples ?? []
      const counts = Object.fromEntries(samples.map(({ labels, value }) => [`${labels['receiver']} ${labels['outcome']}`, value]))
      return counts['slow sent'] === 1 && (counts['slow failed'] ?? 0) > 0 && counts['quick sent'] === 1 && counts['broken sent'] === 0
    })
    await watch.more(2)
    const heard = slow.requests.length
    await watch.more(2)
    assert.equal(slow.requests.length, heard, 'told once, it is not told again')
    assert.doesNotMatch(watch.stderr + JSON.stringify(watch.lines) + (await watch.get('/metrics')).body, /hunter2/)
  })

  it('open alerts outlive a restart in the state file', async () => {
    await lab().commit('kept', 'orders', 0, 'text')
    const config = { ...cluster(keeper('kept')), state: join(lab().directory, 'state.json') }
    {
      await using watch = Watch.start(lab(), config)
      await watch.alert('corrupt', ({ verdict }) => verdict === 'corrupt')
    }
    await using watch = Watch.start(lab(), config)
    await watch.more(2)
    assert.deepEqual(watch.alerts, [])
    await lab().commit('kept', 'orders', 0, '50')
    assert.equal(short(await watch.alert('the resolve', () => true)), 'resolved corrupt kept/orders/0')
  })

  it('SIGTERM ends it in good order, also in the middle of a round', async () => {
    const watch = Watch.start(lab(), cluster(keeper('billing')))
    await watch.more(1)
    watch.running.process.kill('SIGTERM')
    const { code, signal, stdout } = await watch.running.ended
    assert.deepEqual([code, signal, stdout.endsWith('\n')], [0, null, true])
    await assert.rejects(watch.get('/metrics'))
    const hanging = Watch.start(lab(), cluster(keeper('billing')), '--timeout', '20s')
    await hanging.more(1)
    lab().zooKeeper.pause()
    try {
      await new Promise((resolve) => setTimeout(resolve, 500))
      const began = Date.now()
      hanging.running.process.kill('SIGTERM')
      assert.equal((await hanging.running.ended).code, 0)
      assert.ok(Date.now() - began < 15_000, 'it did not wait for the time-out')
    } finally {
      lab().zooKeeper.resume()
    }
  })

  it('serves metrics and health, and nothing else', async () => {
    await using watch = Watch.start(lab(), cluster(keeper('billing')))
    await watch.more(1)
    const health = await watch.get('/healthz')
    assert.deepEqual(
      [health.status, health.type, Object.keys(JSON.parse(health.body) as object)],
      [200, 'application/json', ['ok', 'lastRound', 'rounds']],
    )
    assert.equal((await watch.get('/')).status, 404)
    assert.equal((await watch.get('/__proto__')).status, 404)
    assert.equal((await watch.get('/metrics', { method: 'POST' })).status, 405)
    assert.equal((await watch.get('/metrics', { method: 'HEAD' })).body, '')
    assert.equal((await watch.get('/metrics?x=1')).status, 200)
  })

  it('--once prints a round as check does and exits as it does', async () => {
    await lab().commit('once', 'orders', 0, '50')
    const good = configFile(lab(), cluster(keeper('once')))
    const well = await lab().tidemark('watch', good, '--once')
    assert.equal(well.code, 0)
    assert.match(well.stdout, /^CLUSTER +STORE +GROUP .*\nmain +keeper +once +orders +0 +50 +0 +100 +50 +valid/)
    await lab().commit('once', 'orders', 0, '500')
    const found = await lab().tidemark('watch', good, '--once', '-o', 'json')
    assert.equal(found.code, 3)
    const { verb, partitions, failures } = JSON.parse(found.stdout) as {
      verb: string
      partitions: Record<string, unknown>[]
      failures: unknown[]
    }
    assert.deepEqual(
      [verb, partitions.map((row) => [row['cluster'], row['store'], row['verdict']]), failures],
      ['watch', [['main', 'keeper', 'ahead']], []],
    )
    const away = configFile(lab(), cluster({ ...keeper('once'), none: { store: 'zookeeper://127.0.0.1:1', groups: ['x'] } }))
    const unknown = await lab().tidemark('watch', away, '--once', '--timeout', '1s')
    assert.equal(unknown.code, 4)
    assert.match(unknown.stderr, /main\/none: STORE_UNREACHABLE/)
    assert.match(unknown.stdout, /ahead/)
  })

  it('what can’t be used ends it at once, by name, and no secret is shown', async () => {
    const cases: [object | string, RegExp][] = [
      ['missing.json', /WATCH_CONFIG: missing\.json can't be used: it can't be read: ENOENT/],
      [{ clusters: {} }, /WATCH_CONFIG: watch-\d+\.json can't be used: clusters is empty/],
      [cluster({ s: { store: 'nosuch://u:hunter2@h/', groups: ['a'] } }), /USAGE: there is no store nosuch:/],
      [{ ...cluster(keeper('x')), listen: '203.0.113.1:80' }, /WATCH_CONFIG: metrics can't be served on 203\.0\.113\.1:80: EADDRNOTAVAIL/],
      [{ ...cluster(keeper('x')), state: lab().directory }, /WATCH_CONFIG: the state in .* can't be read: EISDIR/],
    ]
    for (const [config, message] of cases) {
      const file = typeof config === 'string' ? config : configFile(lab(), config)
      const { code, stdout, stderr } = await lab().tidemark('watch', file)
      assert.deepEqual([code, stdout], [2, ''], stderr)
      assert.match(stderr, message)
      assert.doesNotMatch(stderr, /hunter2/)
    }
    assert.equal(existsSync(join(lab().directory, 'tidemark.db')), false, 'it created nothing')
  })
})
