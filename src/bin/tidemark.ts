#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

// Every start after the first one finds its code compiled: in Node's own folder of the system's temporary one, or where NODE_COMPILE_CACHE says.
// So what follows is imported only now.
enableCompileCache()
if (process.argv[2] === 'run') (await import('../cli/steady-heap.ts')).restartWithSteadyHeap()
const { main } = await import('../cli/main.ts')

// Two folders up from here is the package, in the sources as in dist/.
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

await main(process.argv.slice(2), version)
