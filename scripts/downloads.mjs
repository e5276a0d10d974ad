// Folders that are fetched once, for all checkouts of a user. A folder appears under its final name only when it is whole.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { downloads } from './paths.mjs'

/**
 * Where a download is kept. What it is made from is in its name, so that checkouts which differ in that do not share it.
 * @param {string} name with the version
 * @param {string[]} madeFrom texts that decide what is in it
 */
export function downloadFolder(name, ...madeFrom) {
  const hash = createHash('sha256').update(JSON.stringify(madeFrom)).digest('hex')
  return join(downloads, madeFrom.length === 0 ? name : `${name}-${hash.slice(0, 8)}`)
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
