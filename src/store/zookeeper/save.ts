import { TidemarkError } from '../../errors.ts'
import type { Write, WriteResult } from '../driver.ts'
import type { Job, Layout } from './layout.ts'
import { ledgerOps } from './ledger.ts'
import type { Parents } from './parents.ts'
import { parentOf } from './paths.ts'
import { codes, type Op } from './protocol.ts'
import type { Reading } from './reading.ts'
import type { Session } from './session.ts'

/** What a save works with. */
export interface SaveContext {
  readonly session: Session
  readonly layout: Layout
  readonly parents: Parents
  readonly group: string
  /** Nothing is written after this time, ms since 1970. */
  readonly latest: number
}

/** ZooKeeper takes no request beyond jute.maxbuffer, 1 MiB; writes that need more go in several multis, each of them atomic. */
const MAX_MULTI_BYTES = 900_000
/** What an operation takes in a multi besides its path and data: headers, lengths, the access control list. */
const OP_OVERHEAD = 100
/** How often a multi is tried against others that keep changing the same znodes: each time somebody gets on. */
const MAX_ROUNDS = 100

/**
 * Saves with one multi, which compares the versions of what the layout expects to be there. Whatever fails is then read,
 * decided (fenced before changed) and taken out, and the rest is sent again.
 */
export async function save(context: SaveContext, writes: readonly Write[]): Promise<WriteResult[]> {
  const jobs = writes.map((write): Job => ({ write }))
  await look(
    context,
    jobs.filter(({ write }) => context.layout.needsLook(write)),
  )
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

/** Reads the partitions and decides the writes that can't be applied. */
async function look({ layout, group }: SaveContext, jobs: readonly Job[]): Promise<void> {
  if (jobs.length === 0) return
  const readings = await layout.read(
    group,
    jobs.map(({ write: { topic, partition } }) => ({ topic, partition })),
  )
  for (const [index, job] of jobs.entries()) {
    const reading = readings[index]
    if (reading === undefined) continue
    job.reading = reading
    job.ops = undefined
    const result = refusal(job.write, reading, layout.paths.sidecar(group, job.write))
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
  const { session, layout, parents, group, latest } = context
  for (let round = 1; round <= MAX_ROUNDS; round++) {
    const open = part.filter(({ result }) => result === undefined)
    if (open.length === 0) return
    const ops = [...layout.sharedOps(group, open), ...open.flatMap((job) => opsOf(context, job)), ...ledgerOf(context, open)]
    await parents.ensure(ops.flatMap((op) => (op.kind === 'create' ? [parentOf(op.path)] : [])))
    const outcome = await session.multi(ops, latest)
    if (outcome.ok) {
      for (const job of open) job.result = { status: 'saved', revision: layout.revisionAfter(job, outcome.zxid) }
      return
    }
    // A folder is gone; whatever else it was, the look at what is there tells. All are read: where one moved others may have.
    if (outcome.code === codes.NO_NODE) parents.forget()
    await look(context, open)
  }
  throw new TidemarkError('STORE_UNREACHABLE', 'others change the znodes of the group again and again', { group })
}

function opsOf({ layout, group }: SaveContext, job: Job): readonly Op[] {
  job.ops ??= layout.ownOps(group, job)
  return job.ops
}

function ledgerOf({ layout, group }: SaveContext, jobs: readonly Job[]): Op[] {
  return ledgerOps(
    layout.paths,
    group,
    jobs.flatMap(({ write }) => write.ledger),
  )
}

/** The jobs in portions that fit into one multi each: nearly always a single one. */
function parts(context: SaveContext, jobs: readonly Job[]): Job[][] {
  const portions: Job[][] = [[]]
  const open = jobs.filter(({ result }) => result === undefined)
  const shared = sizeOf(context.layout.sharedOps(context.group, open))
  let bytes = shared
  for (const job of open) {
    const size = sizeOf([...opsOf(context, job), ...ledgerOf(context, [job])])
    if (shared + size > MAX_MULTI_BYTES) throw tooLarge(job.write)
    if (bytes + size > MAX_MULTI_BYTES && bytes > shared) {
      portions.push([])
      bytes = shared
    }
    bytes += size
    portions.at(-1)?.push(job)
  }
  return portions
}

function sizeOf(ops: readonly Op[]): number {
  return ops.reduce((sum, op) => sum + OP_OVERHEAD + Buffer.byteLength(op.path) + ('data' in op ? (op.data?.length ?? 0) : 0), 0)
}

/** ZooKeeper would drop the connection at the sight of it, again and again. */
function tooLarge({ topic, partition }: Write): TidemarkError {
  return new TidemarkError('USAGE', 'a move and its ledger rows take more than ZooKeeper can write at once', { topic, partition })
}

function unresolved(): never {
  throw new TidemarkError('INTERNAL', 'a write was neither applied nor refused')
}
