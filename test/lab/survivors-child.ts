// Started by survivors.test.ts, which kills it or the test runner above it.
import { renameSync, writeFileSync } from 'node:fs'
import { startKafka } from '../../lab/kafka.ts'
import { startZooKeeper } from '../../lab/zookeeper.ts'

const [kafka, zooKeeper] = await Promise.all([startKafka(), startZooKeeper()])
const servers = [kafka.broker(), zooKeeper]
const file = process.env['TIDEMARK_SURVIVORS'] ?? ''
const started = { pids: servers.map((server) => server.pid), folders: servers.map((server) => server.dataDir) }
// Renamed, so that nobody reads half of it.
writeFileSync(`${file}.part`, JSON.stringify(started))
renameSync(`${file}.part`, file)
setInterval(() => undefined, 60_000)
