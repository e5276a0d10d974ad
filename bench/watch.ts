import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark } from './benchmark.ts'
import { built } from './built.ts'
import { fillTopics, PARTITIONS_EACH, TOPICS } from './many-partitions.ts'
import { commitGroups, GROUPS, PARTITIONS_PER_GROUP, storeGroups } from './many-groups.ts'
import type { Measured } from './measure.ts'
import { watchRounds } from './rounds.ts'
import { startBroker } from './servers.ts'

/** Memory is looked at after the first round, half of these, and all. */
const ROUNDS = 100

/** `watch` of a thousand groups and ten thousand partitions, in the process that a user runs. */
export const watch: Benchmark = async (settings) => {
  const { bin } = await built(settings)
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  const partitions = TOPICS.length * PARTITIONS_EACH
  const sqlite = `sqlite:${join(folder, 'tidemark.db')}`
  settings.say(`starting a broker with ${partitions.toLocaleString('en-US')} partitions`)
  await using kafka = await startBroker()
  try {
    await fillTopics(kafka.bootstrapServers, settings.say)
    settings.say(`storing the offsets of ${GROUPS.toLocaleString('en-US')} groups`)
    await storeGroups(sqlite, kafka.bootstrapServers)
    await commitGroups(kafka.bootstrapServers)
    const rows: Measured[] = []
    const notes: string[] = []
    for (const [name, url] of Object.entries({ 'sqlite:': sqlite, 'kafka:': 'kafka:' })) {
      settings.say(`${ROUNDS} rounds over ${name}`)
      const { first, later, memoryMb } = await watchRounds(bin, { folder, url, bootstrapServers: kafka.bootstrapServers, rounds: ROUNDS })
      rows.push(measured(`a round over \`${name}\``, later), measured(`the first round over \`${name}\`, with its connections`, [first]))
      const [early, half, all] = memoryMb.map((mb) => mb.toFixed(0))
      notes.push(
        `Resident memory with \`${name}\`: ${early} MB after the first round, ${half} MB after ${ROUNDS / 2}, ${all} MB after ${ROUNDS}.`,
      )
    }
    return [
      {
        title: `watch: ${GROUPS.toLocaleString('en-US')} groups of ${PARTITIONS_PER_GROUP} partitions, ${partitions.toLocaleString('en-US')} partitions in all`,
        unit: { name: 'ms', digits: 0, better: 'less' },
        rows: rows.map((one) => ({ measured: one })),
        notes,
      },
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function measured(name: string, values: readonly number[]): Measured {
  return { name, values, peaksMb: [], p99s: [] }
}
