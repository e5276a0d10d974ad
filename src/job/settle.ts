import type { Custody } from '../core/custody.ts'
import { positionOf } from '../core/custody.ts'
import type { Finding, Plan, PlanEntry } from '../core/plan.ts'
import { planRepair } from '../core/plan.ts'
import { toPolicy } from '../core/policy.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import type { VerdictName } from '../core/verdict.ts'
import { TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import type { Write } from '../store/driver.ts'
import type { Store } from '../store/store.ts'
import { examinePartitions } from '../verbs/examine.ts'
import { assertWithinLimits, contextOf, withTimes, writeOf } from '../verbs/reconcile.ts'
import type { ReconcileOptions } from '../verbs/reconcile.ts'
import type { Holding } from './holding.ts'
import type { JobOptions } from './options.ts'

/** What became of the partitions that were to be settled. */
export interface Settled {
  /** Owned, reconciled, and ready to be read. */
  readonly held: readonly HeldPartition[]
  /** Not decidable now, or somebody else wrote at the same moment: to be settled again later. */
  readonly waiting: ReadonlyArray<{ readonly partition: TopicPartition; readonly reason: string }>
  /** Left alone by the policy: topics that are gone. */
  readonly kept: readonly PlanEntry[]
  /** Taken by another worker. */
  readonly lost: ReadonlyArray<{ readonly partition: TopicPartition; readonly owner: string }>
}

export interface HeldPartition {
  readonly holding: Holding
  readonly entry: PlanEntry
  /** Where a reader stops that goes until the end seen now. */
  readonly endOffset: number
}

/** Who settles: the worker's own name and the partitions that it owns already. */
export interface Settler {
  readonly log: Log
  readonly store: Pick<Store, 'load' | 'save'>
  readonly options: ReconcileOptions & Pick<JobOptions, 'newId'>
  readonly owner: string
  readonly owned: ReadonlyMap<string, Holding>
}

/**
 * Reconciles partitions and takes those that are not owned yet, each in one write: the repair that the policy says, its
 * ledger row and the raised owner epoch together.
 * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED: before anything is written, so that a running worker is not disturbed.
 */
export async function settle(settler: Settler, partitions: readonly TopicPartition[]): Promise<Settled> {
  const { log, store, options, owner } = settler
  const custody = await store.load(options.group, partitions)
  const policy = toPolicy(options.policy)
  const findings = await withTimes(
    log,
    options.group,
    await examinePartitions(log, store, custody, { ...options, lastStableOffset: true }),
    policy,
  )
  const [ours, lost] = withoutLost(findings, settler)
  const plan = planRepair(ours, policy, contextOf({ ...options, actor: options.actor ?? owner }))
  assertRunnable(plan)
  const byKey = new Map(ours.map((finding) => [keyOf(finding.custody), finding]))
  const taken = await take(
    settler,
    plan.entries.filter(({ outcome }) => outcome === 'none' || outcome === 'move'),
    byKey,
  )
  return {
    held: taken.held,
    waiting: [
      ...taken.waiting,
      ...plan.entries
        .filter(({ outcome }) => outcome === 'wait')
        .map((entry) => ({ partition: place(entry), reason: entry.evidence.join('; ') })),
    ],
    kept: plan.entries.filter(({ outcome }) => outcome === 'keep'),
    lost: lost.map((finding) => ({ partition: place(finding.custody), owner: finding.custody.owner ?? 'another worker' })),
  }
}

/** What to do about a verdict that neither a policy nor a reset can touch. */
const NEXT: Partial<Record<VerdictName, string>> = {
  foreign: 'Is this the right cluster? If it is, give the job a group of its own here: nothing moves the offset of another cluster',
}

/** @throws TidemarkError POLICY_FAIL for the first entry that a job can't start on, LIMIT_EXCEEDED. */
export function assertRunnable(plan: Plan): void {
  const bad = plan.entries.filter(({ outcome, verdict }) => outcome === 'fail' || (outcome === 'keep' && verdict !== 'orphaned'))
  const [first] = bad
  if (first !== undefined) {
    const others = bad.length === 1 ? '' : ` (and ${bad.length - 1} more partitions)`
    throw new TidemarkError(
      'POLICY_FAIL',
      `${first.verdict}, and the policy says ${first.action}: ${[...first.evidence, first.note].filter(Boolean).join('; ')}${others}`,
      {
        group: plan.group,
        topic: first.topic,
        partition: first.partition,
        hint: `What is stored was left as it is. ${NEXT[first.verdict] ?? 'See it with explain; then repair with a policy that names it, or reset'}`,
      },
    )
  }
  assertWithinLimits(plan)
}

/** A partition that we own by a lower epoch than is stored was taken by somebody else; so was one of our epoch in another's name, after all that was stored of it had been removed. */
function withoutLost(findings: readonly Finding[], { owned, owner }: Settler): [ours: Finding[], lost: Finding[]] {
  const isLost = ({ custody }: Finding): boolean => {
    const ours = owned.get(keyOf(custody))?.ownerEpoch ?? Number.POSITIVE_INFINITY
    return custody.ownerEpoch > ours || (custody.ownerEpoch === ours && (custody.owner ?? owner) !== owner)
  }
  return [findings.filter((finding) => !isLost(finding)), findings.filter(isLost)]
}

async function take(
  settler: Settler,
  entries: readonly PlanEntry[],
  findings: ReadonlyMap<string, Finding>,
): Promise<Pick<Settled, 'held' | 'waiting'>> {
  const held: HeldPartition[] = []
  const waiting: Settled['waiting'][number][] = []
  const pairs = entries.map((entry) => ({
    entry,
    finding: findings.get(keyOf(entry)) as Finding,
    write: takeWrite(settler, entry, findings.get(keyOf(entry)) as Finding),
  }))
  const results = await settler.store.save(
    settler.options.group,
    pairs.map(({ write }) => write),
  )
  for (const [index, { entry, finding, write }] of pairs.entries()) {
    const result = results[index]
    if (result?.status === 'saved') held.push(hold(entry, finding, write, result.revision))
    else waiting.push({ partition: place(entry), reason: 'somebody else wrote it at the same moment' })
  }
  return { held, waiting }
}

/** Takes, repairs or both; a partition that is ours already keeps its epoch. A planned range survives only where the offset does. */
function takeWrite({ owned, owner, options: { newId } }: Settler, entry: PlanEntry, { custody }: Finding): Write {
  const ownerEpoch = owned.get(keyOf(custody))?.ownerEpoch ?? custody.ownerEpoch + 1
  if (entry.move !== undefined) return writeOf(entry, { ownerEpoch, owner, expected: custody.revision })
  const { topic, partition, revision, planned } = custody
  return { topic, partition, expected: revision, planned, ownerEpoch, owner, saveId: newId(), ledger: [] }
}

function hold(entry: PlanEntry, { custody, facts }: Finding, write: Write, revision: string): HeldPartition {
  const position = write.position ?? positionOf(custody)
  if (facts.state !== 'known' || position === undefined)
    throw new TidemarkError('INTERNAL', `${keyOf(entry)} was taken without facts or an offset`)
  const { topicId, clusterId, leaderEpoch, lastStableOffset, logEndOffset } = facts
  const planned = runnablePlan(custody, write, position.offset, logEndOffset)
  return {
    holding: { ...place(entry), topicId, clusterId, leaderEpoch, ownerEpoch: write.ownerEpoch, position, revision, planned },
    entry,
    endOffset: lastStableOffset ?? logEndOffset,
  }
}

/** A planned range is run again only if it starts where we stand and the log still reaches its end. */
function runnablePlan(custody: Custody, write: Write, offset: number, logEndOffset: number): Custody['planned'] {
  const planned = write.position === undefined ? custody.planned : undefined
  return planned !== undefined && planned.fromOffset === offset && planned.untilOffset <= logEndOffset ? planned : undefined
}

function place({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
