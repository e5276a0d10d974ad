import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { root } from '../../scripts/paths.mjs'
import type { TidemarkError } from '../../src/errors.ts'
import { parseWatchConfig } from '../../src/watch/config.ts'

const cluster = { 'bootstrap-server': 'h:1', stores: { s: { store: 'sqlite:x.db', 'all-groups': true } } }
const least = { clusters: { main: cluster } }

function parse(config: unknown) {
  return parseWatchConfig(typeof config === 'string' ? config : JSON.stringify(config), 'watch.json')
}

function complaint(config: unknown): string {
  try {
    parse(config)
  } catch (error) {
    assert.equal((error as TidemarkError).code, 'WATCH_CONFIG')
    return (error as Error).message
  }
  return assert.fail('it was taken')
}

describe('the configuration of a watch', () => {
  it('the least there can be, and what is so by default', () => {
    assert.deepEqual(parse(least), {
      listen: { host: '127.0.0.1', port: 9308 },
      intervalMs: 30_000,
      warnMarginMs: undefined,
      stateFile: undefined,
      clusters: [
        {
          name: 'main',
          bootstrapServers: 'h:1',
          properties: undefined,
          stores: [{ name: 's', url: 'sqlite:x.db', ledger: undefined, groups: 'all', topics: undefined }],
        },
      ],
      receivers: [],
    })
  })

  it('all that can be said', () => {
    const config = parse({
      listen: '[::1]:0',
      interval: 'PT1M',
      state: 's.json',
      'warn-margin': 'P30D',
      clusters: {
        main: {
          'command-config': 'c.properties',
          stores: { s: { store: 'kafka:', groups: ['a', 'b'], topics: ['t:0,1'], ledger: 'l.db' } },
        },
      },
      alerts: { chat: { webhook: 'https://h/x', headers: { 'x-y': 'z' }, timeout: '1s' }, pager: { command: './page.sh' } },
    })
    assert.deepEqual(
      [config.listen, config.intervalMs, config.stateFile, config.warnMarginMs],
      [{ host: '::1', port: 0 }, 60_000, 's.json', 30 * 86_400_000],
    )
    assert.deepEqual(config.clusters[0]?.stores[0], { name: 's', url: 'kafka:', ledger: 'l.db', groups: ['a', 'b'], topics: ['t:0,1'] })
    assert.deepEqual(config.receivers, [
      { name: 'chat', kind: 'webhook', url: 'https://h/x', headers: { 'x-y': 'z' }, timeoutMs: 1_000 },
      { name: 'pager', kind: 'command', command: './page.sh', timeoutMs: 10_000 },
    ])
    assert.equal(parse({ ...least, listen: false }).listen, undefined)
  })

  it('the example is one', () => {
    const text = readFileSync(join(root, 'examples/watch/watch.json'), 'utf8')
    assert.deepEqual(
      parseWatchConfig(text, 'watch.json').receivers.map(({ kind }) => kind),
      ['webhook', 'command'],
    )
  })

  const store = (more: object) => ({ clusters: { main: { ...cluster, stores: { s: more } } } })
  const wrong: readonly [string, unknown, RegExp][] = [
    ['nothing', {}, /clusters is missing/],
    ['no object', 7, /it must be an object/],
    ['no cluster', { clusters: {} }, /clusters is empty/],
    ['a cluster without stores', { clusters: { main: { 'bootstrap-server': 'h:1' } } }, /clusters\.main\.stores is missing/],
    ['a cluster without an address', { clusters: { main: { stores: cluster.stores } } }, /clusters\.main needs "bootstrap-server"/],
    ['a name that there is not', { ...least, intervall: '1s' }, /intervall is nothing that there is/],
    ['a store without a URL', store({ 'all-groups': true }), /clusters\.main\.stores\.s\.store is missing/],
    ['neither groups nor all', store({ store: 'kafka:' }), /stores\.s needs either "groups" or "all-groups": true/],
    ['both', store({ store: 'kafka:', groups: ['a'], 'all-groups': true }), /stores\.s needs either/],
    ['no groups', store({ store: 'kafka:', groups: [] }), /groups is an empty list/],
    ['a duration without a unit', { ...least, interval: '30' }, /interval must be a duration/],
    ['a margin that is none', { ...least, 'warn-margin': '0h' }, /warn-margin must be a duration/],
    ['no duration at all', { ...least, interval: '0s' }, /interval must be a duration/],
    ['an address without a port', { ...least, listen: 'localhost' }, /listen must be "host:port"/],
    ['a port that can’t be', { ...least, listen: 'h:99999' }, /listen has a port beyond 65535/],
    ['a receiver of neither kind', { ...least, alerts: { x: {} } }, /alerts\.x needs either "webhook"/],
    ['a webhook that is no URL', { ...least, alerts: { x: { webhook: 'ftp://h/' } } }, /alerts\.x/],
  ]
  for (const [name, config, message] of wrong) {
    it(`names what is wrong by its place: ${name}`, () => {
      const said = complaint(config)
      assert.match(said, message)
      assert.match(said, /^watch\.json can't be used: .*\. See docs\/watch\.md$/)
    })
  }

  it('of what is no JSON it shows no piece, which could be a secret', () => {
    for (const text of ['{"webhook": "https://u:hunter2@h" x', 'hunter2', '{"a": hunter2}', '']) {
      const said = complaint(text)
      assert.match(said, /it is no JSON/)
      assert.doesNotMatch(said, /hunter2/)
    }
    assert.match(complaint('{\n "a": 1,,\n}'), /\(line 2 column/)
  })

  it('of what is wrong it shows no value, which could be a secret', () => {
    const said = complaint({ ...least, alerts: { x: { webhook: 'hunter2', token: 'hunter2' } }, state: 7 })
    assert.doesNotMatch(said, /hunter2/)
  })
})
