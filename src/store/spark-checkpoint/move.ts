import { keyOf } from '../../core/position.ts'
import type { TopicPartition } from '../../core/position.ts'
import { asTidemarkError, TidemarkError } from '../../errors.ts'
import type { Files } from '../../files/files.ts'
import { lastCommitted, readBatch } from '../../spark/checkpoint.ts'
import { movedTo, printOffsetLog } from '../../spark/offset-log.ts'
import type { OffsetLog } from '../../spark/offset-log.ts'
import type { Write } from '../driver.ts'
import type { LedgerFile } from '../ledger-file.ts'
import { readScene, revisionOf } from './scene.ts'
import type { Scene } from './scene.ts'
import { createSidecar, hashOf, readSidecar } from './sidecar.ts'
import type { Identities, Identity } from './sidecar.ts'

/** What a query without a watermark commits. */
const FIRST_COMMIT = 'v1\n{"nextBatchWatermarkMs":0}'

/** What a move works with. */
export interface MoveContext {
  readonly files: Files
  readonly ledger: LedgerFile
  readonly group: string
}

/**
 * Moves a stopped query: one more batch, planned and committed, that reads nothing and ends at the new offsets. The intent is announced, the
 * sidecar put, then `offsets/N+1` and `commits/N+1` are created, never overwriting: `offsets/N+1` decides who comes first, and the sidecar that
 * matches it tells a move that lacks its commit from a batch of Spark's.
 * @returns the new revision; undefined: another move was faster, and nothing was written
 * @throws TidemarkError CHECKPOINT_…: it can't be moved; GROUP_ACTIVE: a query made that batch meanwhile; STORE_CORRUPT
 */
export async function move(context: MoveContext, scene: Scene, moves: readonly Write[]): Promise<string | undefined> {
  const { files, ledger, group } = context
  const { checkpoint, immovable } = scene
  const { planned, newest } = checkpoint
  if (immovable !== undefined) throw new TidemarkError(immovable.code, immovable.reason, { group, hint: immovable.hint })
  if (planned === undefined || newest === undefined) throw new TidemarkError('INTERNAL', 'a checkpoint without a batch was called movable')
  const batch = planned + 1
  const log = movedTo(newest, moves.map(targetOf), Date.now(), sourceIn(newest))
  await assertNoChecksum(files, batch)
  const commit = await commitOf(files, planned)
  await ledger.announce(group, moves)
  if (!(await put(context, batch, log, identitiesAfter(scene, moves), moves))) return undefined
  try {
    await files.create(`commits/${batch}`, commit)
    await ledger.confirm(group, moves)
  } catch (error) {
    throw asUnknown(error, batch)
  }
  return revisionOf(batch, hashOf(log), true)
}

/** Finishes a move that lacks its commit: whoever made it died in between. */
export async function finishMove(files: Files, scene: Scene): Promise<Scene> {
  const { begun, checkpoint } = scene
  if (begun === undefined || checkpoint.planned === undefined) return scene
  for (const batch of [checkpoint.planned - 1, checkpoint.planned]) await fillCommit(files, batch)
  return readScene(files)
}

/** Commits a batch, if it is not committed, with the last commit that there is. */
export async function fillCommit(files: Files, batch: number): Promise<void> {
  const last = await lastCommitted(files)
  if (last === undefined) await files.create(`commits/${batch}`, FIRST_COMMIT)
  else if (last < batch) await files.create(`commits/${batch}`, await commitOf(files, last))
}

/** Puts the sidecar and then the offsets. false: another one was faster. */
async function put(
  { files, ledger, group }: MoveContext,
  batch: number,
  log: OffsetLog,
  identities: Identities,
  moves: readonly Write[],
): Promise<boolean> {
  let isFirst: boolean
  try {
    isFirst = (await createSidecar(files, batch, log, identities)) && (await files.create(`offsets/${batch}`, printOffsetLog(log)))
  } catch (error) {
    // A failure that may have been a success leaves the intent: what became of it is seen by the next start.
    if (!(error instanceof TidemarkError && error.code === 'STORE_OUTCOME_UNKNOWN')) await ledger.withdraw(moves)
    throw error
  }
  if (isFirst) return true
  await ledger.withdraw(moves)
  const theirs = await readBatch(files, batch)
  if (theirs === undefined || (await readSidecar(files, batch, theirs)) !== undefined) return false
  throw new TidemarkError('GROUP_ACTIVE', `a query runs on the checkpoint: it made batch ${batch} while this move was on its way`, {
    group,
    hint: 'Nothing was written. Stop the query first',
  })
}

function targetOf({ topic, partition, position }: Write): TopicPartition & { readonly offset: number } {
  if (position === undefined) throw new TidemarkError('INTERNAL', 'a move without a position')
  return { topic, partition, offset: position.offset }
}

/** What is known of every partition after the move: the moved ones as they were put, the others as they were. */
function identitiesAfter({ identities }: Scene, moves: readonly Write[]): Identities {
  const moved = moves.map(({ topic, partition, position, saveId }): Identity => {
    if (position === undefined) throw new TidemarkError('INTERNAL', 'a move without a position')
    return { topic, partition, position, saveId }
  })
  return new Map([...(identities ?? []), ...moved.map((identity) => [keyOf(identity), identity] as const)])
}

/** Which source reads a partition: the one that has its topic. */
function sourceIn(log: OffsetLog): (partition: TopicPartition) => string {
  return ({ topic, partition }) => {
    const readers = log.sources.filter(({ offsets }) => offsets?.has(topic) === true)
    const [source] = readers
    if (source !== undefined && (readers.length === 1 || source.offsets?.get(topic)?.has(partition) === true)) return source.id
    const what = source === undefined ? 'no source of the query reads the topic' : 'several sources of the query read the topic'
    throw new TidemarkError('CHECKPOINT_READ_ONLY', what, { topic, partition, hint: 'Move only what the checkpoint holds' })
  }
}

/** The last commit as it is: it says nothing of offsets, and the watermark in it must stay. */
async function commitOf(files: Files, batch: number): Promise<string> {
  const commit = await files.read(`commits/${batch}`)
  if (commit !== undefined) return commit.toString('utf8')
  throw new TidemarkError('STORE_CORRUPT', `${files.url}/commits/${batch} is gone`, { hint: 'Look who removes files from the checkpoint' })
}

/** Hadoop would hold the new file against a checksum that somebody left there when he removed that batch. */
async function assertNoChecksum(files: Files, batch: number): Promise<void> {
  for (const directory of ['offsets', 'commits']) {
    const checksum = `${directory}/.${batch}.crc`
    if ((await files.read(checksum)) === undefined) continue
    throw new TidemarkError('STORE_CORRUPT', `${files.url}/${checksum} is the checksum of a batch that is not there`, {
      hint: 'Remove it: somebody removed that batch by hand, and Spark would fail on a new one',
    })
  }
}

function asUnknown(error: unknown, batch: number): TidemarkError {
  const { what } = asTidemarkError(error)
  return new TidemarkError('STORE_OUTCOME_UNKNOWN', `batch ${batch} was put, and then: ${what}`, {
    hint: 'The next repair --execute finishes the move',
    cause: error,
  })
}
