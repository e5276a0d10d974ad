import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PARTITIONS_EACH, TOPICS } from './many-partitions.ts'

/** What to watch. */
interface Watched {
  readonly folder: string
  /** Of the store. */
  readonly url: string
  readonly bootstrapServers: string
  readonly rounds: number
}

/** How long the rounds of a watch took, ms, and its resident memory after the first of them, half of them and all. */
interface Rounds {
  readonly first: number
  readonly later: readonly number[]
  readonly memoryMb: readonly number[]
}

interface RoundEvent {
  readonly event: string
  readonly seconds: number
  readonly verdicts: Readonly<Record<string, number>>
}

/** Lets `tidemark watch` make so many rounds, one after the other. */
export async function watchRounds(bin: string, { folder, url, bootstrapServers, rounds }: Watched): Promise<Rounds> {
  const file = join(folder, 'watch.json')
  const stores = { one: { store: url, 'all-groups': true } }
  writeFileSync(
    file,
    JSON.stringify({ listen: false, interval: '1ms', clusters: { main: { 'bootstrap-server': bootstrapServers, stores } } }),
  )
  const child = spawn(process.execPath, [bin, 'watch', file, '--timeout', '30s'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const took: number[] = []
  const memoryMb: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const { event, seconds, verdicts } = JSON.parse(line) as RoundEvent
    if (event !== 'round') throw new Error(`the watch told of ${line}`)
    if (verdicts['valid'] !== TOPICS.length * PARTITIONS_EACH) throw new Error(`it did not find all valid: ${line}`)
    took.push(seconds * 1_000)
    if (took.length === 1 || took.length === rounds / 2 || took.length === rounds) memoryMb.push(residentMb(child.pid))
    if (took.length === rounds) break
  }
  child.kill()
  const [first = NaN, ...later] = took
  return { first, later, memoryMb }
}

/** As Linux tells it. */
function residentMb(pid: number | undefined): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1]) / 1024
}
