import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, it } from 'node:test'
import { positionOf } from '../../src/core/custody.ts'
import { TidemarkError } from '../../src/errors.ts'
import type { Files } from '../../src/files/files.ts'
import { openLocalFiles } from '../../src/files/local.ts'
import { openLedgerFile } from '../../src/store/ledger-file.ts'
import { openSparkCheckpoint } from '../../src/store/spark-checkpoint/driver.ts'
import { move } from '../../src/store/spark-checkpoint/move.ts'
import { readScene } from '../../src/store/spark-checkpoint/scene.ts'
import type { StoreDriver, Write } from '../../src/store/driver.ts'
import { openStore } from '../../src/store/store.ts'
import { assertSaved, at, code, FULL, ledgerRow, loadOne, saveOne, writeOf } from '../../src/testing/conformance/harness.ts'
import { batches, checkpoint, fixture, header } from '../spark/checkpoints.ts'

const group = 'label'

function ledgerBeside(directory: string): string {
  return join(dirname(directory), 'ledger.db')
}

function open(directory: string, mode: 'read' | 'write' = 'write'): Promise<StoreDriver> {
  return openSparkCheckpoint(`spark-checkpoint:${directory}`, { mode, timeoutMs: 5_000, ledger: ledgerBeside(directory) })
}

/** Every file with its content, but what Tidemark keeps for itself. */
function contentsOf(directory: string): Record<string, string> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(directory, path)).isFile())
  return Object.fromEntries(
    paths.filter((path) => !path.startsWith('tidemark/')).map((path) => [path, readFileSync(join(directory, path), 'utf8')]),
  )
}

/** The offsets of the only source, as they are in a file. */
function offsetsIn(directory: string, batch: number): unknown {
  return JSON.parse(readFileSync(join(directory, 'offsets', String(batch)), 'utf8').split('\n')[2] ?? '')
}

const simple = (): { directory: string; files: Files } => checkpoint(batches(['{"orders":{"0":7,"1":9}}', '{"orders":{"0":17,"1":19}}']))

describe('a move of a stopped query', () => {
  for (const [name, moved, planned] of [
    ['v35-two_topics', { topic: 'held-s2', partition: 1 }, 4],
    ['v41-rate_kafka-kf', { topic: 'held-s1', partition: 2 }, 5],
    ['v41-union', { topic: 'held-s2', partition: 0 }, 5],
    ['v42-one-v2', { topic: 'held-s1', partition: 0 }, 4],
    ['v42-union-v2', { topic: 'held-s1', partition: 1 }, 2],
  ] as const) {
    it(`${name}: is one more batch that differs in that number and its time only`, async () => {
      const { directory } = fixture(name, 'clean')
      const before = contentsOf(directory)
      const store = await open(directory)
      const custody = await loadOne(store, group, moved)
      const offset = positionOf(custody)?.offset ?? 0
      assertSaved(await saveOne(store, group, writeOf(custody, { position: { offset: 3 } })))
      const { [`offsets/${planned + 1}`]: offsets = '', [`commits/${planned + 1}`]: commit, ...rest } = contentsOf(directory)
      assert.deepEqual(rest, before)
      assert.equal(commit, before[`commits/${planned}`])
      const [, time = ''] = /"batchTimestampMs":(\d+)/.exec(offsets) ?? []
      assert.ok(Math.abs(Number(time) - Date.now()) < 60_000)
      const old = JSON.stringify(String(moved.partition))
      const expected = (before[`offsets/${planned}`] ?? '').replace(/"batchTimestampMs":\d+/, `"batchTimestampMs":${time}`)
      assert.deepEqual(sorted(offsets), sorted(expected.replace(`${old}:${offset}`, `${old}:3`)))
      assert.equal(positionOf(await loadOne(store, group, moved))?.offset, 3)
      await store.close()
    })
  }

  it('knows its identity until Spark’s next batch is committed, and that of what did not move too', async () => {
    const { directory } = simple()
    const store = await open(directory)
    assertSaved(await saveOne(store, group, writeOf(await loadOne(store, group), { position: FULL })))
    assertSaved(await saveOne(store, group, writeOf(await loadOne(store, group, at(1)), { position: { offset: 4, topicId: 'other' } })))
    assert.deepEqual(positionOf(await loadOne(store, group)), FULL)
    writeFileSync(join(directory, 'offsets/4'), `v1\n${header()}\n{"orders":{"0":1300,"1":5}}`)
    const [zero, one] = await store.load(group, [at(0), at(1)])
    assert.deepEqual([zero && positionOf(zero), zero?.planned], [FULL, { fromOffset: 1_200, untilOffset: 1_300 }])
    assert.equal(one && positionOf(one)?.topicId, 'other')
    writeFileSync(join(directory, 'commits/4'), 'v1\n{"nextBatchWatermarkMs":0}')
    assert.deepEqual(positionOf(await loadOne(store, group)), { offset: 1_300, commitTime: 1_795_367_325_738 })
    await store.close()
  })

  it('keeps every number of others, even one that is no offset', async () => {
    const { directory } = checkpoint(batches(['{"orders":{"0":7,"1":9007199254740993}}']))
    const store = await open(directory)
    assertSaved(await saveOne(store, group, writeOf(await loadOne(store, group), { position: { offset: 1 } })))
    assert.match(readFileSync(join(directory, 'offsets/1'), 'utf8'), /\{"orders":\{"0":1,"1":9007199254740993\}\}$/)
    await store.close()
  })

  it('of several partitions is one batch', async () => {
    const { directory } = simple()
    const store = await open(directory)
    const writes = (await store.load(group, [at(0), at(1)])).map((custody) => writeOf(custody, { position: { offset: custody.partition } }))
    for (const result of await store.save(group, writes)) assertSaved(result)
    assert.deepEqual([offsetsIn(directory, 2), existsSync(join(directory, 'offsets/3'))], [{ orders: { 0: 0, 1: 1 } }, false])
    await store.close()
  })

  it('warns that a watermark stays', async () => {
    const { directory } = checkpoint({
      ...batches(['{"orders":{"0":7}}']),
      'offsets/0': `v1\n${header(1_795_000_000_000)}\n{"orders":{"0":7}}`,
    })
    const store = await open(directory, 'read')
    assert.match(
      (await loadOne(store, group)).remarks?.join() ?? '',
      /the query keeps its watermark, 2026-11-18T11:06:40.000Z: moved back, it may drop rows as late/,
    )
    await store.close()
  })
})

describe('a move that was begun and not finished', () => {
  /** Files whose next creation of that path fails, before or after it is made. */
  function failing(files: Files, path: RegExp, when: 'before' | 'after'): Files {
    const create = async (name: string, content: string): Promise<boolean> => {
      if (!path.test(name)) return files.create(name, content)
      if (when === 'after') await files.create(name, content)
      throw new TidemarkError(when === 'after' ? 'STORE_OUTCOME_UNKNOWN' : 'STORE_UNREACHABLE', 'the disk is gone')
    }
    return { url: files.url, list: files.list.bind(files), read: files.read.bind(files), create, close: async () => {} }
  }

  async function tryMove(directory: string, files: Files): Promise<void> {
    const ledger = openLedgerFile(ledgerBeside(directory), `spark-checkpoint:${directory}`)
    const scene = await readScene(files)
    const write: Write = {
      ...at(0),
      expected: scene.revision,
      position: { offset: 3, topicId: 'id' },
      ownerEpoch: 0,
      saveId: 'begun',
      ledger: [ledgerRow(group, 0, { to: 3 })],
    }
    await move({ files, ledger, group }, scene, [write])
    ledger.close()
  }

  it('between its two files, is shown as Spark would go on, and is finished by the next who writes', async () => {
    const { directory, files } = simple()
    await assert.rejects(tryMove(directory, failing(files, /^commits\//, 'before')), code('STORE_OUTCOME_UNKNOWN'))
    const reader = await open(directory, 'read')
    const seen = await loadOne(reader, group)
    assert.deepEqual([positionOf(seen)?.offset, seen.immovable], [17, undefined])
    assert.match(seen.remarks?.join() ?? '', /a move to batch 2 was begun and not finished/)
    assert.ok(!existsSync(join(directory, 'commits/2')), 'reading finishes nothing')
    const store = await open(directory)
    const finished = await loadOne(store, group)
    assert.deepEqual([positionOf(finished), finished.saveId], [{ offset: 3, topicId: 'id' }, 'begun'])
    assert.equal(readFileSync(join(directory, 'commits/2'), 'utf8'), readFileSync(join(directory, 'commits/1'), 'utf8'))
    assert.deepEqual(await store.ledger({ group }), [ledgerRow(group, 0, { to: 3 })])
    assert.deepEqual(await reader.ledger({ group }), [ledgerRow(group, 0, { to: 3 })])
    await store.close()
    await reader.close()
  })

  it('before its first file, was not made: no row, and the next move finds all as it was', async () => {
    const { directory, files } = simple()
    await assert.rejects(tryMove(directory, failing(files, /^offsets\//, 'before')), code('STORE_UNREACHABLE'))
    const store = await open(directory)
    assert.deepEqual([positionOf(await loadOne(store, group))?.offset, await store.ledger({ group })], [17, []])
    assertSaved(await saveOne(store, group, writeOf(await loadOne(store, group), { position: { offset: 4 } })))
    await store.close()
  })

  it('whose answer was lost is found made by its save ID, and has its row once', async () => {
    const { directory, files } = simple()
    await assert.rejects(tryMove(directory, failing(files, /^offsets\//, 'after')), code('STORE_OUTCOME_UNKNOWN'))
    await using store = await openStore(`spark-checkpoint:${directory}`, { ledger: ledgerBeside(directory) })
    const [custody] = await store.load(group, [at(0)])
    assert.deepEqual([custody?.saveId, (await store.ledger({ group })).length], ['begun', 1])
  })

  it('and then cleaned up by Spark, has a row that says that nobody knows', async () => {
    const { directory, files } = simple()
    await assert.rejects(tryMove(directory, failing(files, /^commits\//, 'before')), code('STORE_OUTCOME_UNKNOWN'))
    for (const folder of ['offsets', 'commits']) rmSync(join(directory, folder), { recursive: true })
    for (const [path, text] of Object.entries(batches(['{"orders":{"0":70}}', '{"orders":{"0":71}}'], 200))) {
      mkdirSync(dirname(join(directory, path)), { recursive: true })
      writeFileSync(join(directory, path), text)
    }
    const store = await open(directory)
    assert.match(JSON.stringify(await store.ledger({ group })), /it is not known whether this move was made/)
    await store.close()
  })
})

describe('what can’t be moved', () => {
  const refusals: [name: string, contents: Record<string, string>, expected: string, beside?: Record<string, string>][] = [
    ['a stateful query', { ...batches(['{"orders":{"0":7}}']), 'state/0/0/1.delta': '' }, 'CHECKPOINT_STATEFUL'],
    ['a planned batch', { ...batches(['{"orders":{"0":7}}']), 'offsets/1': `v1\n${header()}\n{"orders":{"0":8}}` }, 'CHECKPOINT_PLANNED'],
    [
      'a first batch that was killed',
      { 'offsets/0': `v1\n${header()}\n{"orders":{"0":8}}`, 'sources/0/0': '\0v1\n{"orders":{"0":0}}' },
      'CHECKPOINT_PLANNED',
    ],
    ['a query that has no batch yet', { metadata: '{}', 'sources/0/0': '\0v1\n{"orders":{"0":0}}' }, 'CHECKPOINT_READ_ONLY'],
    ['a continuous query', { 'offsets/0': 'v1\n\n{"orders":{"0":8}}', 'commits/0': 'v1\n{}' }, 'CHECKPOINT_READ_ONLY'],
    [
      'progress that is tracked asynchronously',
      { ...batches(['{"orders":{"0":7}}']), ...batches(['{"orders":{"0":8}}', '{"orders":{"0":9}}'], 4) },
      'CHECKPOINT_READ_ONLY',
    ],
    ['a batch that is cleaned up', batches(['{"orders":{"0":7}}'], 4), 'CHECKPOINT_READ_ONLY'],
    ['a partition that two sources read', batches(['{"orders":{"0":7}}\n{"orders":{"0":7}}']), 'CHECKPOINT_READ_ONLY'],
    ['a checkpoint in a file sink’s directory', batches(['{"orders":{"0":7}}']), 'CHECKPOINT_FILE_SINK', { '../_spark_metadata/0': 'v1' }],
    [
      'a checkpoint beside a file sink',
      batches(['{"orders":{"0":7}}'], 0),
      'CHECKPOINT_FILE_SINK',
      { '../out/_spark_metadata/0.compact': 'v1' },
    ],
  ]
  for (const [name, contents, expected, beside = {}] of refusals) {
    it(`${name}: ${expected}, said before and when it is tried, and nothing is written`, async () => {
      const { directory } = checkpoint(contents)
      for (const [path, text] of Object.entries(beside)) {
        mkdirSync(dirname(join(directory, path)), { recursive: true })
        writeFileSync(join(directory, path), text)
      }
      const before = contentsOf(dirname(directory))
      const store = await open(directory)
      const custody = await loadOne(store, group)
      assert.equal(custody.immovable?.code, expected)
      await assert.rejects(saveOne(store, group, writeOf(custody)), code(expected))
      assert.deepEqual(contentsOf(dirname(directory)), before)
      await store.close()
    })
  }

  it('before its first batch begins at startingOffsets, and once it has written those down at nothing else', async () => {
    const hints = [{}, { 'sources/0/0': '\0v1\n{"orders":{"0":0}}' }].map(async (sources) => {
      const { directory } = checkpoint({ metadata: '{}', ...sources })
      const store = await open(directory)
      const { immovable } = await loadOne(store, group)
      await store.close()
      return immovable?.hint
    })
    const [empty, begun] = await Promise.all(hints)
    assert.match(empty ?? '', /Give the query startingOffsets/)
    assert.match(begun ?? '', /remove the checkpoint/)
  })

  it('another query’s file sink beside it, which is at another batch, is no reason', async () => {
    const { directory } = simple()
    mkdirSync(join(directory, '../out/_spark_metadata'), { recursive: true })
    writeFileSync(join(directory, '../out/_spark_metadata/8'), 'v1')
    const store = await open(directory)
    assertSaved(await saveOne(store, group, writeOf(await loadOne(store, group))))
    await store.close()
  })

  it('a topic that no source reads', async () => {
    const { directory } = simple()
    const store = await open(directory)
    const custody = await loadOne(store, group, { topic: 'invoices', partition: 0 })
    await assert.rejects(saveOne(store, group, writeOf(custody)), code('CHECKPOINT_READ_ONLY'))
    await store.close()
  })

  it('a batch whose checksum somebody left when he removed it by hand', async () => {
    const { directory } = simple()
    writeFileSync(join(directory, 'offsets/.2.crc'), 'crc')
    const store = await open(directory)
    await assert.rejects(saveOne(store, group, writeOf(await loadOne(store, group))), code('STORE_CORRUPT'))
    await store.close()
  })

  it('a query that runs: whoever creates the next batch second fails, and writes nothing more', async () => {
    const { directory, files } = simple()
    const scene = await readScene(files)
    const running: Files = {
      url: files.url,
      list: files.list.bind(files),
      read: files.read.bind(files),
      create: (path, content) => {
        if (path === 'offsets/2') writeFileSync(join(directory, path), `v1\n${header()}\n{"orders":{"0":18,"1":20}}`)
        return files.create(path, content)
      },
      close: async () => {},
    }
    const ledger = openLedgerFile(ledgerBeside(directory), `spark-checkpoint:${directory}`)
    const write = {
      ...at(0),
      expected: scene.revision,
      position: { offset: 3 },
      ownerEpoch: 0,
      saveId: 'late',
      ledger: [ledgerRow(group, 0)],
    }
    await assert.rejects(move({ files: running, ledger, group }, scene, [write]), code('GROUP_ACTIVE'))
    ledger.close()
    const store = await open(directory, 'read')
    assert.deepEqual([await store.ledger({ group }), existsSync(join(directory, 'commits/2'))], [[], false])
    assert.deepEqual(offsetsIn(directory, 2), { orders: { 0: 18, 1: 20 } })
    await store.close()
  })
})

describe('opening', () => {
  it('a directory without a checkpoint is STORE_NOT_FOUND, and is not made', async () => {
    const { directory } = checkpoint({})
    for (const path of [directory, join(directory, 'missing')]) await assert.rejects(open(path), code('STORE_NOT_FOUND'))
    assert.ok(!existsSync(join(directory, 'missing')))
  })

  it('takes a file: URL and a relative path for what they name', async () => {
    const { directory } = simple()
    for (const url of [`file://${directory}`, relative(process.cwd(), directory)]) assert.equal(openLocalFiles(url).url, directory)
    await assert.rejects(openSparkCheckpoint('spark-checkpoint:gs://bucket/x', { mode: 'read', timeoutMs: 1 }), code('USAGE'))
  })

  it('for reading makes nothing, not even a ledger', async () => {
    const { directory } = simple()
    const before = contentsOf(dirname(directory))
    const store = await open(directory, 'read')
    await store.load(group)
    await store.ledger({ group })
    await store.close()
    assert.deepEqual(contentsOf(dirname(directory)), before)
  })
})

/** Lines in which the order of partitions does not count: Spark itself writes them in any. */
function sorted(text: string): unknown[] {
  return text.split('\n').map((line) => {
    const json = /^(?:\w+:)?(\{.*\})$/.exec(line)?.[1]
    return json === undefined ? line : [line.slice(0, line.indexOf('{')), JSON.parse(json)]
  })
}
