// Started by survivors.test.ts in place of a test runner that is killed.
import { startKafka } from '../../lab/kafka.ts'
import { startZooKeeper } from '../../lab/zookeeper.ts'

const [kafka, zooKeeper] = await Promise.all([startKafka(), startZooKeeper()])
const servers = [kafka.broker(), zooKeeper]
console.log(JSON.stringify({ pids: servers.map((server) => server.pid), folders: servers.map((server) => server.dataDir) }))
setInterval(() => undefined, 60_000)
