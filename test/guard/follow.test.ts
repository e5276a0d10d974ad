import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { CommitLog } from '../../src/guard/follow.ts'
import { batches, checkpoint, header } from '../spark/checkpoints.ts'

describe('the batches that a query commits', () => {
  it('are seen once, several that came between two looks as the last of them', async () => {
    const { directory, files } = checkpoint(batches(['{"orders":{"0":10}}']))
    const commits = new CommitLog(files, 0)
    assert.equal(await commits.next(), undefined)
    for (const [path, text] of Object.entries(batches(['{"orders":{"0":20}}', '{"orders":{"0":30}}'], 1)))
      writeFileSync(join(directory, path), text)
    const batch = await commits.next()
    assert.deepEqual(batch, { batch: 2, offsets: [{ topic: 'orders', partition: 0, offset: 30 }] })
    assert.deepEqual(await commits.next(), batch) // until it is done with
    if (batch !== undefined) commits.seen(batch)
    assert.equal(await commits.next(), undefined)
  })

  it('are none while a batch is only planned, and while there is no checkpoint', async () => {
    const { directory, files } = checkpoint({})
    const commits = new CommitLog(files, undefined)
    assert.equal(await commits.next(), undefined)
    const { [`commits/0`]: _commit, ...planned } = batches(['{"orders":{"0":10}}'])
    const other = checkpoint(planned)
    assert.equal(await new CommitLog(other.files, undefined).next(), undefined)
    rmSync(directory, { recursive: true })
    assert.equal(await commits.next(), undefined)
  })

  it('of a partition that two sources read stand where the slower one does; other kinds of source say nothing', async () => {
    const { files } = checkpoint({
      'offsets/0': `v2\n${header()}\n0:{"orders":{"0":30,"1":5}}\n1:77\nslow:{"orders":{"0":20},"returns":{"0":1}}\nlate:-`,
      'commits/0': 'v1\n{"nextBatchWatermarkMs":0}',
    })
    const batch = await new CommitLog(files, undefined).next()
    assert.deepEqual(batch?.offsets, [
      { topic: 'orders', partition: 0, offset: 20 },
      { topic: 'orders', partition: 1, offset: 5 },
      { topic: 'returns', partition: 0, offset: 1 },
    ])
  })

  it('with what is no offset are an error that names the partition', async () => {
    const { files } = checkpoint(batches(['{"orders":{"0":10,"1":-1}}']))
    await assert.rejects(new CommitLog(files, undefined).next(), { code: 'STORE_CORRUPT', topic: 'orders', partition: 1 })
  })

  it('whose offsets are gone are an error', async () => {
    const { directory, files } = checkpoint(batches(['{"orders":{"0":10}}']))
    rmSync(join(directory, 'offsets/0'))
    await assert.rejects(new CommitLog(files, undefined).next(), { code: 'STORE_CORRUPT', message: /commits\/0 and no offsets\/0/ })
  })
})
