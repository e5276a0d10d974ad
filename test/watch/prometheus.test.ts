import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promtool, startPrometheus, type PrometheusServer } from '../../lab/prometheus.ts'
import { waitFor } from '../../lab/wait.ts'
import { root } from '../../scripts/paths.mjs'
import { servers } from '../cli/servers.ts'
import { kafkajsConsumer } from '../store/kafka-consumers.ts'
import { plant } from '../store/zookeeper-scene.ts'
import { Grafana, type Chosen } from './grafana.ts'
import { Receiver, Watch } from './scene.ts'

const rules = join(root, 'examples/watch/rules.yml')
const rulesOverTime = join(root, 'test/watch/rules.test.yml')

interface Alert {
  readonly state: string
  readonly annotations: Readonly<Record<string, string>>
}

/** Panels whose values change while one looks; of these only the legends are compared. */
const MOVING = new Set(['Smallest margin', 'Last round', 'Margin', 'Oldest unread record', 'Read', 'Rounds', 'Memory', 'Alerts'])

describe('a real Prometheus', { timeout: 240_000 }, () => {
  const open = new AsyncDisposableStack()
  // Before the servers' own end: they come in the order in which they are said.
  after(() => open.disposeAsync())
  const lab = servers()
  let watch: Watch
  let address: string
  let prometheus: PrometheusServer

  before(async () => {
    await lab().filled('orders', { partitions: 2, records: 100 })
    await lab().admin.createTopic('kept', { configs: { 'retention.ms': 3_600_000 } })
    await lab().admin.produce(Array.from({ length: 10 }, (_, index) => ({ topic: 'kept', partition: 0, value: `${index}` })))
    await lab().commit('billing', 'orders', 0, '40')
    await lab().commit('billing', 'orders', 1, '10')
    await lab().commit('slow', 'kept', 0, '8')
    await plant(lab().stranger, { path: '/far/consumers/billing/offsets/orders/0', data: Buffer.from('10') })
    await lab().admin.deleteRecords('orders', 0, 60)
    await succeed('repair', '--group', 'billing', '--execute')
    await succeed('reset', '--group', 'slow', '--to-offset', '5', '--execute')
    const consumer = await kafkajsConsumer(lab().kafka, 'live', 'kept')
    open.defer(() => consumer.close())
    const receiver = open.use(await Receiver.start())
    receiver.answer = 500
    watch = open.use(Watch.start(lab(), watched(receiver), '--timeout', '2s'))
    address = new URL(await watch.url('')).host
    prometheus = open.use(await startPrometheus(scraping(address)))
    await holds('sum(tidemark_records_lost_total) == 20')
    // From here on it happens while Prometheus looks.
    await lab().admin.deleteRecords('orders', 0, 80)
    await succeed('repair', '--group', 'billing', '--execute')
    await lab().admin.deleteRecords('orders', 1, 30)
    await holds('sum(tidemark_records_lost_total) == 40 and sum(tidemark_verdict{partition="1",verdict="expired"}) == 1')
  })

  async function succeed(...args: string[]): Promise<void> {
    const { code, stderr } = await lab().tidemark(...args)
    assert.equal(code, 0, stderr)
  }

  /** What can go wrong in a watch: nobody listens on port 1, ZooKeeper can't have a group of the name a/b, and the receiver refuses. */
  function watched(receiver: Receiver): object {
    const keeper = { store: lab().store, groups: ['billing', 'slow', 'a/b'] }
    const away = { store: 'zookeeper://127.0.0.1:1', groups: ['billing'] }
    const groups = { store: 'kafka:', 'all-groups': true }
    const far = { store: `${lab().store}/far`, groups: ['billing'] }
    const young = { ...far, groups: ['new'], topics: ['orders:0'] }
    return {
      clusters: {
        main: { 'bootstrap-server': lab().kafka.bootstrapServers, stores: { keeper, away, groups, young } },
        far: { 'bootstrap-server': '127.0.0.1:1', stores: { keeper: far } },
      },
      alerts: { chat: { webhook: `http://${receiver.address}/` } },
    }
  }

  /** It scrapes the watch, and what looks like kafka_exporter beside it: the metrics of the same names, without the labels that only a watch has. */
  function scraping(target: string): object {
    const job = (name: string, labels: object) => ({ job_name: name, static_configs: [{ targets: [target], labels }] })
    const asOfAnother = [
      { source_labels: ['__name__'], regex: '(kafka|process)_.*', action: 'keep' },
      { regex: 'cluster|store', action: 'labeldrop' },
    ]
    return {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: [job('tidemark', {}), { ...job('kafka_exporter', { instance: 'another' }), metric_relabel_configs: asOfAnother }],
    }
  }

  /** Waits until Prometheus' answer to this is not empty. */
  async function holds(query: string): Promise<void> {
    const asked = async () => (await prometheus.ask<{ result: unknown[] }>('query', { query })).result.length > 0
    await waitFor(query, asked, 60_000, 200)
  }

  const alerts = async (): Promise<Alert[]> => (await prometheus.ask<{ alerts: Alert[] }>('alerts')).alerts

  /** A store that is slow to answer for once is away for a round. */
  async function eventually(what: string, check: () => Promise<void>): Promise<void> {
    await waitFor(what, () => check().then(() => true), 30_000, 200)
  }

  /** What the panels show: legends, and values where these stand still. */
  async function shown(chosen?: Chosen): Promise<Record<string, string[]>> {
    const panels = Object.entries(await new Grafana(prometheus).panels(chosen))
    const lines = panels.map(([title, all]) => {
      for (const { value } of all) assert.ok(Number.isFinite(value), title)
      return [title, all.map(({ legend, value }) => (MOVING.has(title) ? legend : `${legend} ${value}`.trim())).toSorted()]
    })
    return Object.fromEntries(lines)
  }

  it('scrapes the metrics that docs/watch.md lists, and no others; the rules use no others', async () => {
    const all = await prometheus.ask<string[]>('label/__name__/values', { 'match[]': '{job="tidemark"}' })
    // Prometheus puts its own to it.
    const names = all.filter((name) => !/^(?:up|scrape_\w+|ALERTS\w*)$/.test(name))
    const listed = [...readFileSync(join(root, 'docs/watch.md'), 'utf8').matchAll(/^\| `((?:kafka|tidemark|process)_\w+)` \|/gm)]
    assert.deepEqual(names, listed.map(([, name = '']) => name).toSorted())
    const used = [rules, rulesOverTime].flatMap((file) => readFileSync(file, 'utf8').match(/\b(?:kafka|tidemark|process)_\w+/g) ?? [])
    assert.deepEqual(
      used.filter((name) => !names.includes(name)),
      [],
    )
  })

  it('fires the alerts of what is so at once, and waits with those of what may pass', async () => {
    await eventually('the alerts', async () => {
      const said = (await alerts()).map(({ state, annotations }) => `${state}: ${annotations['summary']?.replace(/\d+m \d+s$/, '…')}`)
      assert.deepEqual(said.toSorted(), [
        'firing: Retention can pass the offset of slow in kept in …',
        'firing: The offset of billing in orders-1 is expired',
        "firing: The receiver chat can't be told of alerts",
        'firing: billing skipped records of orders: its offset was expired',
        "pending: 1 groups of keeper in main can't be checked",
        'pending: 1 partitions of keeper in far could not be determined for 5 minutes',
        'pending: The store away of main is away',
      ])
    })
  })

  it('an alert says which command explains it', async () => {
    const command = await waitFor('the alert', async () => {
      const [said] = (await alerts()).flatMap(({ annotations }) => annotations['description'] ?? [])
      return said && /: tidemark (.+) \(cluster main, store keeper\)$/.exec(said)?.[1]
    })
    assert.equal(command, 'explain billing orders 1')
    const { code, stdout } = await lab().tidemark(...command.split(' '))
    assert.deepEqual([code, /^Verdict\n +expired/m.test(stdout)], [3, true], stdout)
  })

  it('answers every query of the dashboard', async () => {
    const expected = {
      'Wrong offsets': ['1'],
      'Not determined': ['1'],
      'Smallest margin': [''],
      'Records lost': ['40'],
      'Stores away': ['groups 1', 'stores 1'],
      'Last round': [''],
      'What is not well': ['far billing 0 keeper orders unknown 1', 'main billing 1 keeper orders expired 1'],
      'Partitions by verdict': ['expired 1', 'missing 1', 'unknown 1', 'valid 2'],
      Margin: ['slow kept'],
      Lag: ['billing orders 110', 'slow kept 5'],
      'Oldest unread record': ['billing orders', 'slow kept'],
      Written: ['kept 0', 'orders 0'],
      Read: ['billing orders', 'slow kept'],
      'Lost and read again': ['lost billing expired 40', 'lost slow valid 0', 'read again billing expired 0', 'read again slow valid 3'],
      Rounds: [address],
      Memory: [address],
      Members: ['live 1'],
      Alerts: ['failed chat', 'open'],
    }
    await eventually('the panels', async () => assert.deepEqual(await shown(), expected))
  })

  it('a dashboard of some clusters, stores and groups shows these alone', async () => {
    const some = { cluster: ['main'], store: ['keeper', 'away'], consumergroup: ['slow', 'live'] }
    const numbers = ['Wrong offsets', 'Not determined', 'Records lost', 'Stores away', 'Written', 'Lag', 'Lost and read again']
    await eventually('the panels', async () => {
      const slow = await shown(some)
      assert.deepEqual(
        Object.entries(slow).filter(([, lines]) => lines.some((line) => /billing|far|live|unknown|expired/.test(line))),
        [],
      )
      assert.deepEqual(
        numbers.map((title) => slow[title]),
        [
          ['0'],
          ['0'],
          ['0'],
          ['groups 1', 'stores 1'],
          ['kept 0', 'orders 0'],
          ['slow kept 5'],
          ['lost slow valid 0', 'read again slow valid 3'],
        ],
      )
    })
  })

  it('of what is not there it shows nothing', async () => {
    const panels = await shown({ cluster: ['far'], store: ['keeper'], consumergroup: ['slow'] })
    const empty = Object.entries(panels).flatMap(([title, lines]) => (lines.length === 0 ? [title] : []))
    assert.deepEqual(empty, [
      'Smallest margin',
      'What is not well',
      'Partitions by verdict',
      'Margin',
      'Lag',
      'Oldest unread record',
      'Written',
      'Read',
      'Lost and read again',
      'Members',
    ])
  })

  it('offers what there is to choose, stores that are away too', async () => {
    const grafana = new Grafana(prometheus)
    const all = { cluster: ['far', 'main'], store: ['away', 'groups', 'keeper', 'young'], consumergroup: ['billing', 'new', 'slow'] }
    assert.deepEqual(await grafana.options(), all)
    assert.deepEqual(await grafana.options({ cluster: ['far'] }), { ...all, store: ['keeper'], consumergroup: ['billing'] })
    assert.deepEqual((await grafana.options({ store: ['away'] }))['consumergroup'], [])
  })

  it('tells that no watch is there any more', async () => {
    await watch[Symbol.asyncDispose]()
    await holds('ALERTS{alertname="TidemarkWatchAway",alertstate="pending"}')
  })

  it('its promtool finds no fault with the rules, and says what they do over minutes', async () => {
    assert.match(await promtool('check', 'rules', rules), /SUCCESS: 9 rules found/)
    assert.match(await promtool('test', 'rules', rulesOverTime), /SUCCESS/)
  })
})
