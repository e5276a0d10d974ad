import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { join } from 'node:path'
import { cache } from './paths.mjs'

const folder = join(cache, 'setup.lock')

/**
 * Does `work` while no other process of this checkout is setting up. A lock whose owner died is taken over.
 * @template T
 * @param {() => T | Promise<T>} work
 */
export async function alone(work) {
  mkdirSync(cache, { recursive: true })
  while (!taken()) {
    if (ownerIsDead()) rmSync(folder, { recursive: true, force: true })
    else await sleep(200)
  }
  try {
    return await work()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function taken() {
  try {
    mkdirSync(folder)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
  writeFileSync(join(folder, 'pid'), String(process.pid))
  return true
}

function ownerIsDead() {
  try {
    process.kill(Number(readFileSync(join(folder, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    // ENOENT: the owner has not written its number yet, or has just gone.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}
