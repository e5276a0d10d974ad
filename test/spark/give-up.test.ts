import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Files } from '../../src/files/files.ts'
import { readCheckpoint } from '../../src/spark/checkpoint.ts'
import { openSparkCheckpoint } from '../../src/store/spark-checkpoint/driver.ts'
import { giveUpPlanned } from '../../src/store/spark-checkpoint/give-up.ts'
import { batches, checkpoint, fixture, header } from './checkpoints.ts'

/** Where a query resumes, by `topic-partition`. */
async function standing(files: Files): Promise<Record<string, number | string>> {
  const { partitions } = await readCheckpoint(files)
  return Object.fromEntries(
    partitions.map(({ topic, partition, stored }) => [
      `${topic}-${partition}`,
      stored.state === 'position' ? stored.position.offset : stored.state,
    ]),
  )
}

function planned(lines: readonly string[], line: string): Record<string, string> {
  return { ...batches(lines), [`offsets/${lines.length}`]: `v1\n${header()}\n${line}` }
}

describe('a planned batch that is given up', () => {
  for (const name of ['v35-two_topics', 'v41-union', 'v41-rate_kafka-kf', 'v42-one-v2', 'v42-union-v2']) {
    it(`leaves the query where it stood, with nothing planned: ${name}, killed in a batch`, async () => {
      const { files } = fixture(name, 'killed')
      const before = await readCheckpoint(files)
      const stood = await standing(files)
      assert.equal(await giveUpPlanned(files), before.planned)
      const after = await readCheckpoint(files)
      assert.deepEqual(await standing(files), stood)
      const next = (before.planned ?? 0) + 1
      assert.deepEqual([after.planned, after.committed, after.nextBatch, after.gaps], [next, next, next + 1, false])
      assert.equal(await giveUpPlanned(files), undefined)
    })
  }

  it('that was the first one leaves the query at its starting offsets', async () => {
    const { files } = checkpoint({
      metadata: '{"id":"d37d5c0e-0000-4000-8000-000000000000"}',
      'sources/0/0': '\0v1\n{"orders":{"0":40,"1":7}}',
      'offsets/0': `v1\n${header()}\n{"orders":{"0":140,"1":107}}`,
    })
    assert.equal(await giveUpPlanned(files), 0)
    assert.deepEqual(await standing(files), { 'orders-0': 40, 'orders-1': 7 })
    const { planned: last, committed, gaps } = await readCheckpoint(files)
    assert.deepEqual([last, committed, gaps], [1, 1, false])
  })

  it('is finished by the next start, wherever the first one died', async () => {
    for (const lacking of [['commits/1', 'commits/2'], ['commits/2']]) {
      const { directory, files } = checkpoint(planned(['{"orders":{"0":100}}'], '{"orders":{"0":200}}'))
      await giveUpPlanned(files)
      for (const path of lacking) rmSync(join(directory, path))
      const driver = await openSparkCheckpoint(`spark-checkpoint:${directory}`, {
        mode: 'write',
        timeoutMs: 1_000,
        ledger: join(directory, 'ledger.db'),
      })
      const [custody] = await driver.load('billing')
      await driver.close()
      assert.deepEqual(custody?.stored.state === 'position' && custody.stored.position.offset, 100)
      assert.deepEqual([custody?.planned, custody?.immovable], [undefined, undefined])
      for (const path of ['commits/1', 'commits/2']) assert.ok(existsSync(join(directory, path)), path)
    }
  })

  it('is refused where a query has gone on meanwhile, and nothing is written', async () => {
    const { directory, files } = checkpoint(planned(['{"orders":{"0":100}}'], '{"orders":{"0":200}}'))
    const raced: Files = {
      url: files.url,
      list: (path) => files.list(path),
      read: (path) => files.read(path),
      close: () => files.close(),
      create: async (path, content) => {
        if (path === 'offsets/2') writeFileSync(join(directory, path), `v1\n${header()}\n{"orders":{"0":300}}`)
        return files.create(path, content)
      },
    }
    await assert.rejects(giveUpPlanned(raced), { code: 'CHECKPOINT_PLANNED' })
    assert.deepEqual([existsSync(join(directory, 'commits/1')), existsSync(join(directory, 'commits/2'))], [false, false])
  })

  it('is refused where a file sink has the batch before it', async () => {
    const { directory, files } = checkpoint(planned(['{"orders":{"0":100}}'], '{"orders":{"0":200}}'))
    mkdirSync(join(directory, '_spark_metadata'))
    writeFileSync(join(directory, '_spark_metadata/0'), 'v1')
    await assert.rejects(giveUpPlanned(files), { code: 'CHECKPOINT_FILE_SINK' })
    assert.equal(existsSync(join(directory, 'offsets/2')), false)
  })
})
