import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { balances, close, type Books } from '../lab/account.ts'
import { waitFor } from '../lab/wait.ts'
import { root } from '../scripts/paths.mjs'
import type { LedgerRow } from '../src/index.ts'

/** The demo as a user runs it, in a temporary folder of its own, with all that it starts under observation. */
class Demo implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-demo-test-'))
  stdout = ''
  stderr = ''
  readonly #child
  readonly #exit: Promise<unknown[]>
  /** The processes that it started, itself left out, each by its number and its time. */
  readonly #started = new Map<string, number>()
  readonly #watch = setInterval(() => this.#look(), 500)

  constructor(args: string[] = [], env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [join(root, 'demo/main.ts'), ...args], {
      env: { ...process.env, TMPDIR: this.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child.stdout.on('data', (text) => (this.stdout += String(text)))
    this.#child.stderr.on('data', (text) => (this.stderr += String(text)))
    this.#exit = once(this.#child, 'close')
  }

  /** Waits for a text; fails when the demo ends without it. */
  async says(text: string): Promise<void> {
    await waitFor(`the demo to say ${text}`, () => this.stdout.includes(text) || this.#child.exitCode !== null, 300_000)
    assert.ok(this.stdout.includes(text), `it ended without saying ${text}:\n${this.stdout}${this.stderr}`)
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async exitCode(): Promise<unknown> {
    const [code] = await this.#exit
    return code
  }

  /** Nothing that it started runs any more, and nothing of it is on disk. */
  async leftNothing(): Promise<void> {
    clearInterval(this.#watch)
    assert.ok(this.#started.size >= 4, 'two servers and their supervisors were seen')
    await waitFor('all its processes to end', () => !processes().some(({ key }) => this.#started.has(key)), 15_000)
    await waitFor('its files to go', () => readdirSync(this.folder).length === 0, 15_000).catch(() =>
      assert.deepEqual(readdirSync(this.folder), []),
    )
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watch)
    this.#child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Remembers every process that the demo, or one that it started, has started. */
  #look(): void {
    const family = new Set([this.#child.pid, ...this.#started.values()])
    for (const { pid, parent, key } of processes()) {
      if (!family.has(parent)) continue
      family.add(pid)
      this.#started.set(key, pid)
    }
  }
}

/** All processes. A number is given again to others, so the time of the start belongs to the key. */
function processes(): { pid: number; parent: number; key: string }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,lstart='], { encoding: 'utf8' })
  return table
    .trim()
    .split('\n')
    .map((line) => {
      const [pid = '', parent = '', ...started] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), key: `${pid} ${started.join(' ')}` }
    })
}

describe('the demo', { timeout: 900_000 }, () => {
  it('tells the whole story, accounts for every id, and leaves nothing behind', async () => {
    using demo = new Demo()
    assert.equal(await demo.exitCode(), 0, demo.stdout + demo.stderr)
    for (let step = 1; step <= 6; step++) assert.match(demo.stdout, new RegExp(`── ${step} of 6: `))
    const [, produced, handled, removed] =
      /The account balances: (\d+) produced = (\d+) handled \+ (\d+) removed before they could be read; 0 missing, 0 extra, 0/.exec(
        demo.stdout.replaceAll(/\s+/g, ' '),
      ) ?? []
    assert.equal(Number(produced), Number(handled) + Number(removed), demo.stdout)
    assert.ok(Number(removed) > 0)
    for (const verdict of ['missing', 'valid', 'expired', 'ahead', 'recreated', 'unknown'])
      assert.match(demo.stdout, new RegExp(`  ${verdict}\n`))
    assert.match(demo.stdout, /the job was killed with the planned range orders-/)
    assert.match(demo.stdout.trimEnd(), /Those are exactly the next orders\.$/)
    assert.ok(!demo.stdout.includes('\u001b'), 'no colours in a pipe')
    assert.equal(demo.stderr, '')
    await demo.leftNothing()
  })

  it('fails when an id is lost; with --keep its servers stay up until Ctrl-C', async () => {
    using demo = new Demo(['--keep'], { TIDEMARK_DEMO_FORGETS: 'order-007' })
    await demo.says('reset --group billing')
    assert.match(demo.stdout, /THE ACCOUNT DOES NOT BALANCE/)
    assert.match(demo.stdout, /MISSING\s+1\s+order-007\s/)
    const env = Object.fromEntries([...demo.stdout.matchAll(/export (\w+)=(\S+)/g)].map(([, name, value]) => [name, value]))
    assert.deepEqual(Object.keys(env), ['TIDEMARK_BOOTSTRAP_SERVER', 'TIDEMARK_STORE'])
    const cli = [join(root, 'src/bin/tidemark.ts'), 'check', '--group', 'billing', '-o', 'csv']
    assert.match(
      execFileSync(process.execPath, cli, { encoding: 'utf8', env: { ...process.env, ...env } }),
      /^billing,orders,1,\d+,.*,valid/m,
    )
    demo.kill('SIGINT')
    assert.equal(await demo.exitCode(), 1)
    await demo.leftNothing()
  })

  it('leaves nothing behind when it is killed with its job at work', async () => {
    using demo = new Demo()
    await demo.says('network: the connection broke')
    demo.kill('SIGKILL')
    await demo.exitCode()
    await demo.leftNothing()
  })
})

describe('the account', () => {
  const order = (id: string, offset: number, topicId = 'new') => ({ id, topicId, partition: 0, offset })
  const row = (more: Partial<LedgerRow>): LedgerRow => ({
    at: 150,
    group: 'billing',
    topic: 'orders',
    partition: 0,
    verdict: 'expired',
    action: 'earliest',
    from: 1,
    to: 2,
    skipped: 1,
    reread: 0,
    actor: 'test',
    evidence: [],
    ...more,
  })
  const closed = (books: Partial<Books>) =>
    close({
      produced: [order('a', 0), order('b', 1), order('c', 2)],
      handled: ['a', 'b', 'c'].map((id, offset) => ({ id, partition: 0, offset })),
      ledger: [],
      replanned: [],
      topics: [
        { topicId: 'old', since: 0 },
        { topicId: 'new', since: 100 },
      ],
      ...books,
    })
  const aAndC = [
    { id: 'a', partition: 0, offset: 0 },
    { id: 'c', partition: 0, offset: 2 },
  ]

  it('balances where each id was handled once', () => {
    assert.ok(balances(closed({})))
  })

  it('misses what nobody handled and no row excuses', () => {
    assert.deepEqual(closed({ handled: aAndC }).missing, ['b'])
  })

  it('lets a row excuse only its own partition, its own offsets, and the topic of its time', () => {
    const missing = (more: Partial<LedgerRow>) => closed({ handled: aAndC, ledger: [row(more)] }).missing
    assert.deepEqual(missing({}), [])
    assert.deepEqual(missing({ partition: 1 }), ['b'])
    assert.deepEqual(missing({ from: 2, to: 3 }), ['b'])
    assert.deepEqual(missing({ at: 50 }), ['b'])
    assert.deepEqual(missing({ verdict: 'ahead' }), ['b'], 'nothing was removed there')
  })

  it('lets a recreation excuse what was unread of the topic that the row names', () => {
    const produced = [order('read', 0, 'old'), order('unread', 1, 'old')]
    const handled = [{ id: 'read', partition: 0, offset: 0 }]
    const missing = (more: Partial<LedgerRow>) =>
      closed({ produced, handled, ledger: [row({ verdict: 'recreated', from: 1, to: 0, skipped: null, ...more })] }).missing
    assert.deepEqual(missing({ evidence: ['the topic ID was old'] }), [])
    assert.deepEqual(missing({ evidence: ['the topic ID was another'] }), ['unread'])
    assert.deepEqual(missing({ evidence: ['the topic ID was old'], from: 2 }), ['unread'])
  })

  it('finds what was handled and never produced there', () => {
    const stray = { id: 'z', partition: 0, offset: 9 }
    const misplaced = { id: 'a', partition: 1, offset: 0 }
    assert.deepEqual(closed({ handled: [...aAndC, { id: 'b', partition: 0, offset: 1 }, stray, misplaced] }).extra, ['z', 'a'])
  })

  it('wants one reason for each time more', () => {
    const twice = [{ id: 'b', partition: 0, offset: 1 }, { id: 'b', partition: 0, offset: 1 }, ...aAndC]
    const planned = { topicId: 'new', partition: 0, fromOffset: 0, untilOffset: 2, why: 'planned' }
    const reread = row({ verdict: 'ahead', from: 9000, to: 1, reread: 2 })
    assert.deepEqual(closed({ handled: twice }).unexplained, ['b'])
    assert.deepEqual(closed({ handled: twice, replanned: [planned] }).unexplained, [])
    assert.deepEqual(closed({ handled: twice, replanned: [{ ...planned, untilOffset: 1 }] }).unexplained, ['b'])
    assert.deepEqual(closed({ handled: twice, ledger: [reread] }).unexplained, [])
    const thrice = [...twice, { id: 'b', partition: 0, offset: 1 }]
    assert.deepEqual(closed({ handled: thrice, replanned: [planned] }).unexplained, ['b'])
    assert.deepEqual(closed({ handled: thrice, replanned: [planned], ledger: [reread] }).unexplained, [])
  })
})
