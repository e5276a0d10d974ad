import type { Immovable } from '../core/custody.ts'
import { TidemarkError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import type { Checkpoint } from './checkpoint.ts'
import { readTwice } from './resume.ts'

/** Where the log of a file sink lies, in its output directory. */
const SINK_LOG = '_spark_metadata'

/** How many directories beside the checkpoint are looked into for the log of a file sink. */
const MAX_NEIGHBOURS = 100

/**
 * Why a checkpoint's offsets can't be moved now: only where its newest batch is committed, and nothing but the offsets depends on the
 * batch number, does a query go on from offsets that are put after it (tried with Spark 4.1.1 and 4.2.0). Pure.
 */
export function immovable(checkpoint: Checkpoint): Immovable | undefined {
  const { planned, committed, stateful, continuous, gaps, incomplete, newest } = checkpoint
  if (planned === undefined || newest === undefined) return { code: 'CHECKPOINT_READ_ONLY', ...withoutBatch(checkpoint) }
  if (stateful) {
    const hint = 'Begin a new checkpoint, or let the query go on from where it is'
    return { code: 'CHECKPOINT_STATEFUL', reason: 'the query keeps state, which belongs to its offsets: moved, it fails', hint }
  }
  if (continuous || gaps || incomplete) return { code: 'CHECKPOINT_READ_ONLY', ...readOnly(checkpoint) }
  if (planned !== committed) {
    const reason = `batch ${planned} is planned and not committed: a query runs, or died in it`
    return { code: 'CHECKPOINT_PLANNED', reason, hint: 'Let Spark finish that batch and stop the query, then run this again' }
  }
  const [twice] = readTwice(newest)
  if (twice === undefined) return undefined
  const reason = `${twice[0]} is read by the sources ${twice[1].join(' and ')}, and a move says nothing of which`
  return { code: 'CHECKPOINT_READ_ONLY', reason, hint: 'Begin a new checkpoint' }
}

/** Spark writes the starting offsets of a source down when it first asks for them, before any batch, and looks at the option no more (tried with 4.1.1). */
function withoutBatch({ partitions }: Checkpoint): Pick<Immovable, 'reason' | 'hint'> {
  if (partitions.length === 0) {
    return {
      reason: 'the checkpoint has no batch yet',
      hint: 'Give the query startingOffsets instead: Spark takes them while there is no batch',
    }
  }
  const reason =
    'the checkpoint has no batch yet, only the starting offsets that the query wrote down (sources/), which count instead of startingOffsets'
  return {
    reason,
    hint: 'Nothing was read by it yet: remove the checkpoint, and the query begins at its startingOffsets, which guard gives it',
  }
}

function readOnly({ continuous, incomplete, planned = 0 }: Checkpoint): Pick<Immovable, 'reason' | 'hint'> {
  if (continuous) return { reason: 'it is a continuous query’s checkpoint, which is read only', hint: 'Begin a new checkpoint' }
  const hint = 'Restore the missing files, or begin a new checkpoint'
  if (incomplete) return { reason: `offsets/${planned - 1} is gone, and Spark does not start without it`, hint }
  return { reason: 'batch numbers are missing: progress is tracked asynchronously, or files were removed', hint }
}

/**
 * A file sink that writes this query's output, as far as it can be seen: the log of one in the checkpoint's directory, around it or beside it
 * whose newest batch is the checkpoint's. A sink elsewhere can't be seen: the checkpoint does not name it.
 */
export async function fileSinkOf(files: Files, committed: number): Promise<Immovable | undefined> {
  const neighbours = ((await listIfAllowed(files, '..')) ?? []).filter((name) => !name.startsWith('.')).slice(0, MAX_NEIGHBOURS)
  const directories = ['.', '..', ...neighbours.map((name) => `../${name}`)]
  const newest = await Promise.all(directories.map((directory) => newestLogged(files, `${directory}/${SINK_LOG}`)))
  const directory = directories.find((_, index) => newest[index] === committed)
  if (directory === undefined) return undefined
  const reason = `a file sink’s log, ${directory}/${SINK_LOG}, ends with the same batch ${committed}: it would miss the next one, and its output could not be read any more`
  return { code: 'CHECKPOINT_FILE_SINK', reason, hint: 'Begin a new checkpoint and a new output directory' }
}

/** The newest batch in a file sink's log, plain or compacted; undefined: there is no such log. */
async function newestLogged(files: Files, directory: string): Promise<number | undefined> {
  const batches = ((await listIfAllowed(files, directory)) ?? []).flatMap((name) => /^(\d{1,15})(?:\.compact)?$/.exec(name)?.[1] ?? [])
  return batches.length === 0 ? undefined : Math.max(...batches.map(Number))
}

async function listIfAllowed(files: Files, directory: string): Promise<string[] | undefined> {
  try {
    return await files.list(directory)
  } catch (error) {
    // Whoever may not look there may move the checkpoint all the same.
    if (error instanceof TidemarkError && error.code === 'STORE_DENIED') return undefined
    throw error
  }
}
