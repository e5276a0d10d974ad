import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '../../src/index.ts'
import type { Incident } from './incident.ts'

/**
 * The whole store is restored from a backup: the older offset is in range, its identity is right, and its ledger is as old as
 * itself. Nothing in the store contradicts it; only a second record that was not restored with it could.
 */
export const storeRestored: Incident = {
  name: 'store restored to an older value',
  source: 'https://github.com/apache/iceberg/issues/10892',
  async happens(scene) {
    const [file, backup] = [join(scene.stage.directory, 'restored.db'), join(scene.stage.directory, 'backup.db')]
    await scene.store.close()
    scene.store = await openStore(`sqlite:${file}`)
    await scene.createTopic()
    await scene.produce(50)
    await scene.read()
    await scene.store.close()
    copyFileSync(file, backup)
    scene.store = await openStore(`sqlite:${file}`)
    await scene.produce(50)
    await scene.read()
    await scene.store.close()
    copyFileSync(backup, file)
    scene.store = await openStore(`sqlite:${file}`)
  },
  verdict: 'valid',
  evidence: ['the offset 50 lies within the log, 0 to 100'],
  repairedTo: null,
  spark: 'reads 50 records a second time, without a word',
}
