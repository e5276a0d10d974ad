// npm run simulate [-- --seeds N] [--from N] [--seed N] [--bug NAME]: the real job under faults that a seed decides, on all processors.
import { parseArgs } from 'node:util'
import { withProgress } from '../src/cli/progress.ts'
import { BUGS } from './bugs/planted.ts'
import { runSeeds } from './crew.ts'
import { report } from './report.ts'
import { simulate } from './simulation.ts'

const USAGE = `npm run simulate -- [--seeds 1000] [--from 1] [--bug NAME]   run that many seeds
npm run simulate -- --seed N [--bug NAME]                    run one, and tell everything that happens
bugs: ${Object.keys(BUGS).join(', ')}`

/** Violations that are told of before the rest is only counted. */
const MOST_TOLD = 10

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      bug: { type: 'string' },
    },
  })
  const { seed, seeds, from, bug } = values
  const numbers = [seed ?? '1', seeds, from].map(Number)
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0) || (bug !== undefined && !Object.hasOwn(BUGS, bug))) {
    process.stderr.write(`${USAGE}\n`)
    return 2
  }
  return seed === undefined ? many({ from: Number(from), count: Number(seeds), bug }) : one(Number(seed), bug)
}

async function one(seed: number, bug: string | undefined): Promise<number> {
  const outcome = await simulate(seed, { bug: bug === undefined ? undefined : BUGS[bug], isTraced: true })
  process.stdout.write(`${outcome.trace.join('\n')}\n`)
  process.stdout.write(`seed ${seed}: ${outcome.produced} records, ${outcome.handled} of them handled\n`)
  if (outcome.violations.length > 0) process.stdout.write(`${report(outcome, bug)}\n`)
  return outcome.violations.length > 0 ? 1 : 0
}

async function many({ from, count, bug }: { from: number; count: number; bug: string | undefined }): Promise<number> {
  let done = 0
  const started = performance.now()
  const failed = await withProgress(
    'simulating',
    'seeds',
    () => ({ value: done, total: count }),
    () => runSeeds({ from, count, bug }, ({ seeds }) => void (done += seeds)),
  )
  for (const outcome of failed.slice(0, MOST_TOLD)) process.stdout.write(`${report(outcome, bug)}\n`)
  const seconds = (performance.now() - started) / 1000
  process.stdout.write(
    `${count} seeds in ${seconds.toFixed(1)} s (${Math.round(count / seconds)}/s): ${failed.length} broke an invariant\n`,
  )
  return failed.length > 0 ? 1 : 0
}

process.exitCode = await main()
