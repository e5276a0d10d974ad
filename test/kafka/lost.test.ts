import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { kafkaFrames } from '../../lab/frames.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { startProxy, type Proxy } from '../../lab/proxy.ts'
import { waitFor } from '../../lab/wait.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Log } from '../../src/kafka/log.ts'

const listOffsets = 2

describe('a connection to a broker', { timeout: 120_000 }, () => {
  const question = { topic: 't', partition: 0 }
  let kafka: KafkaCluster
  let admin: LabAdmin
  let proxy: Proxy
  let log: Log

  before(async () => {
    kafka = await startKafka()
    admin = new LabAdmin(kafka.bootstrapServers)
    await admin.createTopic('t')
    proxy = await startProxy({ target: kafka.broker().port, protocol: kafkaFrames })
    log = await connect({ bootstrapServers: kafka.bootstrapServers, timeoutMs: 6000 })
  })

  after(async () => {
    await log?.close()
    await admin?.close()
    await proxy?.close()
    await kafka?.close()
  })

  async function states(): Promise<string[]> {
    const facts = await log.facts([question, { topic: 'gone', partition: 0 }])
    return facts.map((each) => (each.state === 'unknown' ? each.reason : each.state))
  }

  it('follows a broker that moved to another port', async () => {
    assert.deepEqual(await states(), ['known', 'absent'])
    const settings = join(dirname(kafka.broker().dataDir), 'server.properties')
    const moved = readFileSync(settings, 'utf8').replace(/^(advertised\.listeners=.*:)\d+$/m, `$1${proxy.port}`)
    assert.ok(moved.includes(String(proxy.port)))
    writeFileSync(settings, moved)
    await kafka.broker().restart()
    await waitFor(
      'facts through the new port',
      async () => (await states())[0] === 'known' && (proxy.requestCounts.get(listOffsets) ?? 0) > 0,
    )
  })

  it('is made again after it was lost', async () => {
    proxy.dropConnections()
    assert.deepEqual(await states(), ['known', 'absent'])
  })

  it('is made again when it breaks in the middle of a request', async () => {
    const lost = proxy.loseReply(listOffsets)
    assert.deepEqual(await states(), ['known', 'absent'])
    await lost
  })

  it('is given up when the broker does not answer: that partition is unknown', async () => {
    const held = proxy.hold(listOffsets, 'replies')
    assert.deepEqual(await states(), ['TIMED_OUT', 'absent'])
    held.release()
    assert.deepEqual(await states(), ['known', 'absent'])
  })

  it('tells nothing of a topic that was made anew between two requests', async () => {
    const held = proxy.hold(listOffsets, 'replies')
    const asked = states()
    await held.arrived
    await admin.recreateTopic('t')
    held.release()
    assert.deepEqual(await asked, ['TOPIC_ID_CHANGED', 'absent'])
    assert.deepEqual(await states(), ['known', 'absent'])
  })

  it('can be waited for as long as the caller likes', async () => {
    const held = proxy.hold(listOffsets, 'replies')
    const asked = log.facts([question], { signal: AbortSignal.timeout(100) })
    await assert.rejects(asked, { name: 'TimeoutError' })
    held.release()
  })
})
