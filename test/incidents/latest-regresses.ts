import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { check } from '../../src/index.ts'
import type { Incident } from './incident.ts'
import type { Scene } from './scene.ts'

/**
 * A new leader does not know yet how far its log is committed, and an old client would be told an older end than the one that was
 * read (KIP-207; Spark calls it KAFKA-7703). Brokers that know better refuse to say: OFFSET_NOT_AVAILABLE.
 */
export const latestRegresses: Incident = {
  name: 'latest regresses for a moment in a failover',
  source: 'https://github.com/apache/spark/pull/23324',
  async happens(scene) {
    await scene.createTopic({ replicas: [[1, 2, 3]] })
    await scene.produce(40)
    await scene.read()
    const job = scene.startJob()
    await scene.produce(1)
    await job.until(() => job.handled.length === 1)
    await scene.kafka.broker(1).kill() // the followers have the record, and have not heard yet that all of them do
    await job.stop()
    await failOver(scene)
  },
  mends: bringBack,
  verdict: 'valid',
  evidence: ['the offset 41 lies within the log, 0 to 41'],
  repairedTo: null,
  spark: 'asks again up to three times (SPARK-26267)',
}

/** Broker 1 has died, and broker 2 comes to lead: for a moment it does not know how far the log is committed, which nobody may take for an older end. */
export async function failOver(scene: Scene): Promise<void> {
  const third = scene.kafka.broker(3)
  await sleep(2_500)
  third.pause() // missed later than broker 1: until then broker 2 leads, and waits to hear from it
  const states = new Set<string>()
  while (!states.has('known')) states.add(await look(scene))
  third.resume()
  assert.ok(states.has('OFFSET_NOT_AVAILABLE'), `seen: ${[...states].join()}`)
}

export async function bringBack({ kafka }: Scene): Promise<void> {
  kafka.broker(3).resume()
  await kafka.broker(1).start()
}

/** What can be known of the partition now; whatever it is, a check never calls the offset ahead. */
async function look(scene: Scene): Promise<string> {
  const [facts] = await scene.log.facts([{ topic: scene.topic, partition: 0 }])
  const [row] = await check(scene.log, scene.store, { ...scene.options, secondLookMs: 50 })
  assert.ok(row?.verdict === 'unknown' || row?.verdict === 'valid', row?.evidence.join())
  if (facts?.state === 'known') return facts.leaderId === 1 ? 'not noticed' : 'known'
  return facts?.state === 'unknown' ? facts.reason : 'absent'
}
