import { keyOf } from '../../core/position.ts'
import { TidemarkError } from '../../errors.ts'
import type { Files } from '../../files/files.ts'
import type { Checkpoint } from '../../spark/checkpoint.ts'
import { fileSinkOf } from '../../spark/immovable.ts'
import { movedTo, printOffsetLog } from '../../spark/offset-log.ts'
import type { OffsetLog } from '../../spark/offset-log.ts'
import { fillCommit } from './move.ts'
import { readScene } from './scene.ts'
import { createSidecar } from './sidecar.ts'

/**
 * Gives up a batch that is planned and can't be run any more, because what it was to read is gone: one more batch, which reads nothing and ends
 * where the planned one was to begin. The query then stands where it stood, and can be moved. Nothing that the planned batch was to read counts
 * as read. `offsets/N+1` comes first: a query that is started before the rest is there fails on it, or goes on from the same place.
 * @returns the batch that was given up; undefined: none was planned
 * @throws TidemarkError CHECKPOINT_PLANNED where a query made a batch meanwhile, so that it runs; CHECKPOINT_FILE_SINK
 */
export async function giveUpPlanned(files: Files): Promise<number | undefined> {
  const { checkpoint, begun, identities } = await readScene(files)
  const { planned, committed } = checkpoint
  if (planned === undefined || planned === committed || begun !== undefined) return undefined
  // A file sink may have the planned batch already, or end with the one before it.
  for (const last of [planned, planned - 1]) {
    const sink = await fileSinkOf(files, last)
    if (sink !== undefined) throw new TidemarkError(sink.code, sink.reason, { hint: sink.hint })
  }
  const batch = planned + 1
  const log = beginningOf(checkpoint)
  const isFirst =
    (await createSidecar(files, batch, log, identities ?? new Map())) && (await files.create(`offsets/${batch}`, printOffsetLog(log)))
  if (!isFirst) {
    throw new TidemarkError(
      'CHECKPOINT_PLANNED',
      `a query runs on the checkpoint: it made batch ${batch} while batch ${planned} was given up`,
      {
        hint: 'Stop the query first',
      },
    )
  }
  await fillCommit(files, planned)
  await fillCommit(files, batch)
  return planned
}

/** Where the planned batch begins: at the offsets of the batch before it, or, for the first one, at the starting offsets of its sources. */
function beginningOf({ newest, base, partitions }: Checkpoint): OffsetLog {
  if (newest === undefined) throw new TidemarkError('INTERNAL', 'a checkpoint without a batch has a planned one')
  if (base !== undefined) return movedTo(base.log, [], Date.now(), () => '')
  const sources = new Map(partitions.map((point) => [keyOf(point), point.source]))
  const offsets = partitions.flatMap(({ topic, partition, stored }) =>
    stored.state === 'position' ? [{ topic, partition, offset: stored.position.offset }] : [],
  )
  const empty = newest.sources.map(({ id, offsets: known }) => ({ id, raw: '-', offsets: known === undefined ? undefined : new Map() }))
  return movedTo({ ...newest, sources: empty }, offsets, Date.now(), (partition) => sources.get(keyOf(partition)) ?? '')
}
