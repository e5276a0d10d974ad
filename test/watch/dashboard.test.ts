import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { root } from '../../scripts/paths.mjs'
import { servers } from '../cli/servers.ts'
import { kafkajsConsumer } from '../store/kafka-consumers.ts'
import type { ReadFamily } from './exposition.ts'
import { askedBy, isBalanced } from './promql.ts'
import { Receiver, Watch } from './scene.ts'

interface Panel {
  readonly title: string
  readonly targets: readonly { readonly expr: string; readonly legendFormat?: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[] }
}

/** An alert rule: its name, its expression, and what its annotations say. */
interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: string
}

const dashboard = JSON.parse(readFileSync(join(root, 'examples/watch/dashboard.json'), 'utf8')) as Dashboard

/** The rules as they are written here: one line for each expression. */
function rules(): Rule[] {
  const text = readFileSync(join(root, 'examples/watch/rules.yml'), 'utf8')
  return text
    .split('- alert: ')
    .slice(1)
    .map((rule) => ({
      alert: /^\w+/.exec(rule)?.[0] ?? '',
      expr: /^ +expr: (.+)$/m.exec(rule)?.[1] ?? '',
      annotations: rule.slice(rule.indexOf('annotations:')),
    }))
}

/** What Prometheus itself puts to what it scrapes. */
const OF_PROMETHEUS = ['instance', 'job']

describe('the dashboard and the alert rules', { timeout: 120_000 }, () => {
  const lab = servers()
  let families: Map<string, ReadFamily>

  before(async () => {
    await lab().filled('orders', { partitions: 2, records: 100 })
    await lab().admin.createTopic('kept', { configs: { 'retention.ms': 86_400_000 } })
    await lab().admin.produce(Array.from({ length: 10 }, (_, index) => ({ topic: 'kept', partition: 0, value: `${index}` })))
    await lab().admin.deleteRecords('orders', 0, 60)
    await lab().commit('billing', 'orders', 0, '40')
    await lab().commit('billing', 'kept', 0, '5')
    assert.equal((await lab().tidemark('repair', '--group', 'billing', '--execute')).code, 0)
    await lab().commit('billing', 'orders', 1, '-7')
    const consumer = await kafkajsConsumer(lab().kafka, 'live', 'kept')
    await using receiver = await Receiver.start()
    await using watch = Watch.start(lab(), {
      clusters: {
        main: {
          'bootstrap-server': lab().kafka.bootstrapServers,
          stores: { keeper: { store: lab().store, groups: ['billing'] }, groups: { store: 'kafka:', 'all-groups': true } },
        },
      },
      alerts: { chat: { webhook: `http://${receiver.address}/` } },
    })
    await watch.more(2)
    families = await watch.metrics()
    await consumer.close()
  })

  /** Every name that the expression uses is one that a real answer has. */
  const assertAnswered = (what: string, expression: string, more: readonly string[] = []): void => {
    assert.ok(isBalanced(expression), `${what}: ${expression}`)
    const { selectors, groupings } = askedBy(expression)
    assert.ok(selectors.length > 0, `${what} asks for a metric`)
    const labelsOf = (metric: string): string[] => {
      const family = families.get(metric) ?? assert.fail(`${what}: there is no ${metric}`)
      return [...family.samples.flatMap(({ labels }) => Object.keys(labels)), ...OF_PROMETHEUS]
    }
    for (const { metric, labels } of selectors) {
      for (const label of labels) assert.ok(labelsOf(metric).includes(label), `${what}: ${metric} has no label ${label}`)
    }
    const known = new Set(selectors.flatMap(({ metric }) => labelsOf(metric)))
    for (const label of [...groupings, ...more]) assert.ok(known.has(label), `${what}: nothing has a label ${label}`)
  }

  it('every query of every panel is of metrics that are there, with the labels that they have', () => {
    assert.ok(dashboard.panels.length > 10)
    for (const { title, targets } of dashboard.panels) {
      assert.ok(targets.length > 0, title)
      for (const { expr, legendFormat = '' } of targets) {
        const legend = [...legendFormat.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label = '']) => label)
        assertAnswered(title, expr, legend)
        const { groupings } = askedBy(expr)
        if (/^\w+ by /.test(expr)) for (const label of legend) assert.ok(groupings.includes(label), `${title}: ${label} is not in ${expr}`)
      }
    }
  })

  it('members of the cluster’s own groups are counted', () => {
    const members = families.get('kafka_consumergroup_members')?.samples.map(({ labels, value }) => [labels, value])
    assert.deepEqual(members, [[{ cluster: 'main', store: 'groups', consumergroup: 'live' }, 1]])
  })

  it('every variable of the dashboard is defined, and asks for what is there', () => {
    const variables = dashboard.templating.list
    for (const { name, query } of variables) {
      if (typeof query === 'string') continue
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? assert.fail(query.query)
      assertAnswered(`the variable ${name}`, selector, [label])
    }
    const used = [...JSON.stringify(dashboard.panels).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    const defined = new Set([...variables.map(({ name }) => name), '__rate_interval'])
    assert.deepEqual(
      used.filter((name) => !defined.has(name)),
      [],
    )
  })

  it('panels don’t overlap, and no two have one ID', () => {
    const panels = dashboard.panels as unknown as { id: number; gridPos: { x: number; y: number; w: number; h: number } }[]
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    )
    assert.equal(new Set(cells).size, cells.length)
    assert.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24))
  })

  it('every rule is of metrics that are there, and says only labels that its expression gives', () => {
    const all = rules()
    assert.ok(all.length > 5)
    assert.equal(new Set(all.map(({ alert }) => alert)).size, all.length)
    for (const { alert, expr, annotations } of all) {
      const said = [...annotations.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label)
      assertAnswered(alert, expr, said)
      const by = /^\w+ by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ')
      if (by !== undefined) for (const label of said) assert.ok(by.includes(label), `${alert}: ${label} is not in ${expr}`)
    }
  })

  it('the metrics that docs/watch.md lists are those that there are', () => {
    const listed = [...readFileSync(join(root, 'docs/watch.md'), 'utf8').matchAll(/^\| `((?:kafka|tidemark|process)_[a-z_]+)` \|/gm)]
    assert.deepEqual(new Set(listed.map(([, name = '']) => name)), new Set(families.keys()))
  })

  it('the test knows an expression that asks for what is not there', () => {
    for (const wrong of ['tidemark_verdikt', 'tidemark_verdict{group="x"}', 'sum by (group) (tidemark_verdict)', 'sum(tidemark_verdict']) {
      assert.throws(() => assertAnswered('wrong', wrong), wrong)
    }
  })
})
