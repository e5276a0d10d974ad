// Folders that are fetched once. A folder appears under its final name only when it is whole.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { cache } from './paths.mjs'

/**
 * Where a download is kept. What it is made from is in its name, so that it is fetched anew where a pull or another branch changes that.
 * @param {string} name with the version
 * @param {string[]} madeFrom texts that decide what is in it
 */
export function downloadFolder(name, ...madeFrom) {
  const hash = createHash('sha256').update(JSON.stringify(madeFrom)).digest('hex')
  return join(cache, madeFrom.length === 0 ? name : `${name}-${hash.slice(0, 8)}`)
}

/**
 * Fills a folder, unless it is there. `fill` is given an empty folder, which then gets the final name.
 * @param {string} folder
 * @param {(part: string) => void | Promise<void>} fill
 */
export async function fetchOnce(folder, fill) {
  if (existsSync(folder)) return
  await alone(`${folder}.lock`, async () => {
    if (existsSync(folder)) return
    const part = `${folder}.part`
    rmSync(part, { recursive: true, force: true })
    mkdirSync(part)
    try {
      await fill(part)
      renameSync(part, folder)
    } finally {
      rmSync(part, { recursive: true, force: true })
    }
  })
}
