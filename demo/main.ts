// npm run demo [-- --keep]: the story of an offset that is kept by hand in ZooKeeper, and of six accidents, on real servers;
// with --without-servers on an in-memory log and SQLite.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { closeTheBooks } from './closing.ts'
import { oldJobGoesOn } from './old-job.ts'
import { Orders } from './orders.ts'
import { group, partitions, topic, type Stage } from './stage.ts'
import { ahead } from './steps/ahead.ts'
import { brokerAway } from './steps/broker-away.ts'
import { expired } from './steps/expired.ts'
import { killed } from './steps/killed.ts'
import { lostWrite } from './steps/lost-write.ts'
import { recreated } from './steps/recreated.ts'
import type { Story } from './story.ts'
import { during, heading, output, remark, say } from './tell.ts'
import { useStage } from './tidemark.ts'
import { killWorkers } from './worker.ts'

const steps = [killed, expired, ahead, lostWrite, recreated, brokerAway]
/** How long an orderly end may take, ms. What is left then goes with this process. */
const patience = 10_000

let stage: Stage | undefined
/** The exit code that a Ctrl-C comes to: once the story is over, the story's. */
let interrupted = 130
let ending = false

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { keep: { type: 'boolean', default: false }, 'without-servers': { type: 'boolean', default: false } },
  })
  stage = values['without-servers'] ? await withoutServers(values.keep) : await onServers()
  useStage(stage)
  const code = (await tell(stage)) ? 0 : 1
  if (!values.keep) return end(code)
  interrupted = code
  printCommands(stage)
  await new Promise(() => setInterval(() => undefined, 60_000))
}

async function onServers(): Promise<Stage> {
  const { openServers } = await import('./on-servers.ts')
  title('ZooKeeper')
  return during('starting a Kafka broker and a ZooKeeper', openServers())
}

async function withoutServers(keep: boolean): Promise<Stage> {
  if (keep) throw new Error('--keep is for real servers: nobody else can reach what is in memory')
  remark(
    "Without Kafka and ZooKeeper, which need Java: the log is in this process's memory and plays Kafka, and what befalls it is made by the demo. " +
      'The job is a process of its own, killed with a real kill -9, and keeps its offsets in a real SQLite file.',
  )
  const { openInMemory } = await import('./in-memory.ts')
  title('SQLite')
  return openInMemory()
}

function title(store: string): void {
  heading(`Tidemark: an offset kept by hand in ${store}, and six accidents`)
}

/** Tells the whole story; whether all of it came out as it should. */
async function tell(set: Stage): Promise<boolean> {
  const orders = new Orders(set)
  const story: Story = { stage: set, orders, replanned: [] }
  orders.topicMade(await during('creating the topic', set.topics.createTopic(topic, { partitions: partitions.length })))
  introduce(set)
  for (const step of steps) await step(story)
  const balances = await closeTheBooks(story)
  return (await oldJobGoesOn(story)) && balances
}

function introduce({ words, places }: Stage): void {
  say(
    `A job reads the topic ${topic} from ${words.log}, handles every order, and keeps its offsets by hand in ${words.store}, where it moves them only after the work succeeded. ` +
      `It is the job of an article on ZooKeeper and Kafka disagreeing about offsets, only that Tidemark keeps the offsets now. In the next minute it meets six accidents, ${words.real}. ` +
      'Every order carries an id, and at the end every id is accounted for.',
  )
  output(`\n${places}   the job: demo/job.ts`)
}

function printCommands(set: Stage): void {
  heading('The servers stay up until Ctrl-C')
  say('Try, in another terminal, from this folder:')
  const exports = Object.entries(set.settings).map(([name, value]) => `export ${name}=${value}`)
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
