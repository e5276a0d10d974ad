import { positionOf } from '../src/core/custody.ts'
import { keyOf } from '../src/core/position.ts'
import { reasonOf } from '../src/job/handling.ts'
import type { Bug } from './bugs/bug.ts'
import { withIntervalsOn } from './intervals.ts'
import { Nemesis } from './nemesis.ts'
import { calm } from './network.ts'
import { Operator } from './operator.ts'
import { LETTERS } from './settings.ts'
import { Slot } from './slot.ts'
import { startWorker, withoutHost } from './worker.ts'
import { World, type Violation } from './world.ts'

/** What one seed came to. */
export interface Outcome {
  readonly seed: number
  readonly violations: readonly Violation[]
  /** Records that were written, and that were handled. */
  readonly produced: number
  readonly handled: number
  /** What happened, line by line, where it was asked for. */
  readonly trace: readonly string[]
}

/** More turns than this, and something goes round in circles. */
const MOST_TURNS = 200_000
/** How often a worker is started to finish the work once all is quiet. */
const MOST_STARTS = 12
/** After so long in quiet nothing is on its way any more, ms. */
const SETTLED_MS = 35_000
/** How long a worker may take to finish once all is quiet, ms. */
const FINISH_MS = 600_000

/** Runs the simulation of one seed: trouble, then quiet, then the account. */
export async function simulate(
  seed: number,
  { bug, isTraced = false }: { bug?: Bug | undefined; isTraced?: boolean } = {},
): Promise<Outcome> {
  const world = await World.make(seed, bug, isTraced)
  const { stackTraceLimit } = Error
  // Traces of calls that nobody reads are most of what an error costs.
  if (!isTraced) Error.stackTraceLimit = 0
  try {
    await withIntervalsOn(world.clock, () => turn(world, live(world)))
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
  const { records } = world.kafka
  return {
    seed,
    violations: world.violations,
    produced: records.length,
    handled: records.filter(({ handled }) => handled > 0).length,
    trace: world.trace.lines.map(withoutHost),
  }
}

/** Turns the clock until the story is over. */
async function turn(world: World, story: Promise<void>): Promise<void> {
  const state = { isOver: false }
  const told = story.finally(() => (state.isOver = true))
  told.catch(() => {}) // it is thrown below
  await world.clock.advance(0)
  for (let turns = 0; !state.isOver; turns++) {
    if (turns > MOST_TURNS) return world.violate('gets-there', `nothing is over after ${MOST_TURNS} turns of the clock`)
    if (!(await world.clock.step()) && !state.isOver)
      return world.violate('gets-there', 'everybody waits, and nothing will happen any more')
  }
  await told
}

async function live(world: World): Promise<void> {
  const { kafka, settings, random } = world
  for (const [topic, partitions] of settings.topics) kafka.createTopic(topic, partitions)
  if (typeof settings.onFailure !== 'string') kafka.log.createTopic(LETTERS)
  for (const partition of world.partitions()) kafka.produce(partition, random.between(0, settings.backlog))
  const slots = Array.from({ length: settings.workers }, (_, index) => new Slot(world, `worker${index + 1}`))
  const running = slots.map((slot) => slot.run())
  const until = world.clock.now() + settings.troubledMs
  await Promise.all([new Nemesis(world, slots).rage(), produce(world, until)])
  await calmDown(world, slots)
  await Promise.race([Promise.all(running), world.clock.sleep(SETTLED_MS)])
  await finish(world)
  world.tell('over')
}

async function produce(world: World, until: number): Promise<void> {
  const { clock, kafka, settings } = world
  const random = world.random.fork()
  while (clock.now() < until) {
    await clock.sleep(1 + random.next() * 2 * settings.produceEveryMs)
    const partition = random.pick(world.partitions())
    if (partition?.leaderId !== undefined) kafka.produce(partition, random.between(1, 6))
  }
}

/** Everything that was broken is mended, and the workers end. */
async function calmDown(world: World, slots: readonly Slot[]): Promise<void> {
  world.trace.note('quiet', () => 'comes')
  await Promise.all(slots.map((slot) => slot.end(20_000)))
  await world.clock.sleep(SETTLED_MS)
  const { kafka, weather, moods } = world
  Object.assign(weather, calm())
  Object.assign(moods, { throws: 0, hangs: 0 })
  kafka.log.setDown(false)
  while (kafka.endTransaction('committed')) {
    // one after the other
  }
  for (const broker of kafka.log.brokers) kafka.log.setLag(broker, 0)
  for (const partition of world.partitions()) {
    if (partition.leaderId === undefined) partition.elect(1)
    partition.rejoin()
    partition.replicate(true)
  }
}

/** With nothing wrong any more, what is left is repaired and done. */
async function finish(world: World): Promise<void> {
  const operator = await Operator.start(world, 'operator')
  if (world.random.chance(0.5)) {
    await operator.repair()
    await operator.assertRepaired()
  }
  const errors: unknown[] = []
  for (let starts = 1; starts <= MOST_STARTS; starts++) {
    const worker = await startWorker(world, `last.${starts}`, {
      untilEnd: true,
      onFailure: world.settings.onFailure === 'stop' ? 'skip' : world.settings.onFailure,
      policy: { lost: 'earliest', corrupt: 'earliest' },
    })
    const { error } = (await Promise.race([worker.ended, world.clock.sleep(FINISH_MS)])) ?? { error: 'it is still at work' }
    worker.program.life.kill()
    if (error === undefined) break
    errors.push(error)
    await world.clock.sleep(15_000)
  }
  await operator.assertRepaired()
  await assertAllIsDone(world, errors)
}

async function assertAllIsDone(world: World, errors: readonly unknown[]): Promise<void> {
  const stored = new Map((await world.server.load()).map((custody) => [keyOf(custody), positionOf(custody)?.offset]))
  for (const partition of world.partitions()) {
    const offset = stored.get(keyOf(partition)) ?? 0
    if (offset < partition.lastStableOffset)
      world.violate(
        'gets-there',
        `${world.describe(partition)} is read up to ${offset} only; workers failed ${errors.length} times, last ${reasonOf(errors.at(-1))}`,
      )
  }
}
