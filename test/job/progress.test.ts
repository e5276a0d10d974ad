import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStore, run, type PartitionProgress } from '../../src/index.ts'
import { MemoryLog } from '../../src/testing/index.ts'

describe('onProgress', () => {
  it('tells committed offsets and log ends of every partition, also while a handler is at work, and at the end', async () => {
    const log = new MemoryLog()
    const { partitions } = log.createTopic('orders', 2)
    for (const partition of partitions) for (let index = 0; index < 4; index++) partition.append({ value: String(index) })
    await using store = await openStore('memory:')
    const told: (readonly PartitionProgress[])[] = []
    await run(log, store, {
      group: 'billing',
      topics: ['orders'],
      untilEnd: true,
      secondLookMs: 0,
      maxRecords: 4,
      onProgress: (progress) => told.push(progress),
      handler: async () => {
        partitions[0]?.append({ value: 'one more' })
        await sleep(700)
      },
    })
    const ends = told.map((progress) => progress.find(({ partition }) => partition === 0)?.logEndOffset)
    assert.ok(ends.includes(5), `the first handler's record is told while it is at work: ${ends.join()}`)
    assert.ok(told.length >= 5)
    assert.deepEqual(
      told.at(-1)?.toSorted((a, b) => a.partition - b.partition),
      [
        { topic: 'orders', partition: 0, committedOffset: 4, logEndOffset: 6 },
        { topic: 'orders', partition: 1, committedOffset: 4, logEndOffset: 4 },
      ],
    )
  })
})
