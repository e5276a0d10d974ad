import { keyOf, type Position } from '../../core/position.ts'
import { TidemarkError, type ErrorContext } from '../../errors.ts'
import type { CommittedAnswer, CommittedOffset, Groups } from '../../kafka/groups.ts'
import type { Write, WriteResult } from '../driver.ts'
import type { LedgerFile } from '../ledger-file.ts'
import { activeGroup } from './members.ts'
import { encodeMetadata } from './metadata.ts'
import { custodyOf, foreignMetadata, revisionOf } from './reading.ts'

/**
 * What goes into one request: the coordinator writes it as one batch, which has to fit into a segment of its topic
 * (1 MiB by default), with some 100 bytes of its own for each offset.
 */
const MAX_BYTES = 400_000
const OVERHEAD = 100

/** What a save needs. */
export interface SaveContext {
  readonly groups: Groups
  readonly ledger: LedgerFile
  readonly group: string
  /** As in {@link Circumstances}. */
  readonly clusterId: string | undefined
}

/** A write that is to be done, and the commit that does it. */
interface Job {
  readonly index: number
  readonly write: Write
  readonly commit: CommittedOffset
}

/**
 * A Kafka group compares nothing: what is committed is read just before and compared with what the write expects, and read again just
 * after. A commit of somebody else's in between is found by the second reading, and reported; it can't be kept out.
 */
export async function save(context: SaveContext, writes: readonly Write[]): Promise<WriteResult[]> {
  assertMoves(writes)
  const before = await read(context, writes)
  const results: (WriteResult | undefined)[] = writes.map((write) => refusal(context, write, before.get(keyOf(write))))
  const jobs = writes.flatMap((write, index): Job[] =>
    results[index] === undefined ? [{ index, write, commit: commitOf(write, before.get(keyOf(write))) }] : [],
  )
  if (jobs.length > 0) {
    await context.ledger.announce(context.group, jobs.map(writeIn))
    await commitAll(context, jobs)
    const after = await readBack(context, writes)
    await place(context, results, jobs, after)
  }
  return results.map((result) => result as WriteResult)
}

type MovingWrite = Write & { readonly position: Position }

/** @throws TidemarkError STORE_UNSUPPORTED for what only a job's progress needs: nothing would fence it */
function assertMoves(writes: readonly Write[]): asserts writes is readonly MovingWrite[] {
  if (!writes.every(isMove)) throw noProgress({})
}

function isMove({ position, planned, ownerEpoch, owner }: Write): boolean {
  return position !== undefined && planned === undefined && ownerEpoch === 0 && owner === undefined
}

/** Why no job keeps its offsets here: a worker that lost its partition could move the offset all the same. */
export function noProgress(at: ErrorContext): TidemarkError {
  return new TidemarkError(
    'STORE_UNSUPPORTED',
    "a Kafka group fences nobody from outside: it takes repairs and resets, but no progress of a job of Tidemark's",
    {
      ...at,
      hint: 'Give the job another store: sqlite: or zookeeper:',
    },
  )
}

async function read({ groups, group }: SaveContext, writes: readonly Write[]): Promise<Map<string, CommittedAnswer>> {
  return new Map((await groups.committed(group, writes)).map((answer) => [keyOf(answer), answer]))
}

/** The commits may be done: what can't be read back now leaves the outcome open. */
async function readBack(context: SaveContext, writes: readonly Write[]): Promise<Map<string, CommittedAnswer>> {
  try {
    return await read(context, writes)
  } catch (cause) {
    throw new TidemarkError('STORE_OUTCOME_UNKNOWN', 'what was committed could not be read back', { group: context.group, cause })
  }
}

function refusal({ clusterId }: SaveContext, write: Write, answer: CommittedAnswer | undefined): WriteResult | undefined {
  const found = custodyOf(write, answer, { clusterId })
  // An offset that can't be said now is none that a write can expect.
  return found.revision === write.expected && found.stored.state !== 'unknown' ? undefined : { status: 'changed', found }
}

/**
 * The commit that a write comes to. Where another program's metadata stands beside an offset that stays, it stays as it is, for that
 * program reads it again; what Tidemark would put there is left out.
 */
function commitOf(write: MovingWrite, answer: CommittedAnswer | undefined): CommittedOffset {
  const { topic, partition, position, saveId } = write
  const offset = BigInt(position.offset)
  const stays = answer !== undefined && !('error' in answer) && answer.offset === offset
  const metadata = (stays ? foreignMetadata(answer) : undefined) ?? encodeMetadata(offset, { identity: position, saveId })
  return { topic, partition, offset, leaderEpoch: position.leaderEpoch ?? -1, metadata }
}

async function commitAll({ groups, group, ledger }: SaveContext, jobs: readonly Job[]): Promise<void> {
  const open = new Set(jobs)
  for (const part of parts(group, jobs)) {
    const errors = await commitPart(groups, group, part)
    for (const [at, error] of errors.entries()) if (error === 'NONE') open.delete(part[at] as Job)
    const failed = errors.findIndex((error) => error !== 'NONE')
    if (failed < 0) continue
    await ledger.confirm(group, jobs.filter((job) => !open.has(job)).map(writeIn))
    await ledger.withdraw([...open].map(writeIn))
    throw await refused(groups, group, part[failed] as Job, errors[failed] as string)
  }
}

async function commitPart(groups: Groups, group: string, part: readonly Job[]): Promise<string[]> {
  try {
    return await groups.commit(
      group,
      part.map(({ commit }) => commit),
    )
  } catch (error) {
    if (!(error instanceof TidemarkError && error.code === 'KAFKA_UNREACHABLE')) throw error
    throw new TidemarkError('STORE_OUTCOME_UNKNOWN', `the connection was lost while offsets were committed: ${error.what}`, {
      group,
      cause: error,
    })
  }
}

/** The commits that are there are confirmed; one that is not was overwritten at once. */
async function place(
  { ledger, group, clusterId }: SaveContext,
  results: (WriteResult | undefined)[],
  jobs: readonly Job[],
  after: Map<string, CommittedAnswer>,
): Promise<void> {
  const overwritten: Write[] = []
  for (const { index, write, commit } of jobs) {
    const found = custodyOf(write, after.get(keyOf(write)), { clusterId })
    const revision = revisionOf(commit)
    if (found.revision === revision) results[index] = { status: 'saved', revision }
    else {
      results[index] = { status: 'changed', found }
      overwritten.push(write)
    }
  }
  await ledger.confirm(
    group,
    jobs.map(writeIn).filter((write) => !overwritten.includes(write)),
  )
  await ledger.confirm(group, overwritten, 'another program committed over it at the same moment')
}

/** Requests that are not too large, each of them written as a whole or not at all. */
function parts(group: string, jobs: readonly Job[]): Job[][] {
  const portions: Job[][] = [[]]
  let bytes = 0
  for (const job of jobs) {
    const size = OVERHEAD + Buffer.byteLength(group) + Buffer.byteLength(job.commit.topic) + Buffer.byteLength(job.commit.metadata)
    if (bytes + size > MAX_BYTES && bytes > 0) {
      portions.push([])
      bytes = 0
    }
    bytes += size
    portions.at(-1)?.push(job)
  }
  return portions
}

/** Why a commit was refused, as an error that names the partition. */
async function refused(groups: Groups, group: string, { commit }: Job, error: string): Promise<TidemarkError> {
  const { topic, partition, metadata } = commit
  if (ACTIVE.has(error)) return activeGroup(groups, group)
  const at = { group, topic, partition }
  if (error === 'OFFSET_METADATA_TOO_LARGE') {
    return new TidemarkError(
      'STORE_UNSUPPORTED',
      `the ${metadata.length} characters that Tidemark keeps beside the offset are more than the broker takes`,
      {
        ...at,
        hint: 'Raise offset.metadata.max.bytes on the brokers (4096 by default)',
      },
    )
  }
  if (error.endsWith('AUTHORIZATION_FAILED')) return new TidemarkError('STORE_DENIED', `the commit was refused: ${error}`, at)
  if (error === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new TidemarkError('TOPIC_NOT_FOUND', 'a Kafka group can hold no offset of a topic or partition that does not exist', at)
  }
  return new TidemarkError('KAFKA_FAILED', `the commit was refused: ${error}`, at)
}

/** What a coordinator answers to a commit from outside while there are members. */
const ACTIVE: ReadonlySet<string> = new Set([
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'STALE_MEMBER_EPOCH',
  'FENCED_MEMBER_EPOCH',
])

function writeIn({ write }: Job): Write {
  return write
}
