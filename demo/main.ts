// npm run demo [-- --keep]: the story of an offset that is kept by hand in ZooKeeper, and of six accidents, on real servers.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { closeTheBooks } from './closing.ts'
import { oldJobGoesOn } from './old-job.ts'
import { Orders } from './orders.ts'
import { group, openStage, partitions, topic, type Stage } from './stage.ts'
import { ahead } from './steps/ahead.ts'
import { brokerAway } from './steps/broker-away.ts'
import { expired } from './steps/expired.ts'
import { killed } from './steps/killed.ts'
import { lostWrite } from './steps/lost-write.ts'
import { recreated } from './steps/recreated.ts'
import type { Story } from './story.ts'
import { during, heading, output, say } from './tell.ts'
import { settings, useSettings } from './tidemark.ts'
import { killWorkers } from './worker.ts'

const steps = [killed, expired, ahead, lostWrite, recreated, brokerAway]
/** How long an orderly end may take, ms. What is left then goes with this process. */
const patience = 10_000

let stage: Stage | undefined
/** The exit code that a Ctrl-C comes to: once the story is over, the story's. */
let interrupted = 130
let ending = false

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { keep: { type: 'boolean', default: false } } })
  heading('Tidemark: an offset kept by hand in ZooKeeper, and six accidents')
  stage = await during('starting a Kafka broker and a ZooKeeper', openStage())
  useSettings(stage)
  const code = (await tell(stage)) ? 0 : 1
  if (!values.keep) return end(code)
  interrupted = code
  printCommands(stage)
  await new Promise(() => setInterval(() => undefined, 60_000))
}

/** Tells the whole story; whether all of it came out as it should. */
async function tell(set: Stage): Promise<boolean> {
  const orders = new Orders(set)
  const story: Story = { stage: set, orders, replanned: [] }
  orders.topicMade(await during('creating the topic', set.admin.createTopic(topic, { partitions: partitions.length })))
  introduce(set)
  for (const step of steps) await step(story)
  const balances = await closeTheBooks(story)
  return (await oldJobGoesOn(story)) && balances
}

function introduce({ kafka, zooKeeper }: Stage): void {
  say(
    `A job reads the topic ${topic} from Kafka, handles every order, and keeps its offsets by hand in ZooKeeper, where it moves them only after the work succeeded. ` +
      'It is the job of an article on ZooKeeper and Kafka disagreeing about offsets, only that Tidemark keeps the offsets now. In the next minute it meets six accidents, all of them real. ' +
      'Every order carries an id, and at the end every id is accounted for.',
  )
  output(`\nKafka ${kafka.bootstrapServers}   ZooKeeper ${zooKeeper.connectString}   the job: demo/job.ts`)
}

function printCommands(set: Stage): void {
  heading('The servers stay up until Ctrl-C')
  say('Try, in another terminal, from this folder:')
  const exports = Object.entries(settings(set)).map(([name, value]) => `export ${name}=${value}`)
  const handler =
    "echo 'export default ({ records }) => { for (const { value } of records) console.log(String(value)) }' > /tmp/handler.mjs"
  const lines = [
    `check --group ${group}`,
    `explain ${group} ${topic} 0`,
    `ledger --group ${group}`,
    `run --group ${group} --handler /tmp/handler.mjs --until-end`,
    `reset --group ${group} --topic ${topic}:0 --shift-by -5`,
  ]
  output(['', ...exports, handler, ...lines.map((line) => `npm run -s tidemark -- ${line}`)].join('\n'))
}

/** Ends all that was started, and then this process. What is not up yet ends with it: its supervisor sees to that. */
async function end(code: number): Promise<void> {
  if (ending) return
  ending = true
  killWorkers()
  await Promise.race([Promise.allSettled([stage?.[Symbol.asyncDispose]()]), sleep(patience)])
  process.exit(code)
}

process.on('SIGINT', () => void end(interrupted))
process.on('SIGTERM', () => void end(143))
process.on('SIGHUP', () => void end(129))
// Whoever read this has gone away: npm run demo | head
process.stdout.on('error', () => void end(1))
try {
  await main()
} catch (error) {
  if (!ending) process.stderr.write(`\ndemo: ${error instanceof Error ? error.message : String(error)}\n`)
  await end(1)
}
