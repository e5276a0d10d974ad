import { once } from 'node:events'
import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { Alerts, asJson } from '../watch/alerts.ts'
import { compare, openAlerts, withOpen } from '../watch/changes.ts'
import type { Watchfulness } from '../watch/changes.ts'
import type { WatchConfig } from '../watch/config.ts'
import { printMetrics } from '../watch/metrics.ts'
import { countVerdicts, subjectOf } from '../watch/round.ts'
import type { Failure, Round } from '../watch/round.ts'
import { serve } from '../watch/server.ts'
import type { Health, MetricsServer } from '../watch/server.ts'
import { closeSources, openSources } from '../watch/sources.ts'
import { readState, writeState } from '../watch/state.ts'
import { RoundTaker } from '../watch/take-round.ts'

export interface WatchOptions {
  /** How long cluster and store may take to answer, ms. Default: a third of the interval, from 5,000 to 30,000. */
  readonly timeoutMs?: number | undefined
  /** The SQLite file of ledgers, where the configuration names none. */
  readonly ledger?: string | undefined
  /** As for check, ms. */
  readonly clockSkewMs?: number | undefined
  readonly secondLookMs?: number | undefined
  /** Ends the watch; a round in hand is given up. */
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
  /** The version that the metrics tell. */
  readonly version: string
  /** Takes each event: one JSON object, docs/watch.md has its fields. */
  readonly onEvent: (event: object) => void
  /** Takes what people should know. */
  readonly say: (line: string) => void
  /** Takes the secrets out of a message. */
  readonly hide: (text: string) => string
}

/** The version of the events. */
const VERSION = 1
const [SHORTEST_TIMEOUT_MS, LONGEST_TIMEOUT_MS] = [5_000, 30_000]
/** Rounds that don't come to their end for so many intervals are stuck. */
const PATIENT_INTERVALS = 3

/** Looks once at everything that is named. @throws TidemarkError as openSources does */
export async function watchOnce(config: WatchConfig, options: Omit<WatchOptions, 'onEvent' | 'say' | 'version'>): Promise<Round> {
  const sources = await openSources(config.clusters, { timeoutMs: timeoutOf(config, options), ledger: options.ledger })
  try {
    return await new RoundTaker(sources, { ...options, clock: options.clock ?? systemClock }).take()
  } finally {
    await closeSources(sources)
  }
}

/**
 * Looks at everything that is named, round after round, until it is told to end: serves what it finds as metrics, and tells of verdicts that change.
 * Nothing is written but the state file. A round that takes longer than the interval is followed by the next at once; no two overlap.
 * @throws TidemarkError WATCH_CONFIG, USAGE
 */
export async function watch(config: WatchConfig, options: WatchOptions): Promise<void> {
  const { clock = systemClock, signal } = options
  const known = config.stateFile === undefined ? [] : await readState(config.stateFile)
  const sources = await openSources(config.clusters, { timeoutMs: timeoutOf(config, options), ledger: options.ledger })
  const taker = new RoundTaker(sources, { ...options, clock })
  try {
    await using alerts = new Alerts(config.receivers, options.say)
    const watching = new Watching(config, options, alerts, withOpen(known))
    await using server = await watching.serve()
    if (server !== undefined) options.say(`metrics are at http://${printHost(server.address.host)}:${server.address.port}/metrics`)
    for (const isOver = (): boolean => signal?.aborted === true; !isOver();) {
      const started = clock.now()
      const round = await unlessAborted(taker.take(), signal)
      if (round === undefined) break
      await watching.note(round)
      await clock.sleep(Math.max(0, started + config.intervalMs - clock.now()), signal)
    }
  } finally {
    await closeSources(sources)
  }
}

/** undefined once the signal is aborted: whoever is asked then may take all the time that a store or a broker has. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return work
  const over = new AbortController()
  const aborted = once(signal, 'abort', { signal: over.signal }).then(
    () => undefined,
    () => undefined,
  )
  try {
    return await Promise.race([work, aborted])
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  } finally {
    over.abort()
  }
}

/** What is known of a watch that goes on. */
class Watching {
  readonly #config: WatchConfig
  readonly #options: WatchOptions
  readonly #alerts: Alerts
  readonly #since = performance.now()
  #state: Watchfulness
  #round: Round | undefined
  #rounds = 0
  #roundEnded: number | undefined
  /** What was said of failures the last time. */
  #said = new Set<string>()

  constructor(config: WatchConfig, options: WatchOptions, alerts: Alerts, state: Watchfulness) {
    this.#config = config
    this.#options = options
    this.#alerts = alerts
    this.#state = state
  }

  async serve(): Promise<MetricsServer | undefined> {
    const { listen } = this.#config
    return listen && serve(listen, { metrics: () => this.#metrics(), health: () => this.#health() })
  }

  async note(round: Round): Promise<void> {
    this.#round = round
    this.#rounds += 1
    this.#roundEnded = performance.now()
    const { after, changes } = compare(this.#state, round, this.#config.warnMarginMs)
    this.#state = after
    this.#sayFailures(round)
    this.#options.onEvent(eventOf(round))
    for (const change of changes) this.#options.onEvent({ version: VERSION, event: 'alert', ...asJson(change) })
    this.#alerts.tell(changes)
    const { stateFile } = this.#config
    if (stateFile === undefined || changes.length === 0) return
    await writeState(stateFile, openAlerts(after)).catch((error: Error) =>
      this.#options.say(`the state could not be kept in ${stateFile}: ${error.message}`),
    )
  }

  #metrics(): string {
    return printMetrics({
      version: this.#options.version,
      round: this.#round,
      rounds: this.#rounds,
      deliveries: this.#alerts.deliveries,
      openAlerts: openAlerts(this.#state).length,
      residentMemory: process.memoryUsage.rss(),
    })
  }

  #health(): Health {
    const patience = PATIENT_INTERVALS * this.#config.intervalMs + LONGEST_TIMEOUT_MS
    return {
      ok: performance.now() - (this.#roundEnded ?? this.#since) < patience,
      lastRound: this.#round === undefined ? null : new Date(this.#round.at).toISOString(),
      rounds: this.#rounds,
    }
  }

  /** Says each failure once, until it is over. */
  #sayFailures({ failures, ledgerFailures }: Round): void {
    const all = [...failures.map((one) => ['', one] as const), ...ledgerFailures.map((one) => ['the ledger of ', one] as const)]
    const said = new Set<string>()
    for (const [what, failure] of all) {
      const key = `${what}${subjectOf(failure, failure.group)} ${failure.code}`
      if (!this.#said.has(key)) this.#options.say(failureLine(what, failure))
      said.add(key)
    }
    this.#said = said
  }
}

function failureLine(what: string, { cluster, store, group, code, message }: Failure): string {
  return `${what}${cluster}/${store}${group === null ? '' : ` group ${group}`} is unknown: ${code}: ${message}`
}

function eventOf({ at, durationMs, groups, rows, failures }: Round): object {
  const counts = { groups: groups.length, partitions: rows.length, verdicts: countVerdicts(rows), failures: failures.length }
  return { version: VERSION, event: 'round', at: new Date(at).toISOString(), seconds: Math.round(durationMs) / 1_000, ...counts }
}

function timeoutOf({ intervalMs }: WatchConfig, { timeoutMs }: Pick<WatchOptions, 'timeoutMs'>): number {
  return timeoutMs ?? Math.max(SHORTEST_TIMEOUT_MS, Math.min(LONGEST_TIMEOUT_MS, Math.floor(intervalMs / 3)))
}

function printHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
