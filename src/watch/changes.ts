import { isTold, observe } from './observe.ts'
import type { Observation, Place, Told } from './observe.ts'
import type { Round } from './round.ts'

/** What is wrong somewhere, from the round in which it was told until it is resolved. Plain data, kept over restarts. */
export interface OpenAlert extends Place {
  readonly verdict: Told
  /** ms since 1970. */
  readonly since: number
}

/** What is told of an alert: that something is wrong now, or no longer. Each is told once. */
export interface Change extends OpenAlert {
  readonly state: 'firing' | 'resolved'
  /** What was told before of the same subject; null: nothing, or that all is well. */
  readonly previous: Told | null
  /** The verdict of this round; null: nothing is stored there any more. */
  readonly now: Told | null
  /** When this was found, ms since 1970. */
  readonly at: number
  /** Why; sentences. */
  readonly evidence: readonly string[]
  readonly committedOffset: number | null
  readonly logStartOffset: number | null
  readonly logEndOffset: number | null
  readonly lag: number | null
}

/** What rounds have shown of one subject that is not simply well. */
export interface Tracked {
  readonly open?: OpenAlert | undefined
  /** Something else than what was told, and in how many rounds in a row. */
  readonly candidate?: { readonly verdict: Told | 'well'; readonly rounds: number } | undefined
}

/** By subject. Holds only what is not simply well, so it is bounded by what is wrong. */
export type Watchfulness = ReadonlyMap<string, Tracked>

/** A finding is told at once: it was seen twice already. Whatever else changes has to be so in so many rounds in a row. */
const ROUNDS_TO_BELIEVE = 2

/**
 * Compares a round with what was told before. A finding fires once, in the round that shows it. What follows it, another finding or none, counts
 * when two rounds in a row show it, so that a partition that flaps is told of once. What could not be determined resolves nothing, and is told of
 * the group, or of the store or cluster that is away, as a whole, when two rounds in a row show it.
 * @param warnMarginMs a margin to retention that is less is told of too
 */
export function compare(
  before: Watchfulness,
  round: Round,
  warnMarginMs?: number,
): { readonly after: Watchfulness; readonly changes: readonly Change[] } {
  const { observed, isHidden } = observe(round, before, warnMarginMs)
  const all = new Map(observed)
  const after = new Map<string, Tracked>()
  const changes: Change[] = []
  for (const [subject, { open }] of before) {
    if (open === undefined || observed.has(subject)) continue
    if (isHidden(open)) after.set(subject, { open })
    else all.set(subject, goneFrom(open))
  }
  for (const [subject, observation] of all) {
    const { tracked, change } = next(before.get(subject), observation, round.at)
    if (tracked !== undefined) after.set(subject, tracked)
    if (change !== undefined) changes.push(change)
  }
  return { after, changes }
}

/** The open alerts of a state, to be kept over a restart. */
export function openAlerts(state: Watchfulness): OpenAlert[] {
  return [...state.values()].flatMap(({ open }) => open ?? [])
}

/** A state in which these alerts are open. */
export function withOpen(alerts: readonly OpenAlert[]): Watchfulness {
  return new Map(alerts.map((open) => [open.subject, { open }]))
}

function goneFrom({ verdict: _verdict, since: _since, ...place }: OpenAlert): Observation {
  return { place, verdict: null, evidence: ['nothing is stored there any more, or it is not watched any more'] }
}

interface Step {
  readonly tracked?: Tracked
  readonly change?: Change
}

function next({ open, candidate }: Tracked = {}, observation: Observation, at: number): Step {
  const seen = observation.verdict === null || !isTold(observation.verdict) ? 'well' : observation.verdict
  const told = open?.verdict ?? 'well'
  if (seen === told) return open === undefined ? {} : { tracked: { open } }
  const rounds = candidate?.verdict === seen ? candidate.rounds + 1 : 1
  const isBelieved = rounds >= ROUNDS_TO_BELIEVE || (open === undefined && seen !== 'unknown')
  if (!isBelieved) return { tracked: { open, candidate: { verdict: seen, rounds } } }
  if (seen === 'well') return open === undefined ? {} : { change: changeOf('resolved', open, observation, open, at) }
  const opened: OpenAlert = { ...observation.place, verdict: seen, since: at }
  return { tracked: { open: opened }, change: changeOf('firing', opened, observation, open, at) }
}

function changeOf(
  state: Change['state'],
  alert: OpenAlert,
  { verdict, evidence, row }: Observation,
  before: OpenAlert | undefined,
  at: number,
): Change {
  return {
    ...alert,
    state,
    previous: before?.verdict ?? null,
    now: verdict,
    at,
    evidence,
    committedOffset: row?.committedOffset ?? null,
    logStartOffset: row?.logStartOffset ?? null,
    logEndOffset: row?.logEndOffset ?? null,
    lag: row?.lag ?? null,
  }
}
