// node kafkajs-latency-worker.mjs WATCH: the same with kafkajs, its offsets committed after each batch.
import kafkajs from 'kafkajs'
import { Latency } from './latency.mjs'

/** @type {import('./flow.ts').Watch} */
const watch = JSON.parse(process.argv[2] ?? '')
const kafka = new kafkajs.Kafka({ brokers: watch.bootstrapServers.split(','), logLevel: kafkajs.logLevel.ERROR })
// Its default waits for 5 s where there is nothing to be had; 1 byte is its default too.
const consumer = kafka.consumer({ groupId: `bench-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 500 })
await consumer.connect()
await consumer.subscribe({ topics: [watch.topic], fromBeginning: false })
const latency = new Latency(watch.settleMs)
await consumer.run({
  eachBatch: async ({ batch }) => {
    for (const { value } of batch.messages) latency.saw(value)
  },
})
setTimeout(() => {
  console.log(String(latency))
  process.exit(0)
}, watch.settleMs + watch.measureMs)
