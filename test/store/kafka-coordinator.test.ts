import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startKafka, type Broker, type KafkaCluster } from '../../lab/kafka.ts'
import { positionOf } from '../../src/core/custody.ts'
import { GroupScene } from './kafka-scene.ts'

describe('a group whose coordinator moves', { timeout: 240_000 }, () => {
  let kafka: KafkaCluster
  let scene: GroupScene
  const place = { topic: 'orders', partition: 0 }

  before(async () => {
    kafka = await startKafka({ brokers: 3 })
    scene = await GroupScene.on(kafka)
    await scene.admin.createTopic('orders', { replicas: [[1, 2, 3]] })
  })

  after(async () => {
    await scene?.close()
    await kafka?.close()
  })

  /** The broker that keeps every group: it leads the one partition of the topic that Kafka keeps them in. */
  const coordinator = async (): Promise<Broker> => {
    const [facts] = await scene.log.facts([{ topic: '__consumer_offsets', partition: 0 }])
    assert.ok(facts?.state === 'known')
    return kafka.broker(facts.leaderId)
  }

  const move = async (offset: number): Promise<void> => {
    const { revision } = await scene.custody('billing', 'orders')
    const write = { ...place, expected: revision, position: { offset }, ownerEpoch: 0, saveId: `to-${offset}`, ledger: [] }
    const [result] = await scene.store.save('billing', [write])
    assert.equal(result?.status, 'saved')
  }

  for (const end of ['stop', 'kill'] as const) {
    it(`is asked wherever it is, while its broker is told to ${end} and after it is back: no look finds another offset, and moves go on`, async () => {
      await move(end === 'stop' ? 5 : 7)
      const expected = positionOf(await scene.custody('billing', 'orders'))?.offset
      const broker = await coordinator()
      const over = new AbortController()
      const ending = broker[end]().finally(() => over.abort())
      for (let looks = 0; !over.signal.aborted || looks < 5; looks++) {
        assert.equal(positionOf(await scene.custody('billing', 'orders'))?.offset, expected)
      }
      await ending
      assert.notEqual((await coordinator()).id, broker.id)
      await move(6)
      await broker.start()
      assert.equal(positionOf(await scene.custody('billing', 'orders'))?.offset, 6)
      assert.ok((await scene.store.groups()).includes('billing'))
    })
  }
})
