import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { waitFor } from '../../lab/wait.ts'
import type { Running } from '../cli/command.ts'
import type { Servers } from '../cli/servers.ts'

export const PARTITIONS = [0, 1, 2]

/**
 * A job under guard, group billing, that reads orders and appends `OFFSET PARTITION.ID` of each record to its partition's file in sink/; its
 * offsets are in ZooKeeper.
 */
export class ReportingJob {
  readonly #at: Servers
  readonly #command: readonly string[]
  #produced = 0

  constructor(at: Servers, command: readonly string[]) {
    this.#at = at
    this.#command = command
  }

  /** How many records each partition has got: their ids are counted from 0, and are their offsets too. */
  get produced(): number {
    return this.#produced
  }

  guard(): Running {
    return this.#at.start('guard', '--group', 'billing', '--topic', 'orders', '--', ...this.#command)
  }

  async produce(count: number): Promise<void> {
    for (const partition of PARTITIONS)
      await this.#at.admin.produce(
        Array.from({ length: count }, (_, index) => ({ topic: 'orders', partition, value: `${partition}.${this.#produced + index}` })),
      )
    this.#produced += count
  }

  /** The ids of a partition, in the order in which they were handled. */
  handled(partition: number, topic = 'orders'): number[] {
    const file = join(this.#at.directory, 'sink', `${topic}-${partition}`)
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
    return lines.map((line) => Number(line.split('.')[1]))
  }

  /** The znodes of the old consumer: bare numbers. */
  async stored(): Promise<number[]> {
    const get = async (partition: number) =>
      Number((await this.#at.stranger.get(`/consumers/billing/offsets/orders/${partition}`))?.data ?? 0)
    return Promise.all(PARTITIONS.map(get))
  }

  async isDone(): Promise<boolean> {
    return (await this.stored()).every((offset) => offset === this.#produced)
  }
}

/** The process that a guard runs. */
export function pidOfJob(running: Running): number {
  const guardPid = running.process.pid
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const job = children.find((pid) => {
    const file = `/proc/${pid}/status`
    const status = existsSync(file) ? readFileSync(file, 'utf8') : ''
    return status.includes(`PPid:\t${guardPid}\n`) && status.startsWith('Name:\tjava')
  })
  return Number(job)
}

/** Kills the job, its guard or both with -9, and waits until they are gone. */
export async function kill(victim: 'job' | 'guard' | 'both', running: Running): Promise<void> {
  const pid = pidOfJob(running)
  if (victim !== 'guard') process.kill(pid, 'SIGKILL')
  if (victim !== 'job') running.process.kill('SIGKILL')
  const { code, signal, stderr } = await running.ended
  if (victim === 'job') assert.deepEqual([code, signal], [137, null], stderr)
  await waitFor('the job to end with its guard', () => !existsSync(`/proc/${pid}`))
}
