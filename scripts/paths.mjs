import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's root folder. */
export const root = fileURLToPath(new URL('..', import.meta.url))

/** What this checkout fetches and makes, git ignores and a second run uses again. Nothing is kept outside it but what npm, Maven and pip cache themselves. */
export const cache = join(root, '.cache')

/** The Node 24 that the `node` package brings; development and tests run on it whatever the system has. */
export const node24 = join(root, 'node_modules/node/bin/node')
