import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../scripts/paths.mjs'
import type { Settings } from './benchmark.ts'
import { runProcess } from './process.ts'

/** The published form, whose speed is what users get. */
export interface Built {
  readonly bin: string
  readonly library: string
}

let building: Promise<Built> | undefined

/** Builds the published form, once. */
export function built({ say }: Settings): Promise<Built> {
  building ??= build(say)
  return building
}

async function build(say: Settings['say']): Promise<Built> {
  say('building dist/')
  await runProcess(process.execPath, [join(root, 'scripts/build.mjs')])
  const bin = join(root, 'dist/bin/tidemark.js')
  if (!existsSync(bin)) throw new Error(`the build made no ${bin}`)
  return { bin, library: join(root, 'dist/index.js') }
}
