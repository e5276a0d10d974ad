import assert from 'node:assert/strict'
import { balances, close } from '../../lab/account.ts'
import type { Custody } from '../../src/core/custody.ts'
import { check, explain, reconcile, repair, type LedgerRow, type VerdictName } from '../../src/index.ts'
import type { Scene } from './scene.ts'

/** One way in which a stored offset and the log come to disagree, and what Tidemark has to say of it. */
export interface Incident {
  readonly name: string
  /** The public issue, KIP or page of somebody to whom it happened. */
  readonly source: string
  /** Where the offset is kept. Default SQLite. */
  readonly store?: 'sqlite' | 'zookeeper' | 'kafka' | undefined
  /** How far clocks may be apart, ms. Default 5 minutes, which no incident waits for. */
  readonly clockSkewMs?: number | undefined
  /** The partition that it is about. Default 0. */
  readonly partition?: number | undefined
  /** Makes it happen, on real servers. */
  readonly happens: (scene: Scene) => Promise<void>
  /** Puts right what other incidents would suffer from. */
  readonly mends?: ((scene: Scene) => Promise<void>) | undefined
  /** It happens under a job that runs on: verdict, evidence and repair are the job's own, as its ledger has them. */
  readonly underAJob?: boolean | undefined
  readonly verdict: VerdictName
  /** Word for word; T1, T2 … stand for the topic's IDs in their order, C1 and C2 for the clusters' IDs, M1, M2 … for moments. */
  readonly evidence: readonly string[]
  /** The committed offset once the default policy has been applied; null: it stays as it is, and nothing is written. */
  readonly repairedTo: number | null
  /** What Spark Structured Streaming does, by its documentation or source. */
  readonly spark: string
}

/** Tests what is said of an incident that happened, and what is done about it. */
export async function judgeIncident(scene: Scene, incident: Incident): Promise<void> {
  await (incident.underAJob === true ? judgeJob(scene, incident) : judgeByVerbs(scene, incident))
}

/** Looks at what the job did by itself: the row in its ledger, if it moved, and every id handled or accounted for. */
async function judgeJob(scene: Scene, incident: Incident): Promise<void> {
  const { partition = 0, verdict, evidence, repairedTo } = incident
  const ledger = (await scene.store.ledger({ group: scene.group })).filter((row) => row.verdict !== 'missing')
  const own = ledger.filter((row) => row.partition === partition)
  const moves = own.map((row) => ({ verdict: row.verdict, to: row.to, evidence: scene.named(row.evidence) }))
  assert.deepEqual(moves, repairedTo === null ? [] : [{ verdict, to: repairedTo, evidence }], 'the ledger')
  const { orders: produced, handled, topics, rereads: replanned, superseded: cut } = scene
  const account = close({ produced, handled, ledger, replanned, cut, topics })
  assert.ok(balances(account), `the account: ${JSON.stringify(account)}`)
  if (repairedTo === null) await sameVerdict(scene, incident)
  else assert.equal(entryOf(await check(scene.log, scene.store, scene.options), incident)?.verdict, 'valid')
}

/** Looks at what happened with each verb: the verdict and its evidence, the plan, the repair with its ledger row, and that it is the last one. */
async function judgeByVerbs(scene: Scene, incident: Incident): Promise<void> {
  await sameVerdict(scene, incident)
  const before = await custodyOf(scene, incident)
  const preview = await repair(scene.log, scene.store, scene.options)
  assert.deepEqual(await custodyOf(scene, incident), before, 'a preview writes nothing')
  assert.equal(entryOf(preview.plan.entries, incident)?.move?.to ?? null, incident.repairedTo, 'the plan')
  await repair(scene.log, scene.store, { ...scene.options, execute: true })
  const after = await custodyOf(scene, incident)
  if (incident.repairedTo === null) assert.deepEqual(after, before, 'nothing is written')
  else await assertRepaired(scene, incident, before, after)
  const again = await reconcile(scene.log, scene.store, scene.options)
  assert.deepEqual(
    again.entries.filter(({ outcome }) => outcome === 'move'),
    [],
    'a second reconcile finds nothing to move',
  )
}

async function sameVerdict(scene: Scene, incident: Incident): Promise<void> {
  const { partition = 0, verdict, evidence } = incident
  const rows = await check(scene.log, scene.store, scene.options)
  const row = entryOf(rows, incident)
  assert.deepEqual([row?.verdict, scene.named(row?.evidence ?? [])], [verdict, evidence], 'check')
  const explained = await explain(scene.log, scene.store, { ...scene.options, topic: scene.topic, partition })
  assert.deepEqual([explained.verdict, scene.named(explained.evidence)], [verdict, evidence], 'explain')
}

async function assertRepaired(scene: Scene, incident: Incident, before: Custody, after: Custody): Promise<void> {
  const { verdict, evidence, repairedTo } = incident
  assert.equal(offsetOf(after), repairedTo)
  const [row, ...more] = await ledgerOf(scene, incident)
  assert.deepEqual([row?.verdict, row?.from, row?.to], [verdict, offsetOf(before), repairedTo], 'the ledger')
  assert.deepEqual([scene.named(row?.evidence ?? []), more], [evidence, []], 'the ledger, once')
}

/** The rows of the repair: not the one of the group's beginning. */
async function ledgerOf(scene: Scene, { partition = 0, verdict }: Incident): Promise<LedgerRow[]> {
  const rows = await scene.store.ledger({ group: scene.group, topic: scene.topic, partition })
  return rows.filter((row) => row.verdict === verdict)
}

async function custodyOf(scene: Scene, { partition = 0 }: Incident): Promise<Custody> {
  const [custody] = await scene.store.load(scene.group, [{ topic: scene.topic, partition }])
  assert.ok(custody)
  return custody
}

function offsetOf({ stored }: Custody): number | null {
  return stored.state === 'position' ? stored.position.offset : null
}

function entryOf<Entry extends { readonly partition: number }>(entries: readonly Entry[], { partition = 0 }: Incident): Entry | undefined {
  return entries.find((entry) => entry.partition === partition)
}
