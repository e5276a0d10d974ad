// node kafkajs-worker.mjs TASK: reads a topic to its end with kafkajs, eachBatch, its offsets committed after each batch, and prints what that took, as JSON.
import kafkajs from 'kafkajs'

/** @type {import('./contenders.ts').Task} */
const task = JSON.parse(process.argv[2] ?? '')
const kafka = new kafkajs.Kafka({ brokers: task.bootstrapServers.split(','), logLevel: kafkajs.logLevel.ERROR })
const consumer = kafka.consumer({ groupId: `bench-${process.pid}-${Date.now()}` })
const { promise: isOver, resolve: end } = Promise.withResolvers()
let start = 0
let records = 0
consumer.on('consumer.group_join', () => (start = performance.now()))
consumer.on('consumer.commit_offsets', () => void (records >= task.records && end(undefined)))
await consumer.connect()
await consumer.subscribe({ topics: [task.topic], fromBeginning: true })
await consumer.run({ eachBatch: async ({ batch }) => void (records += batch.messages.length) })
await isOver
console.log(JSON.stringify({ records, ms: performance.now() - start }))
await consumer.disconnect()
