// npm run example:spark: a PySpark streaming query under `tidemark guard`, its offsets in ZooKeeper, on real servers; four accidents, and the account of ids.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { balances, close, type Handled, type Order, type Span } from '../../lab/account.ts'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka } from '../../lab/kafka.ts'
import { sparkEnvironment } from '../../lab/spark.ts'
import { waitFor } from '../../lab/wait.ts'
import { startZooKeeper } from '../../lab/zookeeper.ts'
import { openStore } from '../../src/index.ts'

const TOPIC = 'orders'
const GROUP = 'billing'
const PARTITIONS = [0, 1, 2]
const PATIENCE_MS = 300_000
const root = join(import.meta.dirname, '../..')

function say(text: string): void {
  process.stdout.write(`\n${text}\n`)
}

say('Starting Kafka and ZooKeeper; the first time Spark is fetched, some 450 MB.')
const folder = mkdtempSync(join(tmpdir(), 'tidemark-spark-'))
const environment = await sparkEnvironment('4.2.0')
const [kafka, zooKeeper] = await Promise.all([startKafka(), startZooKeeper()])
const admin = new LabAdmin(kafka.bootstrapServers)
const store = await openStore(`zookeeper://${zooKeeper.connectString}`)
const [checkpoint, sink] = [join(folder, 'checkpoint'), join(folder, 'sink')]
const produced: Order[] = []
const topics: { topicId: string; since: number }[] = []
/** What was in hand at the kill: Spark runs that batch again as it was. */
const replanned: Span[] = []

/** So many orders more in each partition, each with an id. */
async function produce(count: number): Promise<void> {
  const topicId = topics.at(-1)?.topicId ?? ''
  for (const partition of PARTITIONS) {
    const from = produced.filter((order) => order.topicId === topicId && order.partition === partition).length
    const orders = Array.from({ length: count }, (_, index): Order => {
      return { id: `${topics.length}-${partition}-${from + index}`, topicId, partition, offset: from + index }
    })
    await admin.produce(orders.map(({ id }) => ({ topic: TOPIC, partition, value: id })))
    produced.push(...orders)
  }
}

function guard(): ChildProcess {
  const options = [
    '--bootstrap-server',
    kafka.bootstrapServers,
    '--store',
    store.url,
    '--group',
    GROUP,
    '--topic',
    TOPIC,
    '--checkpoint',
    checkpoint,
  ]
  const query = ['python3', join(root, 'examples/spark/orders.py'), kafka.bootstrapServers, checkpoint, sink]
  const words = [join(root, 'src/bin/tidemark.ts'), 'guard', '--ledger', join(folder, 'ledger.db'), ...options, '--', ...query]
  const child = spawn(process.execPath, words, { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] })
  // Spark's own lines are many; Tidemark's begin with the time, or its name.
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) if (/^(\d{4}-\d\d-\d\dT|tidemark|the command)/.test(line)) process.stdout.write(`    ${line}\n`)
  })
  return child
}

function handled(): Handled[] {
  const lines = existsSync(sink) ? readFileSync(sink, 'utf8').split('\n').slice(0, -1) : []
  return lines.map((line) => {
    const [partition, offset, id = ''] = line.split(' ')
    return { id, partition: Number(partition), offset: Number(offset) }
  })
}

async function caughtUp(): Promise<void> {
  const ends = await Promise.all(PARTITIONS.map(async (partition) => (await admin.offsets(TOPIC, partition)).end))
  await waitFor(
    'the query to catch up',
    async () => {
      const custody = await store.load(GROUP)
      return (
        custody.length > 0 &&
        custody.every(({ stored, partition }) => stored.state === 'position' && stored.position.offset === ends[partition])
      )
    },
    PATIENCE_MS,
  )
}

/** From where the store stands: a batch of 100 that was committed may not have been saved yet, and the next one was planned. */
async function noteBatchInHand(): Promise<void> {
  for (const { topic, partition, stored } of await store.load(GROUP)) {
    const fromOffset = stored.state === 'position' ? stored.position.offset : 0
    const why = `in hand at the kill: ${topic}-${partition} from ${fromOffset} on`
    replanned.push({ topicId: topics.at(-1)?.topicId ?? '', partition, fromOffset, untilOffset: fromOffset + 200, why })
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal)
  await once(child, 'exit')
}

async function tell(): Promise<boolean> {
  topics.push({ topicId: await admin.createTopic(TOPIC, { partitions: PARTITIONS.length }), since: Date.now() })
  await produce(200)
  say('1. A new group: no checkpoint, nothing stored. The store says where the query begins, and has its offsets after each batch.')
  const first = guard()
  await caughtUp()
  say('2. More orders; then kill -9, Tidemark and with it the query, while it works on them.')
  const before = handled().length
  await produce(200)
  await waitFor('some of them to be handled', () => handled().length > before, PATIENCE_MS)
  await end(first, 'SIGKILL')
  await noteBatchInHand()
  say('   While nobody reads, retention takes what partition 0 has, but for ten orders. Then the query is started again.')
  await produce(50)
  await admin.deleteRecords(TOPIC, 0, 440)
  const second = guard()
  await caughtUp()
  await end(second, 'SIGTERM')
  say(
    '3. The topic is deleted and made anew, and grows past the offsets that the query had: Spark alone would read on in the middle of it.',
  )
  topics.push({ topicId: await admin.recreateTopic(TOPIC, { partitions: PARTITIONS.length }), since: Date.now() })
  await produce(600)
  const third = guard()
  await caughtUp()
  say('4. ZooKeeper is stopped for a while: the query goes on, and its offsets are saved when ZooKeeper is back.')
  await zooKeeper.stop()
  await produce(100)
  await waitFor('the query to go on', () => new Set(handled().map(({ id }) => id)).has('2-2-699'), PATIENCE_MS)
  await zooKeeper.start()
  await caughtUp()
  await end(third, 'SIGTERM')
  return account()
}

/** Of each id: handled, and if not, which row of the ledger says why. */
async function account(): Promise<boolean> {
  const ledger = await store.ledger({ group: GROUP })
  const { ids, twice } = counts()
  const books = close({ produced, handled: handled(), ledger, replanned, topics })
  say('The account:')
  process.stdout.write(`  ${produced.length} ids produced\n  ${ids} handled, ${twice} of them twice\n`)
  for (const [why, lost] of books.removed) process.stdout.write(`  ${lost.length} removed before they could be read (${why})\n`)
  process.stdout.write(`  ${books.missing.length} missing, ${books.extra.length} that nobody produced\n`)
  return balances(books)
}

function counts(): { ids: number; twice: number } {
  const all = handled().map(({ id }) => id)
  const ids = new Set(all).size
  return { ids, twice: all.length - ids }
}

try {
  const isRight = await tell()
  say(isRight ? 'Every id is accounted for.' : 'The account does not balance.')
  process.exitCode = isRight ? 0 : 1
} finally {
  await store.close()
  await admin.close()
  await Promise.all([kafka.close(), zooKeeper.close()])
  rmSync(folder, { recursive: true })
}
process.exit()
