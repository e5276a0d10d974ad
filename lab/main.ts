// npm run lab [-- --brokers N]: real servers to try things on, until Ctrl-C.
import { parseArgs } from 'node:util'
import { startKafka } from './kafka.ts'
import { startZooKeeper } from './zookeeper.ts'

function brokerCount(): number {
  const { values } = parseArgs({ options: { brokers: { type: 'string', default: '1' } } })
  const count = Number(values.brokers)
  if (Number.isInteger(count) && count >= 1 && count <= 9) return count
  throw new Error(`--brokers takes a number from 1 to 9, not '${values.brokers}'`)
}

/** Resolves at the first Ctrl-C or SIGTERM. A repeated one changes nothing: npm and the terminal may both pass it on. */
function untilAskedToStop(): Promise<void> {
  return new Promise((resolve) => {
    // Servers are held without keeping this process alive; this does.
    const alive = setInterval(() => undefined, 60_000)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        clearInterval(alive)
        resolve()
      })
    }
  })
}

async function main(): Promise<void> {
  const brokers = brokerCount()
  const stopRequest = untilAskedToStop()
  process.stderr.write(`starting ${brokers === 1 ? 'a broker' : `${brokers} brokers`} and a ZooKeeper\n`)
  const servers = Promise.all([startKafka({ brokers }), startZooKeeper()])
  const started = await Promise.race([servers, stopRequest])
  // Asked to stop while starting: the supervisors end the servers when this process does.
  if (started === undefined) process.exit(0)
  const [kafka, zooKeeper] = started
  const [bootstrapServers, store] = [kafka.bootstrapServers, `zookeeper://${zooKeeper.connectString}`]
  process.stdout.write(`Kafka      ${bootstrapServers}\nZooKeeper  ${zooKeeper.connectString}\n\nTry, in another terminal:\n`)
  process.stdout.write(
    `  npm run -s tidemark -- check --bootstrap-server ${bootstrapServers} --store ${store} --group demo\n\nCtrl-C stops them.\n`,
  )
  await stopRequest
  process.stderr.write('stopping\n')
  await Promise.all([kafka.close(), zooKeeper.close()])
}

try {
  await main()
} catch (error) {
  process.stderr.write(`lab: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
