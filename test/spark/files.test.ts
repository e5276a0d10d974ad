import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { startHdfs, type HdfsServer } from '../../lab/hdfs.ts'
import { startMoto, type MotoServer } from '../../lab/moto.ts'
import { openFiles, type Files } from '../../src/files/files.ts'
import { positionOf } from '../../src/core/custody.ts'
import { openSparkCheckpoint } from '../../src/store/spark-checkpoint/driver.ts'
import { code, writeOf } from '../../src/testing/conformance/harness.ts'
import { temporaryDirectory } from '../store/temporary.ts'
import { fixture } from './checkpoints.ts'

/** What all kinds of files must do; `open` gives an empty root, of the same name each time. */
function filesContract(kind: string, open: (name: string) => Promise<Files>): void {
  describe(`files ${kind}`, () => {
    it('what was created is read as it was put, and listed by its name', async () => {
      const files = await open(randomUUID())
      assert.equal(await files.create('offsets/7', 'v1\n{"ä":1}'), true)
      assert.equal(await files.create('offsets/10', 'x'), true)
      assert.equal((await files.read('offsets/7'))?.toString('utf8'), 'v1\n{"ä":1}')
      assert.equal((await files.read('offsets/10'))?.length, 1)
      assert.deepEqual((await files.list('offsets'))?.toSorted(), ['10', '7'])
      assert.deepEqual(await files.list('.'), ['offsets'])
      await files.close()
    })

    it('what is not there is nothing, neither an error nor empty; a file is no directory', async () => {
      const files = await open(randomUUID())
      await files.create('offsets/7', 'x')
      for (const path of ['missing', 'offsets/8', 'missing/8']) assert.equal(await files.read(path), undefined)
      for (const path of ['missing', 'offsets/7', 'offsets/7/deeper']) assert.equal(await files.list(path), undefined)
      await files.close()
    })

    it('a file is never overwritten, and of many that make it at once exactly one does', async () => {
      const name = randomUUID()
      const handles = [await open(name), await open(name)] as const
      const attempts = Array.from({ length: 8 }, (_, index) => handles[index % 2 === 0 ? 0 : 1].create('offsets/7', `text ${index}`))
      const made = await Promise.all(attempts)
      assert.equal(made.filter(Boolean).length, 1)
      const [first] = handles
      assert.equal((await first.read('offsets/7'))?.toString(), `text ${made.indexOf(true)}`)
      assert.equal(await first.create('offsets/7', 'later'), false)
      assert.deepEqual(await first.list('offsets'), ['7'], 'no temporary file stays')
      for (const handle of handles) await handle.close()
    })

    it('names with spaces and signs are kept, and `..` leads to what is beside the root', async () => {
      const name = randomUUID()
      const files = await open(`${name}/a b+ü%`)
      await files.create('sources/k1 %/0', 'x')
      const above = await open(name)
      assert.deepEqual([await files.list('sources'), await above.list('.')], [['k1 %'], ['a b+ü%']])
      assert.equal((await above.read('a b+ü%/sources/k1 %/0'))?.toString(), 'x')
      await above.create('_spark_metadata/0', 'x')
      assert.deepEqual(await files.list('../_spark_metadata'), ['0'])
      for (const handle of [files, above]) await handle.close()
    })

    it('a checkpoint there is read and moved like one on a disk, and of two moves at once one is first', async () => {
      const files = await open(randomUUID())
      const { directory: local, expected } = fixture('v41-union', 'clean')
      for (const path of readdirSync(local, { recursive: true, encoding: 'utf8' })) {
        if (statSync(join(local, path)).isFile() && !basename(path).startsWith('.'))
          await files.create(path, readFileSync(join(local, path), 'utf8'))
      }
      const options = { mode: 'write', timeoutMs: 10_000, ledger: join(temporaryDirectory(), 'ledger.db') } as const
      const [one, two] = await Promise.all([0, 1].map(() => openSparkCheckpoint(`spark-checkpoint:${files.url}`, options)))
      assert.ok(one !== undefined && two !== undefined)
      const custodies = await one.load('label')
      const offsets = Object.fromEntries(custodies.map((custody) => [`${custody.topic}/${custody.partition}`, positionOf(custody)?.offset]))
      const firsts = Object.entries(expected.resume_by_restart.first_batch?.ranges ?? {}).map(([name, { first }]) => [name, first])
      assert.deepEqual(offsets, Object.fromEntries(firsts))
      const writes = custodies.map((custody) => writeOf(custody, { position: { offset: 5, topicId: 'id' } }))
      const results = await Promise.all([
        one.save('label', writes),
        two.save(
          'label',
          writes.map((write) => ({ ...write, saveId: 'other' })),
        ),
      ])
      assert.deepEqual(new Set(results.map(([result]) => result?.status)), new Set(['changed', 'saved']))
      for (const custody of await two.load('label')) assert.deepEqual(positionOf(custody), { offset: 5, topicId: 'id' })
      assert.equal((await files.read('commits/6'))?.toString(), readFileSync(join(local, 'commits/5'), 'utf8'))
      for (const closing of [one, two, files]) await closing.close()
    })

    it('more names than come in one answer are listed all', async () => {
      const files = await open(randomUUID())
      const names = Array.from({ length: 60 }, (_, index) => String(index))
      await Promise.all(names.map((name) => files.create(`offsets/${name}`, 'x')))
      assert.deepEqual((await files.list('offsets'))?.toSorted(), names.toSorted())
      await files.close()
    })
  })
}

const directory = temporaryDirectory()
filesContract('on a disk', (name) => openFiles(`${directory}/${name}`))

let moto: MotoServer
let hdfs: HdfsServer
const environment = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key' }

before(async () => {
  ;[moto, hdfs] = await Promise.all([startMoto(), startHdfs()])
  Object.assign(process.env, environment, { AWS_ENDPOINT_URL: moto.endpoint })
  const client = new S3Client({ forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  client.destroy()
})
after(() => Promise.all([moto.close(), hdfs.close()]))

filesContract('on S3', (name) => openFiles(`s3://bucket/${name}`))
filesContract('on HDFS', (name) => openFiles(`hdfs://${hdfs.address}/${name}`))

describe('HDFS', () => {
  it('what another user may not have is STORE_DENIED', async () => {
    const ours = await openFiles(`hdfs://${hdfs.address}/ours`)
    await ours.create('offsets/0', 'x')
    const theirs = await openFiles(`hdfs://stranger@${hdfs.address}/ours`)
    assert.equal((await theirs.read('offsets/0'))?.toString(), 'x')
    await assert.rejects(theirs.create('offsets/1', 'x'), code('STORE_DENIED'))
  })

  it('a namenode that is away is STORE_UNREACHABLE; a URL without one, USAGE', async () => {
    const closed = createServer()
    await once(closed.listen(0, '127.0.0.1'), 'listening')
    const { port } = closed.address() as AddressInfo
    await once(closed.close(), 'close')
    const files = await openFiles(`hdfs://127.0.0.1:${port}/x`)
    await assert.rejects(files.list('offsets'), code('STORE_UNREACHABLE'))
    await assert.rejects(files.read('metadata'), code('STORE_UNREACHABLE'))
    await assert.rejects(files.create('offsets/0', 'x'), code('STORE_UNREACHABLE'))
    await assert.rejects(openFiles('hdfs:///x'), code('USAGE'))
  })
})

describe('S3', () => {
  it('takes Spark’s own scheme for what it is', async () => {
    const name = randomUUID()
    await using client = disposable(new S3Client({ forcePathStyle: true }))
    await client.it.send(new PutObjectCommand({ Bucket: 'bucket', Key: `${name}/offsets/0`, Body: 'x' }))
    const files = await openFiles(`s3a://bucket/${name}/`)
    assert.deepEqual([files.url, await files.list('offsets')], [`s3://bucket/${name}`, ['0']])
    await files.close()
  })

  it('a bucket that is not there is STORE_NOT_FOUND; one that is named wrongly, USAGE', async () => {
    const files = await openFiles('s3://no-such-bucket/x')
    await assert.rejects(files.list('offsets'), code('STORE_NOT_FOUND'))
    await assert.rejects(files.read('metadata'), code('STORE_NOT_FOUND'))
    await assert.rejects(files.create('offsets/0', 'x'), code('STORE_NOT_FOUND'))
    await files.close()
    await assert.rejects(openFiles('s3://'), code('USAGE'))
  })

  it('a region that is not set is USAGE', async () => {
    delete process.env['AWS_REGION']
    try {
      const files = await openFiles('s3://bucket/x')
      await assert.rejects(files.read('metadata'), code('USAGE'))
      await files.close()
    } finally {
      Object.assign(process.env, environment)
    }
  })

  it('a server that is away is STORE_UNREACHABLE, for a creation too: nothing was sent', async () => {
    process.env['AWS_ENDPOINT_URL'] = 'http://127.0.0.1:1'
    try {
      const files = await openFiles('s3://bucket/x')
      await assert.rejects(files.read('metadata'), code('STORE_UNREACHABLE'))
      await assert.rejects(files.create('offsets/0', 'x'), code('STORE_UNREACHABLE'))
      await files.close()
    } finally {
      process.env['AWS_ENDPOINT_URL'] = moto.endpoint
    }
  })

  it('a connection that is lost while a file is created leaves its outcome unknown', async () => {
    const silent = createServer((request) => request.on('data', () => request.socket.destroy()))
    await once(silent.listen(0, '127.0.0.1'), 'listening')
    process.env['AWS_ENDPOINT_URL'] = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    try {
      const files = await openFiles('s3://bucket/x')
      await assert.rejects(files.create('offsets/0', 'x'), code('STORE_OUTCOME_UNKNOWN'))
      await files.close()
    } finally {
      process.env['AWS_ENDPOINT_URL'] = moto.endpoint
      silent.close()
    }
  })
})

function disposable<T extends { destroy(): void }>(it: T): AsyncDisposable & { readonly it: T } {
  return { it, [Symbol.asyncDispose]: async () => it.destroy() }
}
