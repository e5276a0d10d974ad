import * as v from 'valibot'
import { parseDuration } from '../durations.ts'
import { TidemarkError } from '../errors.ts'

/** What `watch` watches, and whom it tells. */
export interface WatchConfig {
  /** Where metrics and health are served; undefined: nowhere. */
  readonly listen: Address | undefined
  /** From the start of one round to the start of the next, ms. */
  readonly intervalMs: number
  /** A margin to retention that is less is told of, ms; undefined: none is. */
  readonly warnMarginMs: number | undefined
  /** The file that open alerts are kept in over a restart; undefined: they are forgotten. */
  readonly stateFile: string | undefined
  readonly clusters: readonly ClusterConfig[]
  readonly receivers: readonly ReceiverConfig[]
}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface ClusterConfig {
  readonly name: string
  readonly bootstrapServers: string | undefined
  /** A Java client's properties file. */
  readonly properties: string | undefined
  readonly stores: readonly StoreConfig[]
}

export interface StoreConfig {
  readonly name: string
  readonly url: string
  /** The SQLite file of the ledger, for a store that has no room for one. */
  readonly ledger: string | undefined
  /** Names, or every group that the store has. */
  readonly groups: readonly string[] | 'all'
  /** As `--topic`; undefined: all that a group has stored. */
  readonly topics: readonly string[] | undefined
}

/** Who hears of alerts. */
export type ReceiverConfig = WebhookConfig | CommandConfig

export interface WebhookConfig {
  readonly kind: 'webhook'
  readonly name: string
  /** May hold a user and a password, or a token in its path: it is never shown. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
}

export interface CommandConfig {
  readonly kind: 'command'
  readonly name: string
  /** Run by `/bin/sh -c`. */
  readonly command: string
  readonly timeoutMs: number
}

/** The port of kafka_exporter, whose names the metrics have. */
const DEFAULT_LISTEN = '127.0.0.1:9308'
const DEFAULT_INTERVAL = '30s'
const DEFAULT_TIMEOUT = '10s'
const LONGEST_MS = 2 ** 31 - 1
/** More problems than this are not listed at once. */
const PROBLEMS_SHOWN = 5

const text = v.pipe(v.string('must be text'), v.nonEmpty('is empty'))
const texts = v.pipe(v.array(text, 'must be a list'), v.nonEmpty('is an empty list'))
const span = v.pipe(
  v.string('must be a duration such as "30s"'),
  v.transform((value) => parseDuration(value) ?? 0),
  v.check((ms) => ms >= 1 && ms <= LONGEST_MS, 'must be a duration such as "30s" or "PT5M", more than 0 and at most 24d'),
)
const age = v.pipe(
  v.string('must be a duration such as "6h"'),
  v.transform((value) => parseDuration(value) ?? -1),
  v.check((ms) => ms > 0, 'must be a duration such as "6h" or "P2D", more than 0'),
)
const address = v.pipe(
  v.string('must be "host:port", or false'),
  v.regex(/^(?:\[[^\]]+\]|[^:[\]]*):\d{1,5}$/, 'must be "host:port"'),
  v.transform((value): Address => {
    const colon = value.lastIndexOf(':')
    return { host: value.slice(0, colon).replaceAll(/[[\]]/g, ''), port: Number(value.slice(colon + 1)) }
  }),
  v.check(({ port }) => port < 65_536, 'has a port beyond 65535'),
)

const webhook = v.pipe(
  v.strictObject({
    webhook: v.pipe(text, v.check(isHttp, 'must be a URL of http: or https:')),
    headers: v.optional(v.record(text, v.string('must be text')), {}),
    timeout: v.optional(span, DEFAULT_TIMEOUT),
  }),
  v.transform(({ webhook: url, headers, timeout }) => ({ kind: 'webhook', url, headers, timeoutMs: timeout }) as const),
)
const command = v.pipe(
  v.strictObject({ command: text, timeout: v.optional(span, DEFAULT_TIMEOUT) }),
  v.transform(({ timeout, command: line }) => ({ kind: 'command', command: line, timeoutMs: timeout }) as const),
)

const store = v.pipe(
  v.strictObject({
    store: text,
    ledger: v.optional(text),
    groups: v.optional(texts),
    'all-groups': v.optional(v.literal(true, 'must be true, or left out')),
    topics: v.optional(texts),
  }),
  v.check((one) => (one.groups === undefined) !== (one['all-groups'] === undefined), 'needs either "groups" or "all-groups": true'),
  v.transform(({ store: url, ledger, groups, topics }): Omit<StoreConfig, 'name'> => ({ url, ledger, groups: groups ?? 'all', topics })),
)

const cluster = v.pipe(
  v.strictObject({ 'bootstrap-server': v.optional(text), 'command-config': v.optional(text), stores: named(store) }),
  v.check(
    (one) => one['bootstrap-server'] !== undefined || one['command-config'] !== undefined,
    'needs "bootstrap-server", or a "command-config" that has bootstrap.servers',
  ),
  v.transform((one) => ({ bootstrapServers: one['bootstrap-server'], properties: one['command-config'], stores: one.stores })),
)

const schema = v.strictObject({
  listen: v.optional(v.union([v.literal(false), address], 'must be "host:port", or false'), DEFAULT_LISTEN),
  interval: v.optional(span, DEFAULT_INTERVAL),
  state: v.optional(text),
  'warn-margin': v.optional(age),
  clusters: named(cluster),
  alerts: v.optional(
    v.record(
      text,
      v.union([webhook, command], 'needs either "webhook" with a URL of http: or https:, or "command"; and may have "timeout"'),
    ),
    {},
  ),
})

/** An object whose keys are names, as a list of what it holds; never an empty one. */
function named<Value extends object>(entry: v.GenericSchema<unknown, Value>) {
  return v.pipe(
    v.record(text, entry, 'must be an object of names'),
    v.check((entries) => Object.keys(entries).length > 0, 'is empty'),
    v.transform((entries) => withNames(entries)),
  )
}

function withNames<Value extends object>(entries: Readonly<Record<string, Value>>): (Value & { readonly name: string })[] {
  return Object.entries(entries).map(([name, value]) => ({ ...value, name }))
}

/**
 * Reads the text of a configuration file; docs/watch.md describes it. What is wrong is named by its place, never by its value, which may be a secret.
 * @throws TidemarkError WATCH_CONFIG
 */
export function parseWatchConfig(json: string, file: string): WatchConfig {
  const parsed = v.safeParse(schema, jsonIn(json, file))
  if (!parsed.success) throw configError(file, problemsIn(parsed.issues))
  const { listen, interval, state, clusters, alerts } = parsed.output
  return {
    listen: listen === false ? undefined : listen,
    intervalMs: interval,
    warnMarginMs: parsed.output['warn-margin'],
    stateFile: state,
    clusters,
    receivers: withNames(alerts),
  }
}

/** WATCH_CONFIG, with what is wrong with the file. */
export function configError(file: string, what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('WATCH_CONFIG', `${file} can't be used: ${what}`, { hint: 'See docs/watch.md', cause })
}

/** What JSON.parse says shows a piece of the text; only the place in it is passed on. */
function jsonIn(json: string, file: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    const place = /\(line \d+ column \d+\)/.exec((error as Error).message)?.[0]
    throw configError(file, `it is no JSON${place === undefined ? '' : ` ${place}`}`)
  }
}

function problemsIn(issues: readonly v.BaseIssue<unknown>[]): string {
  const problems = issues.map((issue) => `${v.getDotPath(issue) ?? 'it'} ${sentenceOf(issue)}`)
  const more = problems.length > PROBLEMS_SHOWN ? [`and ${problems.length - PROBLEMS_SHOWN} more`] : []
  return [...problems.slice(0, PROBLEMS_SHOWN), ...more].join('; ')
}

function sentenceOf({ type, expected, message }: v.BaseIssue<unknown>): string {
  if (type !== 'strict_object') return message
  if (expected === 'never') return 'is nothing that there is'
  return expected === 'Object' ? 'must be an object' : 'is missing'
}

function isHttp(value: string): boolean {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}
