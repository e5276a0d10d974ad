import assert from 'node:assert/strict'
import { closeSync, copyFileSync, ftruncateSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { openStore } from '../../src/store/store.ts'
import { plant, Scene } from '../store/zookeeper-scene.ts'
import type { Ended } from './command.ts'
import { servers } from './servers.ts'

/** What one has to see in the one line that an error is. */
interface Line {
  readonly code: number
  readonly error: string
  readonly says: RegExp
}

describe('bad input', () => {
  const at = servers()

  before(async () => {
    await at().filled('orders', { partitions: 2 })
    await at().commit('billing', 'orders', 0, '5')
  })

  /** Nothing on stdout, one line on stderr, and neither a stack trace nor a secret; jobs may have told what they did before. */
  function isOneLine({ code, stdout, stderr }: Ended, expected: Line): void {
    const errors = stderr.split('\n').filter((line) => !/^\d{4}-\d\d-\d\dT[\d:.]+Z /.test(line))
    assert.match(errors.join('\n'), new RegExp(`^tidemark: ${expected.error}: [^\\n]+\\n$`))
    assert.match(stderr, expected.says)
    assert.doesNotMatch(stderr, /^\s+at |s3cr3t/m)
    assert.deepEqual([code, stdout], [expected.code, ''])
  }

  /** Runs a command that has to leave every znode as it is. */
  async function untouching(...args: string[]): Promise<Ended> {
    const found = await at().znodes()
    const ended = await at().tidemark(...args)
    assert.deepEqual(await at().znodes(), found)
    return ended
  }

  for (const [what, value] of [
    ['text', 'seven'],
    ['a negative offset', '-1'],
    ['an enormous offset', '9223372036854775807'],
    ['one too many', '9007199254740992'],
    ['nothing', ''],
    ['a fraction', '1.5'],
    ['two lines', '5\n6'],
    ['binary data', '\u0000\u0001\u001B[31m'],
  ] as const) {
    it(`${what} in a znode is corrupt: shown, refused, and left as it is`, async () => {
      await at().commit('spoiled', 'orders', 0, value)
      const check = await untouching('check', '--group', 'spoiled')
      assert.equal(check.code, 3)
      assert.match(check.stdout, /^spoiled +orders +0 +- +0 +10 +- +corrupt +the stored value ".*" is no offset: [^\n]+\n$/m)
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(check.stdout, /[\u0000\u0001\u001B]/)
      assert.equal((await untouching('repair', '--group', 'spoiled', '--policy', 'earliest', '--execute')).code, 3)
      isOneLine(await untouching('reset', '--group', 'spoiled', '--to-offset', 'x', '--execute'), {
        code: 2,
        error: 'USAGE',
        says: /'x' is invalid/,
      })
    })
  }

  it('an offset of another cluster is foreign, and no policy moves it', async () => {
    const url = `sqlite:${join(at().directory, 'foreign.db')}`
    await using store = await openStore(url)
    const [custody] = await store.load('migrated', [{ topic: 'orders', partition: 0 }])
    const position = { offset: 3, clusterId: 'another-cluster', topicId: 'x' }
    await store.save('migrated', [
      { topic: 'orders', partition: 0, expected: custody?.revision ?? '', position, ownerEpoch: 0, saveId: 'one', ledger: [] },
    ])
    for (const args of [['check'], ['repair', '--policy', 'latest', '--execute'], ['reset', '--to-latest', '--execute']]) {
      const { code, stdout } = await at().tidemark(...args, '--group', 'migrated', '--store', url)
      assert.equal(code, 3)
      assert.match(stdout, /foreign .*the offset was stored for the cluster another-cluster/)
    }
    const [after] = await store.load('migrated')
    assert.deepEqual(after, { ...custody, ...after, stored: { state: 'position', position } })
  })

  const lines: readonly (readonly [what: string, args: readonly string[], expected: Line])[] = [
    [
      'an unknown topic',
      ['check', '--group', 'billing', '--topic', 'nosuch'],
      { code: 1, error: 'TOPIC_NOT_FOUND', says: /group billing, topic nosuch/ },
    ],
    [
      'a name that no topic can have',
      ['check', '--group', 'billing', '--topic', 'no such'],
      { code: 1, error: 'TOPIC_NOT_FOUND', says: /topic no such/ },
    ],
    [
      'an unknown partition',
      ['check', '--group', 'billing', '--topic', 'orders:7'],
      { code: 1, error: 'TOPIC_NOT_FOUND', says: /group billing, topic orders, partition 7/ },
    ],
    [
      'an unknown partition to explain',
      ['explain', 'billing', 'orders', '9'],
      { code: 1, error: 'TOPIC_NOT_FOUND', says: /group billing, topic orders, partition 9/ },
    ],
    [
      'an unknown topic to reset',
      ['reset', '--group', 'billing', '--topic', 'nosuch', '--to-latest', '--execute'],
      { code: 1, error: 'TOPIC_NOT_FOUND', says: /topic nosuch/ },
    ],
    [
      'an unknown topic to run',
      ['run', '--group', 'billing', '--topic', 'nosuch', '--handler', './idle.mjs'],
      { code: 1, error: 'TOPIC_NOT_FOUND', says: /group billing, topic nosuch/ },
    ],
    [
      'nobody at the broker address, and nothing stored',
      ['check', '--group', 'new', '--topic', 'orders', '--bootstrap-server', '127.0.0.1:9', '--timeout', '3s'],
      { code: 4, error: 'FACTS_UNKNOWN', says: /127\.0\.0\.1:9.*group new, topic orders/ },
    ],
    [
      'a wrong chroot',
      ['check', '--group', 'billing', '--store', 'CHROOT'],
      { code: 1, error: 'STORE_NOT_FOUND', says: /no znode \/nosuch.*group billing/ },
    ],
    [
      'a wrong chroot to repair in',
      ['repair', '--group', 'billing', '--store', 'CHROOT', '--execute'],
      { code: 1, error: 'STORE_NOT_FOUND', says: /no znode \/nosuch.*group billing/ },
    ],
    [
      'nobody at the store address',
      ['check', '--group', 'billing', '--store', 'zookeeper://me:s3cr3t@127.0.0.1:9', '--timeout', '2s'],
      { code: 4, error: 'STORE_UNREACHABLE', says: /127\.0\.0\.1:9.*group billing/ },
    ],
    [
      'a secret in a URL that is none',
      ['check', '--group', 'billing', '--store', 'zookeeper://me:s3cr3t/@127.0.0.1:9', '--timeout', '2s'],
      { code: 2, error: 'USAGE', says: /group billing/ },
    ],
    [
      'no permission to write',
      ['reset', '--group', 'locked', '--topic', 'orders:0', '--to-latest', '--execute'],
      { code: 1, error: 'STORE_DENIED', says: /group locked, topic orders/ },
    ],
    [
      'a bad policy word',
      ['repair', '--group', 'billing', '--policy', 'expired=maybe', '--execute'],
      { code: 2, error: 'USAGE', says: /"maybe" in the policy is no action for expired \(group billing\)/ },
    ],
    [
      'a handler that is not there',
      ['run', '--group', 'billing', '--topic', 'orders', '--handler', './nosuch.mjs'],
      { code: 2, error: 'HANDLER_INVALID', says: /there is no handler \.\/nosuch\.mjs \(group billing, topic orders\)/ },
    ],
    [
      'a handler that is no program',
      ['run', '--group', 'billing', '--topic', 'orders', '--handler', './garbled.mjs'],
      { code: 2, error: 'HANDLER_INVALID', says: /garbled\.mjs can't be loaded: SyntaxError/ },
    ],
    [
      'a handler that is no function',
      ['run', '--group', 'billing', '--topic', 'orders', '--handler', './five.mjs'],
      { code: 2, error: 'HANDLER_INVALID', says: /no default export that is a function/ },
    ],
    [
      'a handler that throws',
      ['run', '--group', 'h1', '--topic', 'orders:0', '--handler', './throws.mjs', '--retries', '1'],
      {
        code: 1,
        error: 'HANDLER_FAILED',
        says: /threw "boom\\nand more" at orders-0 \[0, 10\), 2 times.*group h1, topic orders, partition 0/,
      },
    ],
    [
      'a handler that never returns',
      ['run', '--group', 'h2', '--topic', 'orders:1', '--handler', './never.mjs', '--handler-timeout', '200ms'],
      {
        code: 1,
        error: 'HANDLER_TIMEOUT',
        says: /did not return within 0\.2 s at orders-1 \[0, 10\).*group h2, topic orders, partition 1/,
      },
    ],
    [
      'a handler that throws where nobody can catch it',
      ['run', '--group', 'h3', '--topic', 'orders:1', '--handler', './later.mjs'],
      { code: 1, error: 'INTERNAL', says: /far away/ },
    ],
    [
      'half an SQLite file',
      ['check', '--group', 'billing', '--store', 'sqlite:./half.db'],
      { code: 1, error: 'STORE_CORRUPT', says: /half\.db.*group billing/ },
    ],
    [
      'half an SQLite file to repair in',
      ['repair', '--group', 'billing', '--store', 'sqlite:./half.db', '--execute'],
      { code: 1, error: 'STORE_CORRUPT', says: /half\.db.*group billing/ },
    ],
    [
      'half an SQLite file to run with',
      ['run', '--group', 'billing', '--topic', 'orders', '--handler', './idle.mjs', '--store', 'sqlite:./half.db'],
      { code: 1, error: 'STORE_CORRUPT', says: /half\.db.*group billing/ },
    ],
    [
      'a file of something else',
      ['check', '--group', 'billing', '--store', 'sqlite:./idle.mjs'],
      { code: 1, error: 'STORE_CORRUPT', says: /idle\.mjs.*group billing/ },
    ],
    [
      'a folder that is not there',
      ['repair', '--group', 'billing', '--store', 'sqlite:./no/such.db', '--execute'],
      { code: 1, error: 'STORE_NOT_FOUND', says: /group billing/ },
    ],
    [
      'a group name with slashes, where znodes are named so',
      ['check', '--group', 'a/b'],
      { code: 2, error: 'GROUP_NAME', says: /"a\/b".*group a\/b/ },
    ],
    ['a group named like the folder above', ['repair', '--group', '..', '--execute'], { code: 2, error: 'GROUP_NAME', says: /group \.\./ }],
    [
      'a password in a properties file that is not understood',
      ['check', '--group', 'billing', '--command-config', './odd.properties'],
      { code: 2, error: 'USAGE', says: /odd\.properties/ },
    ],
  ]

  before(async () => {
    const file = (name: string, text: string): void => writeFileSync(join(at().directory, name), text)
    file('idle.mjs', 'export default async () => {}')
    file('garbled.mjs', 'export default async (batch => {')
    file('five.mjs', 'export default 5')
    file('throws.mjs', 'export default async () => { throw new Error("boom\\nand more") }')
    file('never.mjs', 'export default () => new Promise(() => setInterval(() => {}, 1_000))')
    file('later.mjs', 'export default () => new Promise(() => setTimeout(() => { throw new Error("far away") }, 10))')
    file('odd.properties', 'security.protocol=MAGIC\nsasl.jaas.config=x password="s3cr3t";\n')
    await at().tidemark('reset', '--group', 'billing', '--topic', 'orders', '--to-latest', '--execute', '--store', 'sqlite:./half.db')
    const half = join(at().directory, 'half.db')
    const handle = openSync(half, 'r+')
    ftruncateSync(handle, Math.floor(statSync(half).size / 2))
    closeSync(handle)
    copyFileSync(half, join(at().directory, 'half-as-it-was.db'))
    await using scene = new Scene(at().zooKeeper)
    await plant(scene.stranger('somebody:else'), { path: '/consumers/locked/offsets/orders/0', data: Buffer.from('5') })
  })

  for (const [what, args, expected] of lines) {
    it(`${what}: one line, exit code ${expected.code}, nothing overwritten`, async () => {
      const real = args.map((arg) => (arg === 'CHROOT' ? `${at().store}/nosuch` : arg))
      isOneLine(args[0] === 'run' ? await at().tidemark(...real) : await untouching(...real), expected)
    })
  }

  it('leaves half an SQLite file as it is', () => {
    const read = (name: string): string => readFileSync(join(at().directory, name)).toString('base64')
    assert.equal(read('half.db'), read('half-as-it-was.db'))
  })

  it('leaves the offsets of failed handlers unmoved', async () => {
    assert.equal((await at().znodes('/consumers/h1/offsets/orders'))['/consumers/h1/offsets/orders/0'], '0')
    assert.equal((await at().znodes('/consumers/h2/offsets/orders'))['/consumers/h2/offsets/orders/1'], '0')
  })

  it('nobody at the broker address: what is stored is shown, as unknown', async () => {
    const { code, stdout, stderr } = await untouching(
      'repair',
      '--group',
      'billing',
      '--bootstrap-server',
      '127.0.0.1:9',
      '--timeout',
      '3s',
      '--execute',
      '--policy',
      'latest',
    )
    assert.equal(code, 4)
    assert.match(stdout, /^billing +orders +0 +5 .*unknown +wait +wait +UNREACHABLE: [^\n]*127\.0\.0\.1:9/m)
    assert.doesNotMatch(stderr, /^tidemark:/m)
  })

  for (const group of ['größe', 'имя', 'a b', '"quoted"', 'new\nline']) {
    it(`a group named ${JSON.stringify(group)} is kept like any other, in every store that can`, async () => {
      for (const store of [at().store, 'sqlite:./names.db']) {
        const { code, stderr } = await at().tidemark(
          'reset',
          '--group',
          group,
          '--topic',
          'orders',
          '--to-offset',
          '5',
          '--execute',
          '--store',
          store,
        )
        if (code === 2) {
          assert.match(stderr, /^tidemark: GROUP_NAME: [^\n]+\n$/)
          continue
        }
        const check = await at().tidemark('check', '--group', group, '--store', store, '-o', 'json')
        const { partitions } = JSON.parse(check.stdout) as { partitions: Record<string, unknown>[] }
        assert.deepEqual(
          partitions.map((row) => [row['group'], row['committedOffset'], row['verdict']]),
          [
            [group, 5, 'valid'],
            [group, 5, 'valid'],
          ],
        )
      }
    })
  }

  it('a group name with slashes is kept where it can be', async () => {
    const { code, stdout } = await at().tidemark(
      'reset',
      '--group',
      'a/b',
      '--topic',
      'orders',
      '--to-offset',
      '5',
      '--execute',
      '--store',
      'sqlite:./names.db',
    )
    assert.equal(code, 0)
    assert.match(stdout, /^a\/b +orders +0 +- +5 /m)
  })

  it('check of a store that does not exist creates none', async () => {
    const { code, stderr } = await at().tidemark('check', '--group', 'billing', '--store', 'sqlite:./never.db')
    assert.deepEqual([code, stderr], [0, "nothing is stored for group billing; with --topic a new group's topics are shown\n"])
    assert.throws(() => statSync(join(at().directory, 'never.db')), { code: 'ENOENT' })
  })
})
