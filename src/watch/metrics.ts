import { labels, printFamilies, withLabel } from './exposition.ts'
import type { Family, Sample } from './exposition.ts'
import { subjectOf } from './round.ts'
import type { Loss, Round, Source, WatchedRow } from './round.ts'

/** All that the metrics tell of. */
export interface Snapshot {
  readonly version: string
  /** The last round; undefined: there was none yet. */
  readonly round: Round | undefined
  readonly rounds: number
  /** Of each receiver, how often it was told and how often that failed. */
  readonly deliveries: readonly Delivery[]
  readonly openAlerts: number
  /** What this process holds, bytes. */
  readonly residentMemory: number
}

export interface Delivery {
  readonly receiver: string
  readonly sent: number
  readonly failed: number
}

/**
 * The metrics in Prometheus' text format. Those that begin with `kafka_` have the names, labels and meanings of kafka_exporter, and besides
 * the label `cluster`, and `store` where they tell of a group. What is not known has no sample; nothing becomes 0.
 */
export function printMetrics(snapshot: Snapshot): string {
  return printFamilies([...(snapshot.round === undefined ? [] : ofRound(snapshot.round)), ...ofUs(snapshot)])
}

/** A row, and its labels as text: most families have a sample for each row. */
interface Placed {
  readonly row: WatchedRow
  readonly at: string
}

function ofRound(round: Round): Family[] {
  const placed = round.rows.map((row): Placed => {
    const { cluster, store, group, topic, partition } = row
    return { row, at: labels({ cluster, store, consumergroup: group, topic, partition }) }
  })
  return [...ofClusters(round), ...ofGroups(round, placed), ...ofVerdicts(placed), ...ofLosses(round), ...ofStores(round)]
}

function ofClusters({ clusters, rows }: Round): Family[] {
  const known = new Map<string, WatchedRow>()
  for (const row of rows) if (row.logEndOffset !== null) known.set(`${row.cluster} ${row.topic} ${row.partition}`, row)
  const places = [...known.values()].map((row) => ({
    row,
    at: labels({ cluster: row.cluster, topic: row.topic, partition: row.partition }),
  }))
  const topics = clusters.flatMap(({ cluster, topics: ofCluster }) =>
    Array.from(ofCluster, ([topic, count]): Sample => [labels({ cluster, topic }), count]),
  )
  return [
    gauge(
      'kafka_brokers',
      'Brokers of the cluster that are up.',
      clusters.flatMap(({ cluster, brokers }): Sample[] => (brokers === undefined ? [] : [[labels({ cluster }), brokers]])),
    ),
    gauge('kafka_topic_partitions', 'Partitions of the topic.', topics),
    gauge(
      'kafka_topic_partition_current_offset',
      'The log end offset of the partition: its high watermark.',
      places.flatMap(({ row, at }) => sampleOf(at, row.logEndOffset)),
    ),
    gauge(
      'kafka_topic_partition_oldest_offset',
      'The log start offset of the partition.',
      places.flatMap(({ row, at }) => sampleOf(at, row.logStartOffset)),
    ),
  ]
}

function ofGroups({ rows, groups }: Round, placed: readonly Placed[]): Family[] {
  const topics = Map.groupBy(rows, ({ cluster, store, group, topic }) => [cluster, store, group, topic].join('\0'))
  const places = Array.from(topics.values(), (some) => {
    const { cluster, store, group, topic } = some[0] as WatchedRow
    return { some, at: labels({ cluster, store, consumergroup: group, topic }) }
  })
  const sums = (of: (row: WatchedRow) => number | null): Sample[] => places.flatMap(({ some, at }) => sumOf(at, some.map(of)))
  return [
    gauge(
      'kafka_consumergroup_current_offset',
      'The committed offset of the group: the next one to read.',
      placed.flatMap(({ row, at }) => sampleOf(at, row.committedOffset)),
    ),
    gauge(
      'kafka_consumergroup_current_offset_sum',
      'The committed offsets of the group, over the partitions of the topic.',
      sums(({ committedOffset }) => committedOffset),
    ),
    gauge(
      'kafka_consumergroup_lag',
      'Records between the committed offset and the log end, at most.',
      placed.flatMap(({ row, at }) => sampleOf(at, row.lag)),
    ),
    gauge(
      'kafka_consumergroup_lag_sum',
      'The same over the partitions of the topic whose lag is known.',
      sums(({ lag }) => lag),
    ),
    gauge(
      'kafka_consumergroup_members',
      'Members of the group, where the store shows them.',
      groups.flatMap(({ cluster, store, group, members = null }) => sampleOf(labels({ cluster, store, consumergroup: group }), members)),
    ),
  ]
}

function ofVerdicts(placed: readonly Placed[]): Family[] {
  return [
    gauge(
      'tidemark_verdict',
      'What comparing the committed offset with the log means: 1 for the present verdict.',
      placed.map(({ row, at }): Sample => [withLabel(at, 'verdict', row.verdict), 1]),
    ),
    gauge(
      'tidemark_margin_seconds',
      'How long until retention can pass the committed offset, at the earliest; absent where nothing is unread or removed, or it is not known.',
      placed.flatMap(({ row, at }) => seconds(at, row.margin?.notBeforeMs)),
    ),
    gauge(
      'tidemark_oldest_unread_age_seconds',
      'How long ago the oldest unread record was made.',
      placed.flatMap(({ row, at }) => seconds(at, row.margin?.ageMs)),
    ),
  ]
}

function ofStores({ rows, sources, groups, failures, ledgerFailures }: Round): Family[] {
  const at = sourceLabels
  const isAway = countOf(failures.filter(({ group }) => group === null))
  const failed = countOf(failures)
  const looked = countOf(groups)
  const unknown = countOf(rows.filter(({ verdict }) => verdict === 'unknown'))
  const unread = countOf(ledgerFailures)
  const here = sources.filter((source) => isAway(source) === 0)
  return [
    gauge(
      'tidemark_store_up',
      'Whether the store answered.',
      sources.map((source): Sample => [at(source), isAway(source) === 0 ? 1 : 0]),
    ),
    gauge(
      'tidemark_ledger_up',
      'Whether the ledger of the store could be read.',
      here.map((source): Sample => [at(source), unread(source) === 0 ? 1 : 0]),
    ),
    gauge(
      'tidemark_groups',
      'Groups that were looked at.',
      here.map((source): Sample => [at(source), looked(source)]),
    ),
    gauge(
      'tidemark_failed_groups',
      'Groups that could not be checked.',
      here.map((source): Sample => [at(source), failed(source)]),
    ),
    gauge(
      'tidemark_unknown_partitions',
      'Partitions whose verdict could not be determined.',
      sources.map((source): Sample => [at(source), unknown(source)]),
    ),
  ]
}

/** How many of these there are of a source. */
function countOf(items: readonly Source[]): (source: Source) => number {
  const counts = Map.groupBy(items, (item) => subjectOf(item))
  return (source) => counts.get(subjectOf(source))?.length ?? 0
}

function ofLosses({ losses }: Round): Family[] {
  const places = losses.map((loss) => {
    const { cluster, store, group, topic, verdict } = loss
    return { loss, at: labels({ cluster, store, consumergroup: group, topic, verdict }) }
  })
  const family = (name: string, help: string, of: (loss: Loss) => number | null): Family => ({
    name,
    type: 'counter',
    help,
    samples: places.flatMap(({ loss, at }) => sampleOf(at, of(loss))),
  })
  return [
    family(
      'tidemark_moves_total',
      'Moves in the ledger that were not ordinary progress, by the verdict that led to them.',
      ({ moves }) => moves,
    ),
    family('tidemark_records_lost_total', 'Records that those moves skipped, at most.', ({ lost, unknown, moves }) =>
      unknown === moves ? null : lost,
    ),
    family('tidemark_moves_of_unknown_loss_total', 'Those moves of which nobody can know what they skipped.', ({ unknown }) => unknown),
    family(
      'tidemark_records_reread_total',
      'Records that were read a second time because of those moves, at most.',
      ({ reread }) => reread,
    ),
  ]
}

function ofUs({ version, round, rounds, deliveries, openAlerts, residentMemory }: Snapshot): Family[] {
  const perReceiver = deliveries.flatMap(({ receiver, sent, failed }): Sample[] => [
    [labels({ receiver, outcome: 'sent' }), sent],
    [labels({ receiver, outcome: 'failed' }), failed],
  ])
  return [
    gauge('tidemark_round_duration_seconds', 'How long the last round took.', single(round && round.durationMs / 1_000)),
    gauge(
      'tidemark_last_round_timestamp_seconds',
      'When the last round was over, seconds since 1970.',
      single(round && (round.at + round.durationMs) / 1_000),
    ),
    { name: 'tidemark_rounds_total', type: 'counter', help: 'Rounds since the start.', samples: single(rounds) },
    gauge('tidemark_open_alerts', 'Alerts that were told and are not resolved.', single(openAlerts)),
    { name: 'tidemark_alert_deliveries_total', type: 'counter', help: 'Attempts to tell a receiver, by outcome.', samples: perReceiver },
    gauge('tidemark_build_info', 'The version of Tidemark.', [[labels({ version }), 1]]),
    gauge('process_resident_memory_bytes', 'Resident memory of this process.', single(residentMemory)),
  ]
}

function seconds(at: string, ms: unknown): Sample[] {
  return typeof ms === 'number' ? [[at, ms / 1_000]] : []
}

function sourceLabels({ cluster, store }: Source): string {
  return labels({ cluster, store })
}

function single(value: number | undefined): Sample[] {
  return value === undefined ? [] : [['', value]]
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: 'gauge', help, samples }
}

function sampleOf(at: string, value: number | null): Sample[] {
  return value === null ? [] : [[at, value]]
}

/** The sum of what is known; no sample where nothing is. */
function sumOf(at: string, values: readonly (number | null)[]): Sample[] {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? [] : [[at, known.reduce((sum, value) => sum + value, 0)]]
}
