import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../src/index.ts'
import { BareClient } from './bare-zookeeper.ts'
import type { Benchmark, Settings } from './benchmark.ts'
import { alternate, median, type Contender } from './measure.ts'
import { PARTITIONS, Saver } from './saver.ts'
import { startKeeper } from './servers.ts'
import type { Row, Table } from './table.ts'

/** Batches saved in one round. */
const BATCHES = 200

/** One batch saved, through the store's wrapper and beside the bare client; see saver.ts for what is saved. */
export const save: Benchmark = async (settings) => {
  settings.say('starting a ZooKeeper')
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  await using keeper = await startKeeper()
  await using zookeeper = await openStore(`zookeeper://${keeper.connectString}`)
  await using sqlite = await openStore(`sqlite:${join(folder, 'tidemark.db')}`)
  // Groups with names of equal length, so that the paths are too.
  const [mine, theirs, file] = [new Saver(zookeeper, 'bench-ours'), new Saver(zookeeper, 'bench-bare'), new Saver(sqlite, 'bench')]
  for (const saver of [mine, theirs, file]) await saver.open()
  const bare = new BareClient(keeper.connectString)
  await bare.open('bench-bare', 'orders')
  try {
    return [await compare(mine, file, bare, settings)]
  } finally {
    bare.close()
    rmSync(folder, { recursive: true })
  }
}

async function compare(mine: Saver, file: Saver, bare: BareClient, settings: Settings): Promise<Table> {
  const measured = await alternate(
    {
      bare: each('bare node-zookeeper-client, the same znodes and bytes in one multi', () => bare.write()),
      together: each('Tidemark, ZooKeeper: a batch saved and the next one planned, one write', () => mine.together()),
      apart: each('Tidemark, ZooKeeper: a batch planned, then saved, two writes', () => mine.apart()),
      sqlite: each('Tidemark, SQLite: saved and planned, one write', () => file.together()),
      sqliteApart: each('Tidemark, SQLite: planned, then saved, two writes', () => file.apart()),
    },
    settings,
  )
  const { bare: client, together, apart, sqlite, sqliteApart } = measured
  const rows: Row[] = [
    { measured: client },
    { measured: together, beside: [{ measured: client, called: 'the bare client', kind: 'cost', targets: [1.5, 1.2] }] },
    { measured: apart, beside: [{ measured: client, called: 'the bare client', kind: 'cost', targets: [] }] },
    { measured: sqlite, beside: [{ measured: together, called: 'ZooKeeper', kind: 'speed-up', targets: [] }] },
    { measured: sqliteApart },
  ]
  return {
    title: `save: one batch of ${PARTITIONS} partitions, the median of ${BATCHES}`,
    unit: { name: 'ms', digits: 2, better: 'less' },
    rows,
  }
}

function each(name: string, work: () => Promise<void>): Contender {
  const run = async () => {
    const times = []
    for (let count = 0; count < BATCHES; count++) {
      const start = performance.now()
      await work()
      times.push(performance.now() - start)
    }
    return { value: median(times) }
  }
  return { name, run }
}
