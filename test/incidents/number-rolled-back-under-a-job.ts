import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'

/** Somebody restores the number in ZooKeeper under a running job: it can't overwrite that, says so, and goes on from there. */
export const numberRolledBackUnderAJob: Incident = {
  name: 'number restored to an older one under a job',
  source: 'https://github.com/apache/iceberg/issues/10892',
  store: 'zookeeper',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    const job = scene.startJob()
    await job.until(async () => (await scene.readBare()) === '100')
    await scene.commitBare(50)
    scene.readAgain({ fromOffset: 50, untilOffset: 100, why: 'somebody put 50 there' })
    await scene.produce(10)
    await job.until(() => job.handled.length === 160)
    await job.stop()
    assert.ok(job.notices.some(({ text }) => text.includes('was moved by somebody else')))
  },
  verdict: 'valid',
  evidence: ['the offset 110 lies within the log, 0 to 110'],
  repairedTo: null,
  spark: 'keeps its offsets in its checkpoint, which nobody is to touch while it runs',
}
