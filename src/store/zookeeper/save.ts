import { TidemarkError } from '../../errors.ts'
import type { Write, WriteResult } from '../driver.ts'
import { codes, type Op } from './protocol.ts'
import { ledgerOps } from './ledger.ts'
import type { Parents } from './parents.ts'
import { parentOf, type Paths } from './paths.ts'
import { readPartitions, type Reading } from './reading.ts'
import { formatRevision, parseRevision, type Revision } from './revision.ts'
import type { Session } from './session.ts'
import { encodeSidecar, type Sidecar } from './sidecar.ts'
import { encodeValue } from './value.ts'

/** What a save works with. */
export interface SaveContext {
  readonly session: Session
  readonly paths: Paths
  readonly parents: Parents
  readonly group: string
  /** Nothing is written after this time, ms since 1970. */
  readonly latest: number
}

/** One write on its way. */
interface Job {
  readonly write: Write
  /** What `write.expected` says. */
  readonly expected: Revision
  /** What was read where something had to be. */
  reading?: Reading
  /** Its operations, made once for each reading. */
  ops?: readonly Op[] | undefined
  result?: WriteResult
}

/** ZooKeeper takes no request beyond jute.maxbuffer, 1 MiB; writes that need more go in several multis, each of them atomic. */
const MAX_MULTI_BYTES = 900_000
/** What an operation takes in a multi besides its path and data: headers, lengths, the access control list. */
const OP_OVERHEAD = 100
/** How often a multi is tried against somebody who keeps removing znodes. */
const MAX_ROUNDS = 10

/**
 * Saves with one multi and, where all is as expected, without reading: the versions that the multi compares are those of
 * the revision, so the owner epoch read with it still stands in the sidecar when it passes, and the fence is as atomic as the write.
 * Whatever fails is then read, decided (fenced before changed) and taken out, and the rest is sent again.
 */
export async function save(context: SaveContext, writes: readonly Write[]): Promise<WriteResult[]> {
  const jobs = writes.map((write): Job => ({ write, expected: parseRevision(write.expected) }))
  await look(context, jobs.filter(needsLook))
  let applied = false
  for (const part of parts(context, jobs)) {
    try {
      await apply(context, part)
    } catch (error) {
      // "Not reached, nothing written" would no longer be true.
      if (applied) throw new TidemarkError('STORE_OUTCOME_UNKNOWN', 'only a part of a large save was done', { cause: error })
      throw error
    }
    applied ||= part.some(({ result }) => result?.status === 'saved')
  }
  return jobs.map(({ result }) => result ?? unresolved())
}

/**
 * Whether the partition must be read before it is written:
 * - the writer is behind the epoch that it saw itself, and the refusal names the owner;
 * - the position stays, and its identity must be copied into the new sidecar;
 * - a znode is at version 0, at which one is again that was removed and made anew: ZooKeeper compares nothing but versions.
 *   (One that was made anew and then written exactly as often as before passes for the old one.)
 */
function needsLook({ write, expected: { value, sidecar, ownerEpoch } }: Job): boolean {
  const perhapsAnew = value?.version === 0 || sidecar?.version === 0
  return ownerEpoch === undefined || write.ownerEpoch < ownerEpoch || write.position === undefined || perhapsAnew
}

/** Reads the partitions and decides the writes that can't be applied. */
async function look({ session, paths, group }: SaveContext, jobs: readonly Job[]): Promise<void> {
  const readings = await readPartitions(
    session,
    paths,
    group,
    jobs.map(({ write }) => write),
  )
  for (const [index, job] of jobs.entries()) {
    const reading = readings[index]
    if (reading === undefined) continue
    job.reading = reading
    job.ops = undefined
    const result = refusal(job.write, reading, paths.sidecar(group, job.write))
    if (result !== undefined) job.result = result
  }
}

function refusal(write: Write, { custody, unreadable }: Reading, sidecarPath: string): WriteResult | undefined {
  // To go on would lower an owner epoch that nobody knows.
  if (unreadable) {
    throw new TidemarkError('STORE_CORRUPT', `${sidecarPath} can't be read, and so nobody knows who owns the partition`, {
      topic: write.topic,
      partition: write.partition,
      hint: 'Remove that znode once no worker of Tidemark runs for the group',
    })
  }
  if (custody.ownerEpoch > write.ownerEpoch) return { status: 'fenced', ownerEpoch: custody.ownerEpoch, owner: custody.owner }
  return custody.revision === write.expected ? undefined : { status: 'changed', found: custody }
}

/** Writes what can be written of these jobs, all of it together. */
async function apply(context: SaveContext, part: readonly Job[]): Promise<void> {
  const { session, parents, latest } = context
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const open = part.filter(({ result }) => result === undefined)
    if (open.length === 0) return
    const ops = [...open.flatMap((job) => opsOf(context, job)), ...ledgerOf(context, open)]
    await parents.ensure(ops.flatMap((op) => (op.kind === 'create' ? [parentOf(op.path)] : [])))
    const outcome = await session.multi(ops, latest)
    if (outcome.ok) {
      for (const job of open) job.result = { status: 'saved', revision: revisionAfter(job, outcome.zxid) }
      return
    }
    // A folder is gone; whatever else it was, the look at what is there tells. All are read: where one moved others may have.
    if (outcome.code === codes.NO_NODE) parents.forget()
    await look(context, open)
  }
  throw new TidemarkError('STORE_UNREACHABLE', 'the znodes of the group are removed and made again and again', { group: context.group })
}

function opsOf(context: SaveContext, job: Job): readonly Op[] {
  job.ops ??= moveOps(context, job)
  return job.ops
}

/** The operations of one move: the number, unless it stays, and the sidecar. What is expected to be there is compared. */
function moveOps({ paths, group }: SaveContext, { write, expected, reading }: Job): Op[] {
  const value = paths.value(group, write)
  const ops: Op[] = []
  if (write.position !== undefined) {
    ops.push(put(value, encodeValue(write.position.offset), expected.value?.version))
  } else if (expected.value !== undefined) {
    // Where none is expected ZooKeeper can't compare. One that appears meanwhile has a mzxid that the sidecar does not name.
    ops.push({ kind: 'check', path: value, version: expected.value.version })
  }
  ops.push(put(paths.sidecar(group, write), encodeSidecar(sidecarOf(write, reading)), expected.sidecar?.version))
  return ops
}

function put(path: string, data: Buffer, version: number | undefined): Op {
  return version === undefined ? { kind: 'create', path, data } : { kind: 'set', path, data, version }
}

function sidecarOf({ position, planned, ownerEpoch, owner, saveId }: Write, reading: Reading | undefined): Sidecar {
  const rest = { planned, ownerEpoch, owner, saveId }
  if (position !== undefined) return { position, ...rest, valueMzxid: undefined }
  // The position as it is known now: without identity where another program wrote the number, which this write adopts.
  const stored = reading?.custody.stored
  const known = stored?.state === 'position' ? stored.position : reading?.sidecar?.position
  return { position: known, ...rest, valueMzxid: reading?.value?.stat.mzxid ?? null }
}

function ledgerOf({ paths, group }: SaveContext, jobs: readonly Job[]): Op[] {
  return ledgerOps(
    paths,
    group,
    jobs.flatMap(({ write }) => write.ledger),
  )
}

function revisionAfter({ write, expected }: Job, zxid: string): string {
  const next = (version: number | undefined) => ({ version: version === undefined ? 0 : version + 1, mzxid: zxid })
  return formatRevision({
    value: write.position === undefined ? expected.value : next(expected.value?.version),
    sidecar: next(expected.sidecar?.version),
    ownerEpoch: write.ownerEpoch,
  })
}

/** The jobs in portions that fit into one multi each: nearly always a single one. */
function parts(context: SaveContext, jobs: readonly Job[]): Job[][] {
  const portions: Job[][] = [[]]
  let bytes = 0
  for (const job of jobs) {
    const size = [...opsOf(context, job), ...ledgerOf(context, [job])].reduce((sum, op) => sum + sizeOf(op), 0)
    if (size > MAX_MULTI_BYTES) throw tooLarge(job.write)
    if (bytes + size > MAX_MULTI_BYTES && bytes > 0) {
      portions.push([])
      bytes = 0
    }
    bytes += size
    portions.at(-1)?.push(job)
  }
  return portions
}

function sizeOf(op: Op): number {
  return OP_OVERHEAD + Buffer.byteLength(op.path) + ('data' in op ? (op.data?.length ?? 0) : 0)
}

/** ZooKeeper would drop the connection at the sight of it, again and again. */
function tooLarge({ topic, partition }: Write): TidemarkError {
  return new TidemarkError('USAGE', 'a move and its ledger rows take more than ZooKeeper can write at once', { topic, partition })
}

function unresolved(): never {
  throw new TidemarkError('INTERNAL', 'a write was neither applied nor refused')
}
