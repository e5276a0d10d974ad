import { positionOf } from '../core/custody.ts'
import type { LedgerRow } from '../core/ledger.ts'
import type { Plan, PlanEntry } from '../core/plan.ts'
import { planRepair } from '../core/plan.ts'
import { toPolicy } from '../core/policy.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Standing } from '../external/options.ts'
import type { Files } from '../files/files.ts'
import { patiently } from '../job/notice.ts'
import type { JobOptions } from '../job/options.ts'
import { assertRunnable } from '../job/settle.ts'
import { Voice } from '../job/voice.ts'
import type { Log } from '../kafka/log.ts'
import { giveUpPlanned } from '../store/spark-checkpoint/give-up.ts'
import type { Store } from '../store/store.ts'
import { examinePartitions } from '../verbs/examine.ts'
import { apply, contextOf, withTimes } from '../verbs/reconcile.ts'
import { identified } from './checkpoint.ts'

/** How soon facts that are not known are asked for again, ms. */
const ASK_EVERY_MS = 1_000

/** What a checkpoint is reconciled with. */
export interface Resuming {
  readonly log: Log
  readonly store: Store
  /** The checkpoint, opened as a store. */
  readonly checkpoint: Store
  readonly options: JobOptions
}

/**
 * Compares a stopped query's checkpoint with the log, and moves it as the policy says: where the query goes on. The rows of the moves are in the
 * store's ledger then. A planned batch whose beginning has to move is given up: Spark could never run it.
 * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED, CHECKPOINT_… : it can't go on; OFFSET_CHANGED where a query runs on it
 */
export async function resume(resuming: Resuming, files: Files): Promise<readonly Standing[]> {
  const { checkpoint, store, options } = resuming
  const voice = new Voice(options.onNotice, options.clock)
  let plan = await settledPlan(resuming, voice)
  assertMovable(plan)
  assertRunnable(plan)
  if (plan.entries.some(({ move }) => move !== undefined)) {
    const given = await giveUpPlanned(files)
    if (given !== undefined) {
      voice.say(
        'gave-up',
        `batch ${given} was planned and can't be run, since its beginning moves: it is given up, and nothing of it counts as read`,
      )
      plan = await settledPlan(resuming, voice)
      assertRunnable(plan)
    }
  }
  for (const { entry, status } of await apply(plan, checkpoint)) {
    if (status === 'moved') voice.moved(entry)
    else if (status !== 'untouched')
      throw changed('the checkpoint went on while it was reconciled: a query runs on it', options.group, entry)
  }
  await record(resuming)
  const custody = await identified(checkpoint, store).load(options.group)
  return custody.flatMap((one) => {
    const position = positionOf(one)
    return position === undefined ? [] : [{ topic: one.topic, partition: one.partition, position }]
  })
}

/** What the policy says about the checkpoint's offsets as they are now. Nothing is written. */
export async function planFor({ log, store, checkpoint, options }: Resuming): Promise<Plan> {
  const policy = toPolicy(options.policy)
  const seen = identified(checkpoint, store)
  const findings = await examinePartitions(log, seen, await seen.load(options.group), options)
  return planRepair(await withTimes(log, options.group, findings, policy), policy, contextOf(options))
}

/** @throws TidemarkError CHECKPOINT_…: why a checkpoint that has to be moved can't be */
function assertMovable({ group, entries }: Plan): void {
  const entry = entries.find(({ immovable }) => immovable !== undefined)
  if (entry?.immovable === undefined) return
  const { topic, partition, verdict, evidence } = entry
  const { code, reason, hint } = entry.immovable
  throw new TidemarkError(code, `${verdict}: ${evidence.join('; ')}; and it can't be moved: ${reason}`, { group, topic, partition, hint })
}

/** The plan, once the facts of all partitions are known. */
async function settledPlan(resuming: Resuming, voice: Voice): Promise<Plan> {
  const { clock, signal } = resuming.options
  for (;;) {
    signal.throwIfAborted()
    const plan = await patiently('Kafka, the checkpoint and the store', resuming.options, () => planFor(resuming))
    const waiting = plan.entries.filter(({ outcome }) => outcome === 'wait')
    if (waiting.length === 0) return plan
    voice.waiting(waiting.map(({ topic, partition, evidence }) => ({ topic, partition, reason: evidence.join('; ') })))
    await clock.sleep(ASK_EVERY_MS, signal)
  }
}

/** The store's ledger tells of every move of the checkpoint: those rows that it lacks go in, with the offset that they led to. */
async function record({ store, checkpoint, options }: Resuming): Promise<void> {
  const { group, newId } = options
  const [made, told] = await Promise.all([checkpoint.ledger({ group }), store.ledger({ group })])
  const known = new Set(told.map(nameOf))
  const rows = Map.groupBy(
    made.filter((row) => !known.has(nameOf(row))),
    keyOf,
  )
  const places = [...rows.values()].flatMap(([row]) => (row === undefined ? [] : [{ topic: row.topic, partition: row.partition }]))
  if (places.length === 0) return
  const [moved, stored] = await Promise.all([checkpoint.load(group, places), store.load(group, places)])
  const writes = stored.map((custody, index) => {
    const { topic, partition, revision, ownerEpoch } = custody
    const position = moved.map(positionOf)[index] ?? positionOf(custody)
    return { topic, partition, expected: revision, position, ownerEpoch, saveId: newId(), ledger: rows.get(keyOf(custody)) ?? [] }
  })
  const results = await patiently('the store', options, () => store.save(group, writes))
  const refused = places.find((_, index) => results[index]?.status !== 'saved')
  if (refused !== undefined) throw changed('somebody moved the offset in the store while it was set to the checkpoint', group, refused)
}

/** Rows have no name of their own: what moved, when and how far. */
function nameOf({ at, topic, partition, from, to }: LedgerRow): string {
  return `${at} ${topic} ${partition} ${from} ${to}`
}

function changed(what: string, group: string, { topic, partition }: TopicPartition | PlanEntry): TidemarkError {
  return new TidemarkError('OFFSET_CHANGED', what, { group, topic, partition, hint: 'Stop whoever does it, then run the command again' })
}
