import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { planOf } from '../chaos/plan.ts'
import { isGood, reportOf } from '../chaos/report.ts'
import { parseSink, unsaved } from '../chaos/sink.ts'
import { close } from '../lab/account.ts'
import { waitFor } from '../lab/wait.ts'
import { root } from '../scripts/paths.mjs'

/** The runner in a temporary folder of its own, which the command line of everything that it starts names. */
class Chaos implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-chaos-test-'))
  output = ''
  readonly #child
  readonly #exit: Promise<unknown[]>

  constructor(args: string[], env: Record<string, string> = {}) {
    this.#child = spawn(process.execPath, [join(root, 'chaos/main.ts'), ...args], {
      env: { ...process.env, TMPDIR: this.folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) stream.on('data', (text) => (this.output += String(text)))
    this.#exit = once(this.#child, 'close')
  }

  async exitCode(): Promise<unknown> {
    const [code] = await this.#exit
    return code
  }

  /** kill -9, once it has said something. */
  async killAfter(text: string): Promise<void> {
    await waitFor(`the runner to say ${text}`, () => this.output.includes(text), 60_000)
    assert.ok(this.running().length >= 3, 'two servers and a worker were seen')
    this.#child.kill('SIGKILL')
  }

  /** The command lines of what it started. */
  running(): string[] {
    const table = execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8', maxBuffer: 2 ** 26 })
    return table.split('\n').filter((line) => line.includes(this.folder))
  }

  async leftNothing(): Promise<void> {
    await waitFor('all its processes to end', () => this.running().length === 0, 20_000)
    await waitFor('its files to go', () => readdirSync(this.folder).length === 0, 15_000).catch(() => undefined)
    assert.deepEqual(readdirSync(this.folder), [])
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL')
    if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true })
  }
}

describe('chaos', { timeout: 300_000 }, () => {
  it('accounts for every id after a dozen faults, and leaves nothing behind', async () => {
    using chaos = new Chaos(['--seed', '14', '--faults', '14'])
    assert.equal(await chaos.exitCode(), 0, chaos.output)
    for (const store of ['zookeeper', 'sqlite']) assert.match(chaos.output, new RegExp(`^${store}: every id is accounted for: `, 'm'))
    await chaos.leftNothing()
  })

  it('fails where an id is lost, and names it with the command that replays', async () => {
    using chaos = new Chaos(['--seed', '5', '--faults', '1', '--store', 'sqlite'], { TIDEMARK_CHAOS_FORGETS: 'r7' })
    assert.equal(await chaos.exitCode(), 1, chaos.output)
    assert.match(chaos.output, /MISSING: neither handled nor in the ledger: r7\n/)
    assert.match(chaos.output, /npm run chaos -- --seed 5 --faults 1 --store sqlite\n/)
    await chaos.leftNothing()
  })

  it('leaves nothing behind when it is killed', async () => {
    using chaos = new Chaos(['--seed', '1', '--faults', '50', '--store', 'zookeeper'])
    await chaos.killAfter('2 of 50')
    await chaos.leftNothing()
  })
})

describe('the books of chaos', () => {
  const topics = [
    { topicId: 'first', since: 0 },
    { topicId: 'second', since: 100 },
    { topicId: 'third', since: 200 },
  ]
  const order = (id: string, offset: number, topicId = 'third') => ({ id, topicId, partition: 0, offset })
  const produced = [order('r1', 0), order('r2', 1), order('r3', 2)]
  const books = (sink: string, more: Partial<Parameters<typeof close>[0]> = {}) => {
    const writings = parseSink(sink)
    return close({ produced, topics, ledger: [], handled: writings.handled, replanned: unsaved(writings, produced), ...more })
  }
  const outcome = (account: ReturnType<typeof close>, wrong: string[] = []) =>
    ({ store: 'sqlite', account, wrong, produced: 3, ledger: [] }) as const
  const all = 'begun a1\nbatch a1 0\nhandled a1 0 0 r1\nbatch a1 0\nhandled a1 0 1 r2\nhandled a1 0 2 r3\n'
  const row = {
    at: 250,
    group: 'g',
    topic: 't',
    partition: 0,
    verdict: 'recreated',
    action: 'earliest',
    from: 1,
    to: 0,
    skipped: null,
    reread: 0,
    actor: 'test',
    evidence: ['the offset was stored for the topic ID first, and the topic ID is third'],
  }

  it('are bad where an id is dropped', () => {
    const account = books(all.replace('handled a1 0 1 r2\n', ''))
    assert.ok(isGood(outcome(books(all))))
    assert.ok(!isGood(outcome(account)))
    const report = reportOf(outcome(account), 'npm run chaos -- --seed 9').join('\n')
    assert.match(report, /MISSING: neither handled nor in the ledger: r2\n/)
    assert.match(report, /again: npm run chaos -- --seed 9$/)
  })

  it('are bad where a worker ended for no reason, though every id is there', () => {
    assert.ok(!isGood(outcome(books(all), ['worker a1 ended: INTERNAL'])))
  })

  it('let the last batch of a killed worker be handled again, and nothing before it', () => {
    const again = (id: string, offset: number) => `begun a2\nbatch a2 0\nhandled a2 0 ${offset} ${id}\nended a2 as told\n`
    assert.deepEqual(books(all + again('r3', 2)).unexplained, [])
    assert.deepEqual(books(all + again('r1', 0)).unexplained, ['r1'])
    assert.deepEqual(books(`${all}ended a1 FENCED by another\n${again('r3', 2)}`).unexplained, [])
    assert.deepEqual(books(`${all}ended a1 as told\n${again('r3', 2)}`).unexplained, ['r3'])
  })

  it('let a cut excuse what it took, and a recreation what was unread of the topics that are gone', () => {
    const some = all.replace('handled a1 0 2 r3\n', '')
    assert.deepEqual(books(some, { cut: new Map([['r3', 'cut']]) }).missing, [])
    const older = [order('old-read', 0, 'first'), order('old', 1, 'first'), order('between', 0, 'second')]
    const missing = (ledger: (typeof row)[]) => books(all, { produced: [...produced, ...older], ledger }).missing
    assert.deepEqual(missing([]), ['old-read', 'old', 'between'])
    assert.deepEqual(missing([row]), ['old-read'])
  })

  it('follow a plan that the seed decides', () => {
    const count = (seed: number) => planOf(seed, 40, 'zookeeper').flatMap(({ faults }) => faults)
    assert.deepEqual(count(1), count(1))
    assert.notDeepEqual(count(1), count(2))
    assert.equal(count(1).length, 40)
    const kinds = new Set(planOf(3, 1000, 'sqlite').flatMap(({ faults }) => faults.map(({ kind }) => kind)))
    assert.ok(kinds.has('disk-full') && kinds.has('log-cut') && !kinds.has('zookeeper-killed'))
  })
})
