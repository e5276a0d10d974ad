import { isBelow, spanText } from '../core/margin.ts'
import { keyOf } from '../core/position.ts'
import { isFinding } from '../core/verdict.ts'
import type { VerdictName } from '../core/verdict.ts'
import { subjectOf } from './round.ts'
import type { Failure, Round, Source, WatchedRow } from './round.ts'

/** Of what something is told: a partition, or the group, store or cluster whose partitions could not be looked at; null where it is of all there are. */
export interface Place {
  /** Names it: the same over all that is told of it. */
  readonly subject: string
  readonly cluster: string
  readonly store: string | null
  readonly group: string | null
  readonly topic: string | null
  readonly partition: number | null
}

/** A verdict, or that an offset lies in its log, and retention is nearer than was wished for. */
export type Told = VerdictName | 'low-margin'

/** What one round says of a place. */
export interface Observation {
  readonly place: Place
  /** null: nothing is there any more. */
  readonly verdict: Told | null
  readonly evidence: readonly string[]
  readonly row?: WatchedRow | undefined
}

/** All that one round says. */
export interface Sight {
  readonly observed: ReadonlyMap<string, Observation>
  /** Whether the round says nothing of a place because it could not look there. */
  readonly isHidden: (place: Place) => boolean
}

/** By subject, what was told of it. */
type OpenPlaces = ReadonlyMap<string, { readonly open?: { readonly verdict: Told } | undefined }>

const CHECKED = ['it could be checked']

/**
 * What a round says of each place; of partitions only those that are not well, or that something was told of. Where a store is away that is said of the
 * store and not of its groups; where all of a cluster is, of the cluster.
 */
export function observe(round: Round, tracked: OpenPlaces, warnMarginMs: number | undefined): Sight {
  const sight = new Looking()
  lookAtWhole(round, sight)
  lookAtGroups(round, sight)
  for (const row of round.rows) {
    const verdict = toldOf(row, warnMarginMs)
    if (tracked.size === 0 && !isTold(verdict)) continue
    const place = placeOf(row, row.group, row)
    const isMarginOpen = row.margin?.notBeforeMs === null && tracked.get(place.subject)?.open?.verdict === 'low-margin'
    if (verdict === 'unknown' || (verdict === 'valid' && isMarginOpen)) sight.hide(place)
    else sight.put(place, verdict, verdict === 'low-margin' ? marginEvidence(row) : row.evidence, row)
  }
  return sight
}

/** Whether something is to be told of. */
export function isTold(verdict: Told): boolean {
  return verdict === 'unknown' || verdict === 'low-margin' || isFinding(verdict)
}

function toldOf({ verdict, margin }: WatchedRow, warnMarginMs: number | undefined): Told {
  if (isTold(verdict) || margin === null || warnMarginMs === undefined) return verdict
  return isBelow(margin, warnMarginMs) ? 'low-margin' : verdict
}

function marginEvidence({ margin }: WatchedRow): string[] {
  const { notBeforeMs = null, evidence = [] } = margin ?? {}
  const when =
    notBeforeMs === 0 ? 'at any moment' : `not before ${typeof notBeforeMs === 'number' ? spanText(notBeforeMs) : 'an unknown time'}`
  return [`retention can pass the offset ${when}`, ...evidence]
}

class Looking implements Sight {
  readonly observed = new Map<string, Observation>()
  readonly #hidden = new Set<string>()

  /** Nothing is said of what is hidden. */
  put(place: Place, verdict: Told, evidence: readonly string[], row?: WatchedRow): void {
    if (!this.isHidden(place)) this.observed.set(place.subject, { place, verdict, evidence, row })
  }

  /** The round could not look there. With evidence that is said of it. */
  hide(place: Place, evidence?: readonly string[]): void {
    if (evidence !== undefined) this.put(place, 'unknown', evidence)
    this.#hidden.add(place.subject)
  }

  isHidden = ({ subject, cluster, store, group }: Place): boolean => {
    if (this.#hidden.size === 0) return false
    if (this.#hidden.has(subject) || this.#hidden.has(clusterOf(cluster).subject)) return true
    return store !== null && (this.#hidden.has(subjectOf({ cluster, store })) || this.#hidden.has(subjectOf({ cluster, store }, group)))
  }
}

function lookAtWhole({ rows, failures, sources }: Round, sight: Looking): void {
  for (const cluster of new Set(sources.map((source) => source.cluster))) {
    const unknown = allUnknown(rows.filter((row) => row.cluster === cluster))
    if (unknown === undefined) sight.put(clusterOf(cluster), 'valid', CHECKED)
    else sight.hide(clusterOf(cluster), unknown)
  }
  for (const source of sources) sight.put(placeOf(source), 'valid', CHECKED)
  for (const failure of failures) if (failure.group === null) sight.hide(placeOf(failure), reasonOf(failure))
}

function lookAtGroups({ rows, failures, groups }: Round, sight: Looking): void {
  for (const group of groups) sight.put(placeOf(group, group.group), 'valid', CHECKED)
  const unknown = rows.filter(({ verdict }) => verdict === 'unknown')
  for (const some of Map.groupBy(unknown, (row) => subjectOf(row, row.group)).values()) {
    const first = some[0] as WatchedRow
    sight.put(placeOf(first, first.group), 'unknown', evidenceOf(some))
  }
  for (const failure of failures) if (failure.group !== null) sight.hide(placeOf(failure, failure.group), reasonOf(failure))
}

function reasonOf({ code, message }: Failure): string[] {
  return [`${code}: ${message}`]
}

/** Why, where nothing could be determined of a cluster that several groups read. */
function allUnknown(rows: readonly WatchedRow[]): string[] | undefined {
  const groups = new Set(rows.map((row) => subjectOf(row, row.group))).size
  if (groups < 2 || rows.some(({ verdict }) => verdict !== 'unknown')) return undefined
  return [`of ${groups} groups nothing could be determined`, ...evidenceOf(rows).slice(1)]
}

function evidenceOf(unknown: readonly WatchedRow[]): string[] {
  const first = unknown[0] as WatchedRow
  return [`partitions that could not be determined: ${unknown.length}`, `${keyOf(first)}: ${first.evidence.join('; ')}`]
}

function clusterOf(cluster: string): Place {
  return { subject: encodeURIComponent(cluster), cluster, store: null, group: null, topic: null, partition: null }
}

function placeOf(source: Source, group: string | null = null, at?: { readonly topic: string; readonly partition: number }): Place {
  const { cluster, store } = source
  const { topic = null, partition = null } = at ?? {}
  return { subject: subjectOf(source, group, at), cluster, store, group, topic, partition }
}
