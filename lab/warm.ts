// Starts each server once and lets Java write down the classes that it loaded: later starts take half the time. Run by scripts/servers.mjs.
import { existsSync, renameSync } from 'node:fs'
import { classArchive } from '../scripts/jars.mjs'
import { LabAdmin } from './admin.ts'
import { quickStart } from './java.ts'
import { startKafka } from './kafka.ts'
import { startZooKeeper } from './zookeeper.ts'

function archiving(part: string): { javaSwitches: string[] } {
  return { javaSwitches: ['-Xmx512m', ...quickStart, `-XX:ArchiveClassesAtExit=${part}`, '-Xlog:cds=off', '-Xlog:cds+dynamic=off'] }
}

async function warmKafka(part: string): Promise<void> {
  await using kafka = await startKafka(archiving(part))
  await using admin = new LabAdmin(kafka.bootstrapServers)
  await admin.createTopic('warm')
  await admin.transact('warm', [{ topic: 'warm', partition: 0, value: 'warm' }], 'commit')
  await kafka.broker().stop()
}

async function warmZooKeeper(part: string): Promise<void> {
  await using zooKeeper = await startZooKeeper(archiving(part))
  await zooKeeper.stop()
}

for (const [kind, warm] of [['kafka', warmKafka] as const, ['zookeeper', warmZooKeeper] as const]) {
  const archive = classArchive(kind)
  const part = `${archive}.${process.pid}`
  if (existsSync(archive)) continue
  await warm(part)
  renameSync(part, archive)
}
