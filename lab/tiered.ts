import { join } from 'node:path'
import { prepareJarSet } from '../scripts/jar-sets.mjs'
import type { Settings } from './kafka-format.ts'

/** The properties of a broker that moves closed segments of topics with `remote.storage.enable` to a folder, its remote storage (KIP-405). */
export async function tieredTo(folder: string): Promise<Settings> {
  return {
    'remote.log.storage.system.enable': true,
    'remote.log.storage.manager.class.name': 'org.apache.kafka.server.log.remote.storage.LocalTieredStorage',
    'remote.log.storage.manager.class.path': join(await prepareJarSet('tiered'), '*'),
    'rsm.config.dir': folder,
    'remote.log.metadata.manager.listener.name': 'PLAINTEXT',
    'rlmm.config.remote.log.metadata.topic.num.partitions': 1,
    'rlmm.config.remote.log.metadata.topic.replication.factor': 1,
    'remote.log.manager.task.interval.ms': 200,
  }
}
