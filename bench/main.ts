// npm run bench [-- [NAME...] [--runs N] [--records N]]: measures Tidemark beside what people use today, and prints Markdown tables. Nothing is asserted.
import { parseArgs } from 'node:util'
import type { Benchmark, Settings } from './benchmark.ts'
import { check } from './check.ts'
import { help } from './help.ts'
import { describeMachine } from './machine.ts'
import { memory } from './memory.ts'
import { codecs, run } from './run.ts'
import { save } from './save.ts'
import { spark } from './spark.ts'
import { spread } from './spread.ts'
import { printTable } from './table.ts'
import { watch } from './watch.ts'

const benchmarks: Readonly<Record<string, Benchmark>> = { save, help, check, watch, run, codecs, memory, spread, spark }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '5' }, records: { type: 'string', default: '5000000' } },
})

function settingsFor(name: string): Settings {
  const [runs, records] = [Number(values.runs), Number(values.records)]
  if (![runs, records].every((value) => Number.isSafeInteger(value) && value > 0)) throw new Error('--runs and --records take a number')
  return { runs, records, say: (text) => process.stderr.write(`bench ${name}: ${text}\n`) }
}

async function main(): Promise<void> {
  const names = positionals.length > 0 ? positionals : Object.keys(benchmarks)
  const unknown = names.find((name) => benchmarks[name] === undefined)
  if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}, only ${Object.keys(benchmarks).join(', ')}`)
  process.stdout.write(`${await describeMachine()}; ${values.runs} runs\n\n`)
  for (const name of names) {
    const tables = await benchmarks[name]?.(settingsFor(name))
    for (const table of tables ?? []) process.stdout.write(`${printTable(table)}\n`)
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
