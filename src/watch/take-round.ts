import type { Clock } from '../clock.ts'
import { keyOf } from '../core/position.ts'
import type { VerdictName } from '../core/verdict.ts'
import { asTidemarkError, TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import { checkEach } from '../verbs/check-each.ts'
import type { Checkable } from '../verbs/check-each.ts'
import type { CheckRow } from '../verbs/check.ts'
import { marginsOf } from '../verbs/margin.ts'
import type { Store } from '../store/store.ts'
import { subjectOf } from './round.ts'
import type { Failure, Round, Source, WatchedCluster, WatchedGroup, WatchedRow } from './round.ts'
import { Seen } from './seen.ts'
import type { WatchedSource, WatchedStore } from './sources.ts'

export interface RoundOptions {
  readonly clock: Clock
  /** As for check. */
  readonly clockSkewMs?: number | undefined
  readonly secondLookMs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Takes the secrets out of a message. */
  readonly hide: (text: string) => string
}

/** How long groups whose store has answered wait for those of slower stores before their cluster is asked, ms. */
const PATIENCE_MS = 1_000

/** Part of a round: that of one cluster. */
type Part = Pick<Round, 'groups' | 'rows' | 'failures' | 'ledgerFailures'> & { readonly cluster: WatchedCluster }

/** What was known of each group, by its subject. */
type Known = ReadonlyMap<string, readonly WatchedRow[]>

/** One store in one round: the groups to check, or why it could not say which; and what nobody waits for before they are checked. */
interface Survey {
  readonly source: Source
  readonly wanted: readonly Wanted[]
  readonly failure?: Failure | undefined
  /** Why its ledger could not be read, if so. */
  readonly ledgerFailure?: Promise<Failure | undefined> | undefined
  readonly members?: Promise<ReadonlyMap<string, number> | undefined> | undefined
}

/** A group to be checked, and where it is. */
interface Wanted {
  readonly group: WatchedGroup
  readonly checkable: Checkable
}

/**
 * Takes rounds: each looks at every group of every store once. The groups of one cluster share its facts, so that a round costs O(brokers) requests to
 * each cluster and one load for each group. Whoever is away or refuses makes its own groups `unknown`, and no others.
 */
export class RoundTaker {
  readonly #sources: readonly WatchedSource[]
  readonly #options: RoundOptions
  /** Of groups that are named; those that a store lists come and go. */
  readonly #seen = new Map<string, Seen>()
  #last: readonly WatchedRow[] = []

  constructor(sources: readonly WatchedSource[], options: RoundOptions) {
    this.#sources = sources
    this.#options = options
  }

  /** @throws the signal's reason */
  async take(): Promise<Round> {
    const { clock, signal } = this.#options
    const at = clock.now()
    const started = performance.now()
    const known = Map.groupBy(this.#last, (row) => subjectOf(row, row.group))
    const parts = await Promise.all(this.#sources.map((source) => this.#takePart(source, known)))
    signal?.throwIfAborted()
    this.#last = parts.flatMap(({ rows }) => rows)
    return {
      at,
      durationMs: performance.now() - started,
      sources: this.#sources.flatMap(({ config, stores }) => stores.map((store) => ({ cluster: config.name, store: store.config.name }))),
      clusters: parts.map(({ cluster }) => cluster),
      groups: parts.flatMap(({ groups }) => groups),
      rows: this.#last,
      failures: parts.flatMap(({ failures }) => failures),
      ledgerFailures: parts.flatMap(({ ledgerFailures }) => ledgerFailures),
      losses: this.#sources.flatMap(({ stores }) => stores.flatMap(({ totals }) => totals.losses)),
    }
  }

  async #takePart({ log, config, stores }: WatchedSource, known: Known): Promise<Part> {
    const { clock, signal } = this.#options
    const surveys = await Promise.all(stores.map((store) => this.#survey(config.name, store, known)))
    const wanted = surveys.flatMap((survey) => survey.wanted)
    const checked = await checkEach(
      log,
      wanted.map(({ checkable }) => checkable),
      { patienceMs: PATIENCE_MS },
    )
    const { rows, failures } = this.#gather(surveys, checked, known)
    const [margins, cluster] = await Promise.all([
      marginsOf(log, rows, { now: clock.now(), signal }),
      describe(config.name, log, rows, signal),
    ])
    return {
      cluster,
      groups: (await Promise.all(surveys.map(withMembers))).flat(),
      rows: rows.map((row, index): WatchedRow => ({ ...row, margin: margins[index] ?? null })),
      failures,
      ledgerFailures: (await Promise.all(surveys.map(async ({ ledgerFailure }) => ledgerFailure))).filter((one) => one !== undefined),
    }
  }

  async #survey(cluster: string, store: WatchedStore, known: Known): Promise<Survey> {
    const source: Source = { cluster, store: store.config.name }
    const fail = (error: unknown): Failure => this.#failureOf(source, null, error)
    let besides: Pick<Survey, 'ledgerFailure' | 'members'> = {}
    try {
      const opened = await store.open()
      besides = { ledgerFailure: store.totals.update(opened).then(() => undefined, fail), members: opened.countMembers().catch(notKnown) }
      const names = store.config.groups === 'all' ? await listed(opened, groupsIn(known, source)) : store.config.groups
      return { source, wanted: names.map((group) => this.#wanted({ ...source, group }, store, opened, known)), ...besides }
    } catch (error) {
      return { source, wanted: [], failure: fail(error), ...besides }
    }
  }

  #wanted(group: WatchedGroup, { config }: WatchedStore, opened: Store, known: Known): Wanted {
    const { clock, signal, clockSkewMs, secondLookMs } = this.#options
    const subject = subjectOf(group, group.group)
    const before = new Map((known.get(subject) ?? []).map((row): [string, VerdictName] => [keyOf(row), row.verdict]))
    const store = config.groups === 'all' ? opened : this.#seenOf(subject).loading(opened)
    return { group, checkable: { store, group: group.group, topics: config.topics, before, clock, signal, clockSkewMs, secondLookMs } }
  }

  /** Rows and failures of one cluster. Of whatever could not be looked at, what was known before is shown as unknown. */
  #gather(surveys: readonly Survey[], checked: readonly (readonly CheckRow[] | TidemarkError)[], known: Known): Found {
    const rows: Bare[] = []
    const failures = new Map<string, Failure>()
    const fail = (failure: Failure, groups: readonly string[]): void => {
      failures.set(subjectOf(failure, failure.group), failure)
      const stale = groups.flatMap((group) => known.get(subjectOf(failure, group)) ?? [])
      for (const row of stale) rows.push(asUnknown(row, failure))
    }
    let next = 0
    for (const { source, wanted, failure } of surveys) {
      if (failure !== undefined) fail(failure, groupsIn(known, source))
      for (const { group } of wanted) {
        const found = checked[next++] ?? []
        if (!(found instanceof TidemarkError)) for (const row of found) rows.push({ cluster: group.cluster, store: group.store, ...row })
        // One failure stands for all groups of a store that is away.
        else fail(this.#failureOf(source, found.code === 'STORE_UNREACHABLE' ? null : group.group, found), [group.group])
      }
    }
    return { rows, failures: [...failures.values()] }
  }

  #seenOf(subject: string): Seen {
    const seen = this.#seen.get(subject) ?? new Seen()
    this.#seen.set(subject, seen)
    return seen
  }

  #failureOf({ cluster, store }: Source, group: string | null, error: unknown): Failure {
    const { code, what } = asTidemarkError(error)
    return { cluster, store, group, code, message: this.#options.hide(what) }
  }
}

type Bare = Omit<WatchedRow, 'margin'>

interface Found {
  readonly rows: readonly Bare[]
  readonly failures: readonly Failure[]
}

/** A broker that has lost touch, or reads its groups in again, leaves groups out of its list: whether they are gone is for their coordinator to say. */
async function listed(store: Store, known: readonly string[]): Promise<string[]> {
  return [...new Set([...(await store.groups()), ...known])]
}

async function withMembers({ wanted, members }: Survey): Promise<WatchedGroup[]> {
  const counts = await members
  return wanted.map(({ group }) => ({ ...group, members: counts?.get(group.group) }))
}

function groupsIn(known: Known, source: Source): string[] {
  return [...known.values()].flatMap(([row]) => (row !== undefined && subjectOf(row) === subjectOf(source) ? [row.group] : []))
}

function asUnknown({ cluster, store, group, topic, partition }: WatchedRow, { code, message }: Failure): Bare {
  const nothing = { committedOffset: null, logStartOffset: null, logEndOffset: null, lag: null }
  return { cluster, store, group, topic, partition, ...nothing, verdict: 'unknown', evidence: [`${code}: ${message}`] }
}

/** What the metrics tell of a cluster besides; a cluster that is away tells nothing. */
async function describe(cluster: string, log: Log, rows: readonly Bare[], signal: AbortSignal | undefined): Promise<WatchedCluster> {
  const names = [...new Set(rows.map(({ topic }) => topic))]
  const [brokers, topics] = await Promise.all([log.brokerIds?.({ signal }).catch(notKnown), log.topics(names, { signal }).catch(notKnown)])
  const known = (topics ?? []).flatMap((one) => (one.state === 'known' ? [[one.topic, one.partitions.length] as const] : []))
  return { cluster, brokers: brokers?.length, topics: new Map(known) }
}

function notKnown(error: unknown): undefined {
  if (!(error instanceof TidemarkError)) throw error
}
