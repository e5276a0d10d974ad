import { TidemarkError } from '../errors.ts'
import type { OpenDriver } from './driver.ts'
import { schemeOf } from './url.ts'

/** The backends by their URL's scheme. Each one is loaded when a store of its kind is opened, and not before. */
const backends: Readonly<Record<string, () => Promise<OpenDriver>>> = {
  sqlite: async () => (await import('./sqlite.ts')).openSqlite,
  zookeeper: async () => (await import('./zookeeper/driver.ts')).openZookeeper,
  'spark-checkpoint': async () => (await import('./spark-checkpoint/driver.ts')).openSparkCheckpoint,
  kafka: async () => (await import('./kafka/driver.ts')).openKafka,
  memory: async () => (await import('./memory.ts')).openMemory,
}

/** How the URLs of stores can begin, without the colon. */
export const STORE_SCHEMES: readonly string[] = Object.keys(backends)

/** The backend that a URL names. @throws TidemarkError USAGE for a scheme that there is none for. */
export async function backendOf(url: string): Promise<OpenDriver> {
  const scheme = schemeOf(url)
  const load = Object.hasOwn(backends, scheme) ? backends[scheme] : undefined
  if (load === undefined) {
    throw new TidemarkError('USAGE', `there is no store ${scheme}:`, {
      hint: `There are ${STORE_SCHEMES.map((name) => `${name}:`).join(', ')}`,
    })
  }
  return load()
}
