import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Does `work` while no other process holds the lock. A lock whose owner died is taken over.
 * @template T
 * @param {string} lock a folder that exists while the lock is held
 * @param {() => T | Promise<T>} work
 */
export async function alone(lock, work) {
  mkdirSync(dirname(lock), { recursive: true })
  while (!taken(lock)) {
    if (ownerIsDead(lock)) rmSync(lock, { recursive: true, force: true })
    else await sleep(200)
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

/** @param {string} lock */
function taken(lock) {
  try {
    mkdirSync(lock)
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false
    throw error
  }
  writeFileSync(join(lock, 'pid'), String(process.pid))
  return true
}

/** @param {string} lock */
function ownerIsDead(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return false
  } catch (error) {
    // ENOENT: the owner has not written its number yet, or has just gone.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH'
  }
}
