import type { Handler, HandlerBatch } from '../src/job/handling.ts'
import { JobControl } from '../src/job/control.ts'
import type { Notice } from '../src/job/notice.ts'
import { keyOf } from '../src/core/position.ts'
import { run, type RunOptions } from '../src/verbs/run.ts'
import { hostname } from 'node:os'
import type { Kafka, Produced } from './kafka.ts'
import { startProgram, type Program } from './program.ts'
import type { Random } from './random.ts'
import type { Work } from './witness.ts'
import { GROUP, type World } from './world.ts'

/** A worker process: a run of a job, until it ends or dies. */
export interface Worker {
  readonly program: Program
  readonly control: JobControl
  /** How the run ended; never, where the process died. */
  readonly ended: Promise<{ readonly error?: unknown }>
  /** SIGTERM. */
  stop(): void
}

/** Starts a worker on all topics. */
export async function startWorker(
  world: World,
  name: string,
  { kafka, ...more }: Partial<RunOptions> & { readonly kafka?: Kafka } = {},
): Promise<Worker> {
  const { settings } = world
  const random = world.random.fork()
  const maxRecords = random.between(1, 12)
  const maxBytes = random.between(100, 2_000)
  const program = await startProgram(world, name, 'worker', { maxBytes, ...(kafka === undefined ? {} : { kafka }) })
  const stop = new AbortController()
  const control = new JobControl()
  const handler = handlerOf(world, program, random, maxRecords)
  const options: RunOptions = {
    group: GROUP,
    topics: [...settings.topics.keys()],
    handler: world.bug?.handler?.(handler) ?? handler,
    clock: program.life.clock,
    newId: world.newId,
    random: () => random.next(),
    signal: stop.signal,
    maxRecords,
    maxBytes,
    maxWaitMs: random.between(100, 2_000),
    secondLookMs: settings.secondLookMs,
    handlerTimeoutMs: settings.handlerTimeoutMs,
    retries: random.between(0, 2),
    retryPauseMs: random.between(10, 500),
    refreshMs: random.between(500, 5_000),
    onFailure: settings.onFailure,
    policy: settings.policy,
    isolation: settings.isolation,
    maxRecordsPerSecond: settings.maxRecordsPerSecond,
    control,
    onNotice: (notice) => note(world, program, notice),
    ...more,
  }
  world.trace.note(name, () => `starts: batches of ${maxRecords} records, ${maxBytes} bytes`)
  return { program, control, stop: () => stop.abort(), ended: finish(world, program, options) }
}

async function finish(world: World, program: Program, options: RunOptions): Promise<{ readonly error?: unknown }> {
  const { name, life, log, store } = program
  try {
    const { records, givenUp } = await run(log, store, options)
    world.trace.note(name, () => `ends: ${records} records, ${givenUp} given up`)
    return {}
  } catch (error) {
    world.trace.note(name, () => `fails: ${String(error)}`)
    world.tell('failed', program, error)
    return { error }
  } finally {
    life.kill()
  }
}

function note(world: World, { name, life }: Program, { kind, text }: Notice): void {
  if (!life.isDead) world.trace.note(name, () => `${kind}: ${text}`)
}

/** Does the work, or fails at it, as the world's moods have it. */
function handlerOf(world: World, program: Program, random: Random, maxRecords: number): Handler {
  const { name, life } = program
  return async (batch) => {
    const work: Work = { client: program, ranges: batch.ranges, records: producedIn(world, batch), maxRecords }
    world.trace.note(
      name,
      () => `works on ${batch.ranges.map((range) => `${keyOf(range)} [${range.fromOffset}, ${range.untilOffset})`).join(' ')}`,
    )
    world.tell('handling', work)
    await life.clock.sleep(1 + random.next() ** 2 * world.settings.handlerMs)
    if (random.chance(world.moods.hangs)) await life.clock.sleep(random.between(1_000, 60_000))
    if (random.chance(world.moods.throws)) throw new Error('the sink is away')
    const bad = work.records.find(({ id }) => world.poison.has(id))
    if (bad !== undefined) throw new Error(`can't take record ${bad.id}`)
    world.tell('handled', work)
    world.trace.note(name, () => 'has worked')
  }
}

/** The records of a batch by the IDs that they carry. */
function producedIn({ kafka, elsewhere }: World, { records }: HandlerBatch): Produced[] {
  return Array.from(records, ({ topic, partition, offset, value }) => {
    const id = Number(value)
    const found = [kafka.records[id], elsewhere.records[id]].find(
      (record) => record?.topic === topic && record.partition === partition && record.offset === offset,
    )
    if (found === undefined) throw new Error(`record ${id} was never written to ${topic}-${partition} at ${offset}`)
    return found
  })
}

/** A worker's name without what differs from machine to machine. */
export function withoutHost(text: string): string {
  return text.replaceAll(`${hostname()}-${process.pid}-`, 'worker-')
}
