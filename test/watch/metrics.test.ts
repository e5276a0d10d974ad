import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { printMetrics } from '../../src/watch/metrics.ts'
import type { Snapshot } from '../../src/watch/metrics.ts'
import type { Round } from '../../src/watch/round.ts'
import { readExposition } from './exposition.ts'
import { failure, roundOf, row } from './round.ts'

function metricsOf(round: Round | undefined, more: Partial<Snapshot> = {}) {
  return readExposition(printMetrics({ version: '1.2.3', round, rounds: 7, deliveries: [], openAlerts: 0, residentMemory: 1, ...more }))
}

const valuesOf = (name: string, round: Round | undefined, more?: Partial<Snapshot>) =>
  metricsOf(round, more)
    .get(name)
    ?.samples.map(({ labels, value }) => [labels, value])

const place = { cluster: 'main', store: 'keeper', consumergroup: 'billing', topic: 'orders' }

describe('the metrics', () => {
  it('have the names and labels of kafka_exporter, and besides cluster and store', () => {
    const round = roundOf(1, [row(0, 'valid'), row(1, 'valid', { committedOffset: 90, lag: 10 })])
    assert.deepEqual(valuesOf('kafka_brokers', round), [[{ cluster: 'main' }, 3]])
    assert.deepEqual(valuesOf('kafka_topic_partitions', round), [[{ cluster: 'main', topic: 'orders' }, 4]])
    assert.deepEqual(valuesOf('kafka_topic_partition_current_offset', round)?.[1], [
      { cluster: 'main', topic: 'orders', partition: '1' },
      100,
    ])
    assert.deepEqual(valuesOf('kafka_topic_partition_oldest_offset', round)?.[0], [{ cluster: 'main', topic: 'orders', partition: '0' }, 0])
    assert.deepEqual(valuesOf('kafka_consumergroup_current_offset', round)?.[1], [{ ...place, partition: '1' }, 90])
    assert.deepEqual(valuesOf('kafka_consumergroup_lag', round)?.[0], [{ ...place, partition: '0' }, 50])
    assert.deepEqual(valuesOf('kafka_consumergroup_lag_sum', round), [[place, 60]])
    assert.deepEqual(valuesOf('kafka_consumergroup_current_offset_sum', round), [[place, 140]])
  })

  it('one verdict for each partition, and of what is not known no offset and no lag', () => {
    const round = roundOf(1, [row(0, 'expired'), row(1, 'unknown')], [failure('billing')])
    assert.deepEqual(valuesOf('tidemark_verdict', round), [
      [{ ...place, partition: '0', verdict: 'expired' }, 1],
      [{ ...place, partition: '1', verdict: 'unknown' }, 1],
    ])
    assert.equal(valuesOf('kafka_consumergroup_lag', round)?.length, 1)
    assert.deepEqual(valuesOf('tidemark_unknown_partitions', round), [[{ cluster: 'main', store: 'keeper' }, 1]])
    assert.deepEqual(valuesOf('tidemark_failed_groups', round), [[{ cluster: 'main', store: 'keeper' }, 1]])
    const allUnknown = roundOf(1, [row(0, 'unknown')])
    assert.equal(valuesOf('kafka_consumergroup_lag_sum', allUnknown), undefined, 'no sum of nothing')
  })

  it('a store that is away says so, and not that it has no groups', () => {
    const at = { cluster: 'main', store: 'keeper' }
    const round = roundOf(1, [], [failure()])
    assert.deepEqual(valuesOf('tidemark_store_up', round), [[at, 0]])
    assert.equal(valuesOf('tidemark_groups', round), undefined)
    assert.equal(valuesOf('tidemark_failed_groups', round), undefined)
    assert.deepEqual(valuesOf('tidemark_store_up', roundOf(1, [row(0, 'valid')])), [[at, 1]])
  })

  it('partitions that several groups read are told of once', () => {
    const round = roundOf(1, [row(0, 'valid'), row(0, 'valid', { group: 'audit' }), row(0, 'unknown', { group: 'z' })])
    assert.equal(valuesOf('kafka_topic_partition_current_offset', round)?.length, 1)
    assert.equal(valuesOf('kafka_consumergroup_lag', round)?.length, 2)
  })

  it('margins in seconds, where there is one', () => {
    const margin = { notBeforeMs: 3_500, ageMs: 1_500 }
    const rows = [row(0, 'valid', { margin: margin as never }), row(1, 'valid', { margin: { notBeforeMs: 'never', ageMs: null } as never })]
    assert.deepEqual(valuesOf('tidemark_margin_seconds', roundOf(1, rows)), [[{ ...place, partition: '0' }, 3.5]])
    assert.deepEqual(valuesOf('tidemark_oldest_unread_age_seconds', roundOf(1, rows)), [[{ ...place, partition: '0' }, 1.5]])
  })

  it('what was lost and read again, by verdict, as counters; what nobody can know is not counted as 0', () => {
    const at = { cluster: 'main', store: 'keeper', group: 'billing', topic: 'orders' }
    const round = {
      ...roundOf(1, []),
      losses: [
        { ...at, verdict: 'expired', moves: 2, lost: 30, unknown: 0, reread: 0 },
        { ...at, verdict: 'recreated', moves: 1, lost: 0, unknown: 1, reread: 5 },
      ],
    }
    assert.deepEqual(valuesOf('tidemark_records_lost_total', round), [[{ ...place, verdict: 'expired' }, 30]])
    assert.deepEqual(valuesOf('tidemark_moves_of_unknown_loss_total', round)?.[1], [{ ...place, verdict: 'recreated' }, 1])
    assert.deepEqual(valuesOf('tidemark_records_reread_total', round)?.[1], [{ ...place, verdict: 'recreated' }, 5])
  })

  it('names with quotes, backslashes, newlines and what no other exporter expects come back as they were', () => {
    const group = 'a "b" \\ c\nd,{}=é'
    const [sample] = valuesOf('tidemark_verdict', roundOf(1, [row(0, 'valid', { group })])) ?? []
    assert.deepEqual(sample, [{ ...place, consumergroup: group, partition: '0', verdict: 'valid' }, 1])
  })

  it('before the first round there is what is known: no families without samples', () => {
    assert.deepEqual(
      [...metricsOf(undefined).keys()],
      ['tidemark_rounds_total', 'tidemark_open_alerts', 'tidemark_build_info', 'process_resident_memory_bytes'],
    )
  })

  it('deliveries by receiver and outcome', () => {
    assert.deepEqual(valuesOf('tidemark_alert_deliveries_total', undefined, { deliveries: [{ receiver: 'chat', sent: 2, failed: 1 }] }), [
      [{ receiver: 'chat', outcome: 'sent' }, 2],
      [{ receiver: 'chat', outcome: 'failed' }, 1],
    ])
  })
})
