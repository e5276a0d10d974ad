import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sparkEnvironment } from '../../lab/spark.ts'
import type { LedgerRow } from '../../src/index.ts'
import { start } from '../cli/command.ts'
import type { Ended } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

const QUERIES = join(import.meta.dirname, 'queries.py')
const INCIDENTS = ['expired', 'ahead', 'recreated'] as const
type Incident = (typeof INCIDENTS)[number]
const WAYS = ['failOnDataLoss=true', 'failOnDataLoss=false', 'tidemark'] as const
type Way = (typeof WAYS)[number]

/** What became of the records that nobody had handled when the incident came. */
interface Outcome {
  readonly incident: Incident
  readonly way: Way
  readonly error: string | null
  readonly handled: number
  readonly again: number
  /** Not handled, and named by nobody. */
  readonly lost: number
  readonly inLedger: number
}

describe('what Spark does alone, and what it does under guard', () => {
  const at = servers()
  const path = (...names: string[]): string => join(at().directory, names.join('-'))

  /** One Spark for several queries; with guards around it, one for each. */
  async function run(
    queries: readonly (readonly [Incident, Way])[],
    guarded: readonly Incident[],
  ): Promise<{ ended: Ended; errors: (string | null)[] }> {
    const asked = queries.map(([topic, way]) => ({
      topic,
      checkpoint: path('checkpoint', topic, way),
      sink: path('sink', topic, way),
      failOnDataLoss: way === 'failOnDataLoss=false' ? 'false' : 'true',
    }))
    const bin = join(import.meta.dirname, '../../src/bin/tidemark.ts')
    const guards = guarded.map((topic) => [
      'guard',
      '--group',
      topic,
      '--topic',
      topic,
      '--checkpoint',
      path('checkpoint', topic, 'tidemark'),
      '--',
    ])
    const words = guards.flatMap((guard, index) => (index === 0 ? guard : [process.execPath, bin, ...guard]))
    const command = ['python3', QUERIES, at().kafka.bootstrapServers, JSON.stringify(asked)]
    const env = {
      TIDEMARK_BOOTSTRAP_SERVER: at().kafka.bootstrapServers,
      TIDEMARK_STORE: at().store,
      ...(await sparkEnvironment('4.1.1')),
    }
    const all = words.length === 0 ? ['step', '--group', 'none', '--topic', 'none', '--', ...command] : [...words, ...command]
    const ended = await start(all, { cwd: at().directory, env }).ended
    assert.equal(ended.code, 0, ended.stderr)
    return { ended, errors: JSON.parse(String(ended.stdout.trim().split('\n').at(-1))) as (string | null)[] }
  }

  async function produce(topic: string, from: number, until: number, prefix = ''): Promise<void> {
    const values = Array.from({ length: until - from }, (_, index) => `${prefix}${from + index}`)
    await at().admin.produce(values.map((value) => ({ topic, partition: 0, value })))
  }

  function ids(name: string): string[] {
    return existsSync(name) ? readFileSync(name, 'utf8').split('\n').slice(0, -1) : []
  }

  /** As a checkpoint that was restored from another cluster: its newest batch ends at 500. */
  function putAhead(checkpoint: string): void {
    const offsets = join(checkpoint, 'offsets')
    const newest = Math.max(
      ...readdirSync(offsets)
        .filter((name) => /^\d+$/.test(name))
        .map(Number),
    )
    const file = join(offsets, String(newest))
    writeFileSync(file, readFileSync(file, 'utf8').replace('{"0":100}', '{"0":500}'))
    rmSync(join(offsets, `.${newest}.crc`), { force: true })
  }

  async function incidents(): Promise<void> {
    await produce('expired', 100, 200)
    await at().admin.deleteRecords('expired', 0, 150)
    await produce('ahead', 100, 200)
    await at().admin.recreateTopic('recreated')
    await produce('recreated', 0, 200, 'new-')
    for (const topic of INCIDENTS)
      for (const way of WAYS.slice(0, 2)) cpSync(path('checkpoint', topic, 'tidemark'), path('checkpoint', topic, way), { recursive: true })
    for (const way of WAYS) putAhead(path('checkpoint', 'ahead', way))
  }

  /** The ids that were there to be handled, or would have been but for the incident. */
  function due(incident: Incident): string[] {
    const [from, until, prefix] = incident === 'recreated' ? [0, 200, 'new-'] : [100, 200, '']
    return Array.from({ length: until - from }, (_, index) => `${prefix}${from + index}`)
  }

  async function outcome(incident: Incident, way: Way, error: string | null): Promise<Outcome> {
    const found = ids(path('sink', incident, way)).slice(way === 'tidemark' ? 100 : 0)
    const { stdout } = await at().tidemark('ledger', '--group', incident, '-o', 'json')
    const rows = (JSON.parse(stdout) as { rows: LedgerRow[] }).rows
    const inLedger = way === 'tidemark' ? rows.reduce((sum, { skipped }) => sum + (skipped ?? 0), 0) : 0
    const wanted = new Set(due(incident))
    const handled = new Set(found.filter((id) => wanted.has(id))).size
    return { incident, way, error, handled, again: found.length - handled, inLedger, lost: wanted.size - handled - inLedger }
  }

  it('expired, ahead and recreated in range: failed, lost silently, or kept', async (t) => {
    await at().admin.createTopic('none')
    await produce('none', 0, 1)
    for (const topic of INCIDENTS) {
      await at().admin.createTopic(topic, { configs: { 'retention.ms': -1 } })
      await produce(topic, 0, 100)
    }
    const before = await run(
      INCIDENTS.map((topic) => [topic, 'tidemark'] as const),
      INCIDENTS,
    )
    assert.deepEqual(before.errors, [null, null, null], before.ended.stderr)
    await incidents()
    const alone = INCIDENTS.flatMap((topic) => WAYS.slice(0, 2).map((way) => [topic, way] as const))
    const { errors } = await run(alone, [])
    const guarded = INCIDENTS.map((topic) => [topic, 'tidemark'] as const)
    const under = await run(guarded, INCIDENTS)
    const outcomes: Outcome[] = []
    for (const [index, [topic, way]] of alone.entries()) outcomes.push(await outcome(topic, way, errors[index] ?? null))
    for (const [index, [topic, way]] of guarded.entries()) outcomes.push(await outcome(topic, way, under.errors[index] ?? null))
    for (const line of table(outcomes)) t.diagnostic(line)
    assert.deepEqual(outcomes.map(rowOf), [
      ['expired', 'failOnDataLoss=true', 'failed', 0, 0, 0, '-'],
      ['expired', 'failOnDataLoss=false', 'lost silently', 50, 0, 0, 50],
      ['ahead', 'failOnDataLoss=true', 'failed', 0, 0, 0, '-'],
      ['ahead', 'failOnDataLoss=false', 'lost silently', 0, 0, 0, 100],
      ['recreated', 'failOnDataLoss=true', 'lost silently', 100, 0, 0, 100],
      ['recreated', 'failOnDataLoss=false', 'lost silently', 100, 0, 0, 100],
      ['expired', 'tidemark', 'kept', 50, 0, 50, 0],
      ['ahead', 'tidemark', 'kept', 100, 100, 0, 0],
      ['recreated', 'tidemark', 'kept', 200, 0, 0, 0],
    ])
  })
})

/** One row of the table. */
function rowOf({ incident, way, error, handled, again, inLedger, lost }: Outcome): (string | number)[] {
  const what = error !== null ? 'failed' : lost > 0 ? 'lost silently' : 'kept'
  return [incident, way, what, handled, again, inLedger, error === null ? lost : '-']
}

function table(outcomes: readonly Outcome[]): string[] {
  const head = ['| incident | run with | outcome | handled | again | in the ledger | lost silently |', '|---|---|---|---:|---:|---:|---:|']
  return [...head, ...outcomes.map((one) => `| ${rowOf(one).join(' | ')} |`)]
}
