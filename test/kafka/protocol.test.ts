import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listOffsets } from '../../src/kafka/offsets.ts'
import { errorName, pick } from '../../src/kafka/protocol.ts'
import { Roster } from '../../src/kafka/roster.ts'

const call = listOffsets(
  new Roster([]),
  () => 0,
  'read_uncommitted',
  () => {},
)

describe('API versions', () => {
  it('are the newest that both sides speak', () => {
    for (const [highest, picked] of [
      [7, 7],
      [8, 8],
      [9, 9],
      [11, 9],
    ] as const) {
      assert.equal(pick(call, new Map([[2, [0, highest]]])).version, picked)
    }
  })

  it('that the broker lacks are an error that says what it needs', () => {
    assert.throws(() => pick(call, new Map([[2, [0, 5]]])), {
      code: 'KAFKA_UNSUPPORTED',
      message: /ListOffsets 0 to 5, and Tidemark 9, 8, 7.*3\.5/,
    })
    assert.throws(() => pick(call, new Map([[2, [10, 12]]])), { code: 'KAFKA_UNSUPPORTED' })
    assert.throws(() => pick(call, new Map()), { code: 'KAFKA_UNSUPPORTED', message: /no ListOffsets/ })
  })

  it('come with errors that have Kafka’s names', () => {
    assert.deepEqual([0, -1, 3, 78, 9999].map(errorName), [
      'NONE',
      'UNKNOWN_SERVER_ERROR',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'OFFSET_NOT_AVAILABLE',
      'ERROR_9999',
    ])
  })
})
