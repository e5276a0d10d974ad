import type { Clock } from '../clock.ts'
import type { Custody } from '../core/custody.ts'
import { keyOf } from '../core/position.ts'
import { asTidemarkError, TidemarkError } from '../errors.ts'
import type { StoreDriver, Write, WriteResult } from './driver.ts'
import { pauses, retried, within } from './patience.ts'

/** What a save needs besides its writes. */
export interface SaveContext {
  readonly driver: Pick<StoreDriver, 'load' | 'save'>
  readonly clock: Clock
  /** When to give up, ms since 1970. */
  readonly deadline: number
  /** Aborted when the store is closed. */
  readonly signal: AbortSignal
}

/** A write whose outcome is not known yet, and its place among the results. */
interface Pending {
  readonly index: number
  readonly write: Write
}

/**
 * Saves, and finds out what became of a save whose answer was lost: what is stored is read again and compared before
 * anything else. Only a write that was found not applied is sent again, with its own save ID and the revision it expects,
 * so that at most one of the two can ever count, even if the first one is still on its way.
 * @throws TidemarkError STORE_OUTCOME_UNKNOWN where that could not be found out in time; whatever the driver throws where nothing was written.
 */
export async function saveAndKnow(context: SaveContext, group: string, writes: readonly Write[]): Promise<WriteResult[]> {
  const { clock, deadline, signal } = context
  const results: WriteResult[] = []
  let pending = writes.map((write, index): Pending => ({ index, write }))
  let doubt: unknown
  for (const pause of pauses()) {
    try {
      const answers = await send(context, group, pending)
      return place(results, pending, answers)
    } catch (error) {
      if (doubt === undefined && !isOutcomeUnknown(error)) throw error
      doubt = error
    }
    const found = await readBack(context, group, pending, doubt)
    place(
      results,
      pending,
      pending.map(({ write }, at) => judge(write, found[at])),
    )
    pending = pending.filter(({ index }) => results[index] === undefined)
    if (pending.length === 0) return results
    if (clock.now() + pause >= deadline || signal.aborted) throw outcomeUnknown(group, pending, doubt)
    await clock.sleep(pause, signal)
  }
  return results
}

/** One attempt. It gets half of the time that is left, so that a save that hangs leaves some to find out what it did. */
async function send({ driver, clock, deadline }: SaveContext, group: string, pending: readonly Pending[]): Promise<WriteResult[]> {
  const patience = Math.ceil((deadline - clock.now()) / 2)
  const hung = (): TidemarkError => new TidemarkError('STORE_OUTCOME_UNKNOWN', `the store did not answer a save within ${patience} ms`)
  const writes = pending.map(({ write }) => write)
  const answers = await within(clock, patience, driver.save(group, writes), hung)
  return writes.map((write, at) => unlessRepeated(answers[at], write))
}

const late = (): TidemarkError => new TidemarkError('STORE_UNREACHABLE', 'the store did not answer in time')

async function readBack({ driver, clock, deadline, signal }: SaveContext, group: string, pending: readonly Pending[], doubt: unknown) {
  const partitions = pending.map(({ write: { topic, partition } }) => ({ topic, partition }))
  try {
    return await retried({ clock, deadline, signal, late }, () => driver.load(group, partitions))
  } catch {
    throw outcomeUnknown(group, pending, doubt)
  }
}

/** What became of a write, going by what is stored now; undefined: it was not applied, and nothing else was either. */
function judge(write: Write, found: Custody | undefined): WriteResult | undefined {
  if (found === undefined || found.revision === write.expected) return undefined
  if (found.saveId === write.saveId) return { status: 'saved', revision: found.revision }
  if (found.ownerEpoch > write.ownerEpoch) return { status: 'fenced', ownerEpoch: found.ownerEpoch, owner: found.owner }
  return { status: 'changed', found }
}

/** A refusal that finds this very write in the store is the repeat of a done one: applying twice equals applying once. */
function unlessRepeated(result: WriteResult | undefined, { saveId }: Write): WriteResult {
  if (result === undefined) throw new TidemarkError('INTERNAL', 'the driver gave fewer results than it was given writes')
  if (result.status !== 'changed' || result.found.saveId !== saveId) return result
  return { status: 'saved', revision: result.found.revision }
}

/** Puts the outcomes that are known where the results of their writes belong. */
function place(results: WriteResult[], pending: readonly Pending[], outcomes: ReadonlyArray<WriteResult | undefined>): WriteResult[] {
  for (const [at, { index }] of pending.entries()) {
    const outcome = outcomes[at]
    if (outcome !== undefined) results[index] = outcome
  }
  return results
}

function isOutcomeUnknown(error: unknown): boolean {
  return error instanceof TidemarkError && error.code === 'STORE_OUTCOME_UNKNOWN'
}

function outcomeUnknown(group: string, pending: readonly Pending[], doubt: unknown): TidemarkError {
  const names = pending.map(({ write }) => keyOf(write))
  const shown = names.length > 10 ? [...names.slice(0, 10), `${names.length - 10} more`] : names
  const only = pending.length === 1 ? pending[0]?.write : undefined
  return new TidemarkError(
    'STORE_OUTCOME_UNKNOWN',
    `it is not known whether the save of ${shown.join(', ')} was done: ${asTidemarkError(doubt).what}`,
    {
      group,
      topic: only?.topic,
      partition: only?.partition,
      hint: 'Read the stored offset again before anything else',
      cause: doubt,
    },
  )
}
