#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { main } from '../cli/main.ts'

// Two folders up from here is the package, in the sources as in dist/.
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

await main(process.argv.slice(2), version)
