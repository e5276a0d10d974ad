import { hostname, userInfo } from 'node:os'
import { systemClock } from '../clock.ts'
import { positionOf } from '../core/custody.ts'
import type { Finding, Plan, PlanContext, PlanEntry } from '../core/plan.ts'
import { planRepair } from '../core/plan.ts'
import { toPolicy } from '../core/policy.ts'
import type { Policy, PolicyInput } from '../core/policy.ts'
import { keyOf } from '../core/position.ts'
import { asTidemarkError, TidemarkError } from '../errors.ts'
import type { Log, TimeQuestion } from '../kafka/log.ts'
import type { Write, WriteResult } from '../store/driver.ts'
import { printMember } from '../store/membership.ts'
import type { Store } from '../store/store.ts'
import { withAdoption } from './adopt.ts'
import { examine } from './examine.ts'
import type { ExamineOptions } from './examine.ts'

export interface ReconcileOptions extends ExamineOptions {
  /** From verdict to action; what is not named keeps its default. */
  readonly policy?: PolicyInput | undefined
  /** Give valid numbers without identity the one that the log has now. */
  readonly adopt?: boolean | undefined
  /** Who moves, for the ledger. Default: user@host. */
  readonly actor?: string | undefined
  /** Makes the IDs of workers and saves. Default: random UUIDs; a simulation makes them from its seed. */
  readonly newId?: (() => string) | undefined
}

/** Examines a group and plans what the policy says about what was found. Nothing is written. */
export async function reconcile(log: Log, store: Store, options: ReconcileOptions): Promise<Plan> {
  const policy = toPolicy(options.policy)
  const findings = await examine(log, store, options)
  const context = contextOf(options)
  const plan = planRepair(await withTimes(log, options.group, findings, policy), policy, context)
  return options.adopt === true ? withAdoption(log, plan, findings, context) : plan
}

/** What became of one entry of a plan. */
export interface Applied {
  readonly entry: PlanEntry
  /** `moved` and `adopted`: done, or done before by the same plan; `changed` and `fenced`: somebody else was there first, nothing was written; `untouched`: the plan moves nothing here. */
  readonly status: 'moved' | 'adopted' | 'changed' | 'fenced' | 'untouched'
}

/**
 * Applies a plan: each move on its own, by compare-and-set against what was judged. Applying it twice is applying it once.
 * @throws TidemarkError LIMIT_EXCEEDED where the plan is beyond its limits, GROUP_ACTIVE where the group has live members; nothing was written then.
 */
export async function apply(plan: Plan, store: Store): Promise<Applied[]> {
  assertWithinLimits(plan)
  const writes = plan.entries.flatMap((entry) => (entry.move === undefined ? [] : [writeOf(entry)]))
  if (writes.length === 0) return plan.entries.map((entry) => ({ entry, status: 'untouched' }))
  await assertInactive(store, plan.group)
  const results = new Map<string, WriteResult>()
  for (const [index, result] of (await store.save(plan.group, writes)).entries()) results.set(keyOf(writes[index] as Write), result)
  return plan.entries.map((entry) => {
    const result = entry.move === undefined ? undefined : results.get(keyOf(entry))
    if (result === undefined) return { entry, status: 'untouched' }
    const done = entry.outcome === 'adopt' ? 'adopted' : 'moved'
    return { entry, status: result.status === 'saved' ? done : result.status }
  })
}

/** The write that carries out a move; a worker names its own owner epoch. */
export function writeOf(entry: PlanEntry, owner?: { ownerEpoch: number; owner: string; expected: string }): Write {
  const move = entry.move
  if (move === undefined) throw new TidemarkError('INTERNAL', 'an entry without a move has no write')
  return {
    topic: entry.topic,
    partition: entry.partition,
    expected: owner?.expected ?? move.expected,
    position: move.position,
    adopts: entry.outcome === 'adopt' ? true : undefined,
    planned: move.planned,
    ownerEpoch: owner?.ownerEpoch ?? move.ownerEpoch,
    owner: owner?.owner,
    saveId: move.saveId,
    ledger: [move.ledger],
  }
}

/** @throws TidemarkError LIMIT_EXCEEDED */
export function assertWithinLimits(plan: Plan): void {
  if (plan.exceeds === undefined) return
  const { limit, allowed, planned } = plan.exceeds
  const what = limit === 'maxSkip' ? 'skips' : 'reads again'
  throw new TidemarkError('LIMIT_EXCEEDED', `the plan ${what} at most ${planned} records, and ${limit} allows ${allowed}`, {
    group: plan.group,
    hint: 'Nothing was written. Look at the plan, then raise the limit or choose another policy',
  })
}

/** Offsets at the stored times, for those findings whose action is `time`. */
export async function withTimes(log: Log, group: string, findings: readonly Finding[], policy: Policy): Promise<Finding[]> {
  const timestamps = findings.map(({ custody, verdict }) => {
    const position = policy.actions[verdict.verdict] === 'time' ? positionOf(custody) : undefined
    return position?.recordTime ?? position?.commitTime
  })
  return atTimes(log, group, findings, timestamps)
}

/** The findings with the offset at each one's timestamp, where it has one and it could be had. */
export async function atTimes(
  log: Log,
  group: string,
  findings: readonly Finding[],
  timestamps: ReadonlyArray<number | undefined>,
): Promise<Finding[]> {
  const questions = findings.flatMap(({ custody: { topic, partition } }, index): TimeQuestion[] => {
    const timestamp = timestamps[index]
    return timestamp === undefined ? [] : [{ topic, partition, timestamp }]
  })
  if (questions.length === 0) return [...findings]
  const found = await log.offsetsAt(questions).catch((error: unknown) => {
    throw asTidemarkError(error, 'INTERNAL', { group })
  })
  const answers = new Map(found.map((answer) => [keyOf(answer), answer]))
  return findings.map((finding) => {
    const answer = answers.get(keyOf(finding.custody))
    return answer?.state === 'known' ? { ...finding, offsetAtTime: answer.offset } : finding
  })
}

/** Who plans, and when. */
export function contextOf({
  group,
  clock = systemClock,
  actor = defaultActor(),
  newId = () => crypto.randomUUID(),
}: ReconcileOptions): PlanContext {
  return { group, now: clock.now(), actor, newId }
}

/** `user@host`, as the ledger names people. */
function defaultActor(): string {
  return `${userName()}@${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown') // a container's user without an entry in /etc/passwd
  }
}

async function assertInactive(store: Store, group: string): Promise<void> {
  const members = await store.members(group)
  if (members.length === 0) return
  const names = members.map(printMember).join(', ')
  throw new TidemarkError('GROUP_ACTIVE', `the group has live members: ${names}`, {
    group,
    hint: 'Nothing was written. Stop them first; a killed one is gone some seconds later, a static one after its session time-out',
  })
}
