import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { lastCommitted, readBatch, readCheckpoint } from '../../src/spark/checkpoint.ts'
import type { Checkpoint, ResumePoint } from '../../src/spark/checkpoint.ts'
import { movedTo, parseOffsetLog, printOffsetLog } from '../../src/spark/offset-log.ts'
import { code } from '../../src/testing/conformance/harness.ts'
import { batches, checkpoint, fixture, header } from './checkpoints.ts'
import type { SeenBatch } from './checkpoints.ts'

const NAMES = ['v35-two_topics', 'v41-rate_kafka-kf', 'v41-union', 'v42-one-v2', 'v42-union-v2']

function offsetOf({ stored }: ResumePoint): number | string {
  return stored.state === 'position' ? stored.position.offset : stored.state
}

/** Offsets by `topic/partition`, as the fixtures name them. */
function offsetsOf({ partitions }: Checkpoint): Record<string, number | string> {
  return Object.fromEntries(partitions.map((point) => [`${point.topic}/${point.partition}`, offsetOf(point)]))
}

/** Where a batch of Spark's began, in the partitions in which it read something. */
function assertBegins(checkpoint: Checkpoint, { batchId, ranges }: SeenBatch): void {
  assert.equal(checkpoint.nextBatch, batchId)
  const offsets = offsetsOf(checkpoint)
  for (const [name, { first }] of Object.entries(ranges)) if (!name.startsWith('rate/')) assert.equal(offsets[name], first, name)
}

describe('a checkpoint that real Spark left', () => {
  for (const name of NAMES) {
    it(`${name}: stopped, the query goes on where Spark itself did`, async () => {
      const { files, expected } = fixture(name, 'clean')
      const found = await readCheckpoint(files)
      assert.deepEqual([found.planned, found.committed], [expected.offsets_ids.at(-1), expected.commits_ids.at(-1)])
      assert.ok(expected.resume_by_restart.first_batch)
      assertBegins(found, expected.resume_by_restart.first_batch)
      assert.deepEqual([found.findings, found.stateful, found.continuous], [[], false, false])
      assert.ok(found.partitions.every(({ planned }) => planned === undefined))
      assert.match(found.queryId ?? '', /^[\da-f-]{36}$/)
      assert.equal(found.formatVersion, name.endsWith('v2') ? 2 : 1)
      assert.equal(await lastCommitted(files), found.committed)
    })

    it(`${name}: killed in a batch, it runs that batch again, exactly`, async () => {
      const { files, expected } = fixture(name, 'killed')
      const found = await readCheckpoint(files)
      assert.deepEqual([found.planned, found.committed], [expected.offsets_ids.at(-1), expected.commits_ids.at(-1)])
      const killed = expected.batch_running_at_kill
      assert.ok(killed)
      assertBegins(found, killed)
      for (const { topic, partition, stored, planned } of found.partitions) {
        assert.ok(stored.state === 'position')
        const { offset } = stored.position
        const until: number = (killed.ranges[`${topic}/${partition}`]?.last ?? offset - 1) + 1
        assert.deepEqual(planned, { fromOffset: offset, untilOffset: until })
      }
    })

    it(`${name}: every file of offsets is printed as it was read`, async () => {
      const { directory } = fixture(name, 'killed')
      for (const file of readdirSync(join(directory, 'offsets')).filter((one) => !one.startsWith('.'))) {
        const text = readFileSync(join(directory, 'offsets', file), 'utf8')
        assert.equal(printOffsetLog(parseOffsetLog(text)), text)
      }
    })
  }

  it('sources that are not Kafka’s are kept as they are', async () => {
    const { files } = fixture('v41-rate_kafka-kf', 'clean')
    const { newest } = await readCheckpoint(files)
    assert.deepEqual(
      newest?.sources.map(({ id, raw, offsets }) => [id, offsets === undefined ? raw : [...offsets.keys()]]),
      [
        ['0', ['held-s1']],
        ['1', '7'],
      ],
    )
  })
})

describe('where a query resumes', () => {
  it('a first batch that was not committed runs again from the starting offsets', async () => {
    const { 'offsets/0': offsets } = batches(['{"orders":{"0":7,"1":9}}'])
    const { files } = checkpoint({ 'offsets/0': offsets ?? '', 'sources/0/0': '\0v1\n{"orders":{"0":2,"1":9}}' })
    const found = await readCheckpoint(files)
    assert.deepEqual(offsetsOf(found), { 'orders/0': 2, 'orders/1': 9 })
    assert.deepEqual(
      found.partitions.map(({ planned }) => planned),
      [
        { fromOffset: 2, untilOffset: 7 },
        { fromOffset: 9, untilOffset: 9 },
      ],
    )
    assert.equal(found.nextBatch, 0)
  })

  it('a query that was killed before its first batch has its starting offsets already', async () => {
    const { files } = checkpoint({ metadata: '{"id":"q"}', 'sources/0/0': '\0v1\n{"orders":{"0":2}}' })
    const found = await readCheckpoint(files)
    assert.deepEqual([offsetsOf(found), found.planned, found.nextBatch], [{ 'orders/0': 2 }, undefined, 0])
  })

  it('nothing at all is a checkpoint without batches', async () => {
    const found = await readCheckpoint(checkpoint({}).files)
    assert.deepEqual([found.partitions, found.planned, found.committed, found.findings], [[], undefined, undefined, []])
  })

  it('a source that had no offsets yet begins at its starting offsets', async () => {
    const { files } = checkpoint({ ...batches(['{"orders":{"0":7}}\n-']), 'sources/1/0': '\0v1\n{"late":{"0":5}}' })
    assert.deepEqual(offsetsOf(await readCheckpoint(files)), { 'orders/0': 7, 'late/0': 5 })
  })

  it('a partition that only a planned batch knows has no offset yet', async () => {
    const { files } = checkpoint({ ...batches(['{"orders":{"0":7}}']), 'offsets/1': `v1\n${header()}\n{"orders":{"0":9,"1":4}}` })
    const found = await readCheckpoint(files)
    assert.deepEqual(offsetsOf(found), { 'orders/0': 7, 'orders/1': 'absent' })
  })

  it('named sources of version 2 have their starting offsets under their names, and their order says nothing', async () => {
    const line = 'b:{"late":{"0":3}}\na:-'
    const { files } = checkpoint({
      'offsets/0': `v2\n${header()}\n${line}`,
      'commits/0': 'v1\n{}',
      'sources/a/0': '\0v1\n{"early":{"0":1}}',
      'sources/b/0': '\0v1\n{"late":{"0":0}}',
    })
    assert.deepEqual(offsetsOf(await readCheckpoint(files)), { 'late/0': 3, 'early/0': 1 })
  })

  it('a continuous query begins at its last committed epoch and plans nothing', async () => {
    const { files } = checkpoint({
      ...batches([]),
      'offsets/4': 'v1\n\n{"orders":{"0":7}}',
      'commits/4': 'v1\n{}',
      'offsets/5': 'v1\n\n{"orders":{"0":9}}',
    })
    const found = await readCheckpoint(files)
    assert.deepEqual([offsetsOf(found), found.partitions[0]?.planned, found.continuous], [{ 'orders/0': 7 }, undefined, true])
  })

  it('of old batches only the last two are read', async () => {
    const { files } = checkpoint({ ...batches(['{"orders":{"0":7}}', '{"orders":{"0":9}}'], 900), 'offsets/3': 'garbage' })
    assert.deepEqual(offsetsOf(await readCheckpoint(files)), { 'orders/0': 9 })
    assert.equal(await readBatch(files, 17), undefined)
  })
})

describe('what is not as Spark leaves it', () => {
  it('values that are no offsets are corrupt, each for itself', async () => {
    const { files } = checkpoint(batches(['{"orders":{"0":-1,"1":9007199254740993,"2":"5","3":8}}']))
    const states = (await readCheckpoint(files)).partitions.map(({ stored }) => (stored.state === 'corrupt' ? stored.raw : stored.state))
    assert.deepEqual(states, ['-1', '9007199254740993', '5', 'position'])
  })

  for (const [name, text, what] of [
    ['empty', '', /it is empty/],
    ['of a version to come', `v3\n${header()}\n{}`, /begins with "v3"/],
    ['cut off', 'v1', /ends after "v1"/],
    ['damaged', 'v1\n{"batchWatermarkMs":0,', /second line is no JSON/],
  ] as const) {
    it(`a newest file that is ${name} can't be read, and is named`, async () => {
      const { files, directory } = checkpoint({ ...batches(['{"orders":{"0":7}}']), 'offsets/1': text })
      await assert.rejects(readCheckpoint(files), (error: Error) => {
        assert.ok(error.message.includes(`${directory}/offsets/1`), error.message)
        assert.match(error.message, what)
        return code('STORE_CORRUPT')(error)
      })
    })
  }

  const findings: [name: string, files: Record<string, string>, finding: RegExp][] = [
    [
      'a commit that lags by more than one',
      { ...batches(['{}']), 'offsets/1': `v1\n${header()}\n{}`, 'offsets/2': `v1\n${header()}\n{}` },
      /the last committed batch is 0 and the newest planned one is 2/,
    ],
    ['commits without offsets', { 'commits/4': 'v1\n{}' }, /commits\/ goes up to batch 4 and offsets\/ is empty/],
    ['a commit that is ahead', { ...batches(['{}', '{}']), 'commits/2': 'v1\n{}' }, /batch 2 is committed and offsets\/ ends with batch 1/],
    ['a batch before the newest that is gone', batches(['{"orders":{"0":7}}'], 9), /offsets\/8 is gone/],
    ['gaps', { ...batches(['{}']), ...batches(['{}', '{}'], 5) }, /batches are missing in offsets\/ \(1 to 4\)/],
    [
      'files of others',
      { ...batches(['{}']), 'offsets/backup-7': '', 'commits/1.bak': '', 'offsets/.1.3f.tmp': '' },
      /^not Spark's: offsets\/backup-7, commits\/1.bak$/,
    ],
    ['a partition that two sources read', batches(['{"orders":{"0":7}}\n{"orders":{"0":9}}']), /orders-0 is read by the sources 0 and 1/],
  ]
  for (const [name, contents, finding] of findings) {
    it(`${name} is a finding`, async () => {
      const found = await readCheckpoint(checkpoint(contents).files)
      assert.ok(
        found.findings.some((one) => finding.test(one)),
        `none of ${JSON.stringify(found.findings)}`,
      )
    })
  }

  it('a planned batch whose start is gone has no offsets, and nothing becomes 0', async () => {
    const { files } = checkpoint({ 'commits/8': 'v1\n{}', 'offsets/9': `v1\n${header()}\n{"orders":{"0":7}}` })
    const found = await readCheckpoint(files)
    assert.deepEqual([offsetsOf(found), found.incomplete], [{ 'orders/0': 'corrupt' }, true])
  })

  it('a query that goes on between two lists does not look damaged', async () => {
    const { files, directory } = checkpoint(batches(['{"orders":{"0":7}}']))
    const list = async (path: string): Promise<string[] | undefined> => {
      const names = await files.list(path)
      if (path === 'offsets' && !names?.includes('1')) {
        for (const [name, text] of Object.entries(batches(['{"orders":{"0":9}}'], 1))) writeFileSync(join(directory, name), text)
      }
      return names
    }
    const racing = {
      url: files.url,
      list,
      read: (path: string) => files.read(path),
      create: files.create.bind(files),
      close: async () => {},
    }
    const found = await readCheckpoint(racing)
    assert.deepEqual([found.planned, found.committed, found.findings, offsetsOf(found)], [1, 1, [], { 'orders/0': 9 }])
  })
})

describe('a batch with other offsets', () => {
  it('changes the numbers that move and the time, and not a byte more: not even a number beyond 2^53', () => {
    const before = `v1\n${header(5)}\n{"b":{"0":4,"1":9007199254740993},"a":{"0":1}}\n42`
    const moved = movedTo(parseOffsetLog(before), [{ topic: 'b', partition: 0, offset: 77 }], 1_800_000_000_000, () => '0')
    assert.equal(printOffsetLog(moved), before.replace('"0":4', '"0":77').replace('1795367325738', '1800000000000'))
  })

  it('takes a partition that was not there', () => {
    const log = parseOffsetLog(`v2\n${header()}\n1:{"b":{"0":4}}\n0:-`)
    const moved = movedTo(log, [{ topic: 'b', partition: 3, offset: 5 }], 1_795_367_325_738, () => '1')
    assert.equal(printOffsetLog(moved), `v2\n${header()}\n1:{"b":{"0":4,"3":5}}\n0:-`)
  })
})
