// node trickle.mjs FLOW: produces until it is killed. Each record's value is the time at which it was sent, ms since 1970, as text.
import { Producer } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import { produceCopies } from '../lab/bulk.ts'

/** @type {import('./flow.ts').Flow} */
const { bootstrapServers, topic, partitions, hotPerSecond } = JSON.parse(process.argv[2] ?? '')
const brokers = bootstrapServers.split(',')
/** Every so often some records go out, so that each partition gets about one in a second. */
const EVERY_MS = 10
const firstCold = hotPerSecond > 0 ? 1 : 0

async function trickle() {
  const producer = new Producer({ clientId: 'bench', bootstrapBrokers: brokers, autocreateTopics: false })
  const cold = partitions - firstCold
  let next = 0
  for (let sent = 0, start = performance.now(); ;) {
    const due = Math.floor(((performance.now() - start) / 1000) * cold)
    const messages = Array.from({ length: due - sent }, () => {
      const value = Buffer.from(String(performance.timeOrigin + performance.now()))
      // A prime step: neighbours in time are no neighbours in the topic.
      return { topic, partition: firstCold + ((next++ * 7919) % cold), value }
    })
    if (messages.length > 0) await producer.send({ messages, acks: 1 })
    sent = due
    await sleep(EVERY_MS)
  }
}

/** Partition 0 gets its records ten times a second. */
async function flood() {
  const perTurn = hotPerSecond / 10
  for (let turn = 0, start = performance.now(); ; turn++) {
    await produceCopies(brokers, { topic, partitions: 1, perPartition: perTurn, valueSize: 100 })
    await sleep(Math.max(0, start + (turn + 1) * 100 - performance.now()))
  }
}

await Promise.all([trickle(), ...(hotPerSecond > 0 ? [flood()] : [])])
