import assert from 'node:assert/strict'
import { reset } from '../../src/index.ts'
import type { Incident } from './incident.ts'

/** What another program puts where the number belongs, and what it is called. */
interface Overwritten extends Pick<Incident, 'name' | 'source' | 'spark'> {
  readonly value: string
  /** Why it is no offset. */
  readonly reason: string
}

/**
 * Another program writes over the number in ZooKeeper while a job's batch is in hand: the job leaves that as it is, stops, and says what it had saved last.
 * Somebody puts the offset back there, and the batch is worked on again.
 */
function overwrittenUnderAJob({ value, reason, ...rest }: Overwritten): Incident {
  return {
    ...rest,
    store: 'zookeeper',
    underAJob: true,
    async happens(scene) {
      const gate = Promise.withResolvers<void>()
      await scene.createTopic()
      await scene.produce(50)
      const job = scene.startJob({ maxRecords: 30, before: async () => (job.batches === 2 ? gate.promise : undefined) })
      await job.until(() => job.batches === 2)
      await scene.commitBare(value)
      gate.resolve()
      assert.equal(await job.failure(), 'POLICY_FAIL')
      assert.equal(await scene.readBare(), value, 'it is not overwritten')
      assert.equal(job.handled.length, 50, 'its batch was handled, and could not be saved')
      await reset(scene.log, scene.store, { ...scene.options, target: { kind: 'to-offset', offset: 30 }, execute: true })
      const next = scene.startJob()
      await next.until(() => next.handled.length === 20)
      await next.stop()
    },
    verdict: 'corrupt',
    evidence: [
      `the stored value ${JSON.stringify(value)} is no offset: ${reason}`,
      'another program put that there: Tidemark saved 30 last',
    ],
    repairedTo: 30,
  }
}

export const minusOneUnderAJob = overwrittenUnderAJob({
  name: 'minus one under a job, and put back by reset',
  source: 'https://github.com/IBM/sarama/issues/925',
  value: '-1',
  reason: 'it is negative',
  spark: "can't be in a checkpoint",
})

export const longMaxValueUnderAJob = overwrittenUnderAJob({
  name: 'Long.MAX_VALUE under a job, and put back by reset',
  source: 'https://github.com/SOHU-Co/kafka-node/issues/7',
  value: '9223372036854775807',
  reason: 'it is beyond 2^53 - 1',
  spark: "can't be in a checkpoint",
})

export const textUnderAJob = overwrittenUnderAJob({
  name: 'text under a job, and put back by reset',
  source: 'https://github.com/quantifind/KafkaOffsetMonitor/issues/69',
  value: '{"offset":7,"partition":0}',
  reason: 'it is no whole number',
  spark: 'keeps its offsets in its checkpoint, which nobody is to touch while it runs',
})
