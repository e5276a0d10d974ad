import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import { startZooKeeper } from '../../lab/zookeeper.ts'

/** What a ZooKeeper answers to a four-letter word, or nothing within a second. */
function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(word))
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })
}

describe('the lab', () => {
  it('keeps a broker’s records through a stop and a kill, and gives its port and folder back at the end', async () => {
    const kafka = await startKafka()
    const { dataDir } = kafka.broker()
    await using admin = new LabAdmin(kafka.bootstrapServers)
    await admin.createTopic('kept')
    await admin.produce([{ topic: 'kept', partition: 0, value: 'a' }])
    await kafka.broker().restart()
    await admin.produce([{ topic: 'kept', partition: 0, value: 'b' }])
    await kafka.broker().kill()
    assert.equal(kafka.broker().pid, undefined)
    await kafka.broker().start()
    assert.deepEqual(await admin.offsets('kept', 0), { start: 0, end: 2 })
    await kafka.close()
    assert.ok(!existsSync(dataDir))
  })

  it('fills, trims, grows and recreates topics', async () => {
    await using kafka = await startKafka()
    await using admin = new LabAdmin(kafka.bootstrapServers)
    const first = await admin.createTopic('t', { partitions: 2 })
    await admin.produceCopies({ topic: 't', partitions: 2, perPartition: 2500, valueSize: 100 })
    await admin.deleteRecords('t', 1, 1000)
    assert.deepEqual(await admin.offsets('t', 0), { start: 0, end: 2500 })
    assert.deepEqual(await admin.offsets('t', 1), { start: 1000, end: 2500 })
    await admin.addPartitions('t', 3)
    await admin.transact('x', [{ topic: 't', partition: 2, value: 'in a transaction' }], 'abort')
    assert.deepEqual(await admin.offsets('t', 2), { start: 0, end: 2 }, 'the record and its abort marker')
    assert.notEqual(await admin.recreateTopic('t'), first)
    assert.deepEqual(await admin.offsets('t', 0), { start: 0, end: 0 })
  })

  it('goes on with two of three brokers', { timeout: 120_000 }, async () => {
    await using kafka = await startKafka({ brokers: 3 })
    await using admin = new LabAdmin(kafka.bootstrapServers)
    await admin.createTopic('replicated', { replicas: [[2, 3]], configs: { 'min.insync.replicas': 1 } })
    await admin.produce([{ topic: 'replicated', partition: 0, value: 'a' }])
    await kafka.broker(2).kill()
    await admin.produce([{ topic: 'replicated', partition: 0, value: 'b' }])
    assert.deepEqual(await admin.offsets('replicated', 0), { start: 0, end: 2 })
  })

  it('freezes a ZooKeeper and lets it go on', async () => {
    await using zooKeeper = await startZooKeeper()
    zooKeeper.pause()
    // A signal that is sent has not yet arrived in all of a process's threads.
    await waitFor('a ZooKeeper that says nothing', async () => (await ask(zooKeeper.port, 'srvr')) === '')
    zooKeeper.resume()
    assert.match(await ask(zooKeeper.port, 'srvr'), /Mode: standalone/)
    await zooKeeper.restart()
    assert.match(await ask(zooKeeper.port, 'srvr'), /Mode: standalone/)
  })

  it('shows the server’s own words when it does not start', async () => {
    await assert.rejects(startKafka({ properties: { 'num.io.threads': -1 } }), /ended while starting[^]*num\.io\.threads/)
  })

  it('removes nothing at its end but the lab’s own temporary files', () => {
    const foreign = mkdtempSync(join(tmpdir(), 'not-tidemark-'))
    writeFileSync(join(foreign, 'kept'), '')
    const supervisor = join(import.meta.dirname, '../../lab/supervisor.ts')
    const ended = spawnSync(process.execPath, [supervisor, foreign], { input: '', encoding: 'utf8' })
    assert.equal(ended.status, 1)
    assert.match(ended.stderr, /a supervisor is not to remove .*not-tidemark-/)
    assert.ok(existsSync(join(foreign, 'kept')))
    rmSync(foreign, { recursive: true })
  })
})
