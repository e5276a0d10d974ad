// npm run chaos [-- --seed N --faults N --store zookeeper|sqlite|both]: a real broker, a real ZooKeeper, real workers, and a planned fault every other second.
// In the end every id that was produced was handled, or the ledger says why not. Exit code 1 where that is not so.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { smallDisk, withSmallDisk } from './disk.ts'
import { planOf, type StoreKind } from './plan.ts'
import { isGood, reportOf } from './report.ts'
import { logFolder, playRound } from './round.ts'
import { openStage, type Stage } from './stage.ts'
import { Teller } from './tell.ts'

const DEFAULT_FAULTS = 200
const MOST_SEEDS = 2 ** 31
/** How long an orderly end may take, ms. What is left then goes with this process. */
const PATIENCE_MS = 10_000

interface Settings {
  readonly seed: number
  readonly faults: number
  readonly stores: readonly StoreKind[]
}

let stage: Stage | undefined
let ending = false

function settingsOf(): Settings {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, faults: { type: 'string' }, store: { type: 'string', default: 'both' } },
  })
  const stores = ({ zookeeper: ['zookeeper'], sqlite: ['sqlite'], both: ['zookeeper', 'sqlite'] } as const)[values.store]
  if (stores === undefined) throw new Error(`--store takes zookeeper, sqlite or both, not '${values.store}'`)
  const seed = numberOf('--seed', values.seed ?? String(Math.floor(Math.random() * MOST_SEEDS)))
  return { seed, faults: numberOf('--faults', values.faults ?? String(DEFAULT_FAULTS)), stores }
}

function numberOf(name: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${name} takes a whole number, not '${text}'`)
  return Number(text)
}

/** Plays the rounds; whether all of them came out well. */
async function play({ seed, faults, stores }: Settings): Promise<boolean> {
  const each = Math.ceil(faults / stores.length)
  const teller = new Teller(each * stores.length)
  teller.say(`chaos with seed ${seed}: ${each} faults with each of ${stores.join(', ')}; starting a broker and a ZooKeeper`)
  if (stores.includes('sqlite') && smallDisk() === undefined) teller.say('no small disk can be mounted here: no disk will be full')
  stage = await openStage()
  let good = true
  for (const store of stores) {
    const outcome = await playRound(store, planOf(seed, each, store), stage, teller)
    // The plan is made of the seed and the number for each store.
    for (const line of reportOf(outcome, `npm run chaos -- --seed ${seed} --faults ${each} --store ${store}`)) teller.say(line)
    if (!isGood(outcome)) teller.say(`  the workers' logs: ${logFolder}`)
    good &&= isGood(outcome)
  }
  return good
}

/** Ends all that was started, and then this process. What is not up yet ends with it: its supervisor sees to that. */
async function end(code: number): Promise<void> {
  if (ending) return
  ending = true
  await Promise.race([Promise.allSettled([stage?.[Symbol.asyncDispose]()]), sleep(PATIENCE_MS)])
  process.exit(code)
}

process.on('SIGINT', () => void end(130))
process.on('SIGTERM', () => void end(143))
process.on('SIGHUP', () => void end(129))
// Whoever read this has gone away: npm run chaos | head
process.stdout.on('error', () => void end(1))
try {
  const settings = settingsOf()
  if (settings.stores.includes('sqlite')) await withSmallDisk()
  await end((await play(settings)) ? 0 : 1)
} catch (error) {
  if (!ending) process.stderr.write(`\nchaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  await end(1)
}
