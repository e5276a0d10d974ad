import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** What this checkout makes, git ignores and a second run uses again. */
export const cache = join(root, '.cache')

/** What is fetched once for all checkouts: servers, Spark, other versions of Node. */
export const downloads = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tidemark')

/** The Node 24 that the `node` package brings; development and tests run on it whatever the system has. */
export const node24 = join(root, 'node_modules/node/bin/node')
