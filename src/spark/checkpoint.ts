import type { Planned, Stored } from '../core/custody.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import { parseOffsetLog, parseStartingOffsets } from './offset-log.ts'
import type { OffsetLog, SourceOffsets } from './offset-log.ts'
import { resumeOf } from './resume.ts'

/** A Structured Streaming checkpoint as it was at one moment: what is in it, and where its query would go on. Plain data. */
export interface Checkpoint {
  /** The query's ID, from `metadata`; undefined: no query ever began here. */
  readonly queryId: string | undefined
  /** The version of the newest batch's offsets. */
  readonly formatVersion: 1 | 2 | undefined
  /** Highest batch in `offsets/` (planned) and in `commits/` (committed); undefined: none. */
  readonly planned: number | undefined
  readonly committed: number | undefined
  /** The batch that runs next; where that is `planned`, it runs with the very ranges that were planned. */
  readonly nextBatch: number
  /** `offsets/<planned>`: up to where the newest batch reads each source, those included that are not Kafka's. */
  readonly newest: OffsetLog | undefined
  /** The batch whose offsets are where the next one starts; undefined: the sources' starting offsets are, or nothing is there. */
  readonly base: { readonly batch: number; readonly log: OffsetLog } | undefined
  /** Where the query resumes, by Spark's own rules, in every partition of its Kafka sources: twice in one that two sources read. */
  readonly partitions: readonly ResumePoint[]
  /** What is not as Spark leaves it, and what that means; sentences. */
  readonly findings: readonly string[]
  /** It has a `state/`. */
  readonly stateful: boolean
  /** Its offsets have no header: a continuous query's. */
  readonly continuous: boolean
  /** Batch numbers are missing in between: progress tracked asynchronously, or files that somebody removed. */
  readonly gaps: boolean
  /** The batch before the newest one is gone: Spark can't start from here. */
  readonly incomplete: boolean
}

/** Where a query resumes in one partition. */
export interface ResumePoint extends TopicPartition {
  /** The source that reads it. */
  readonly source: string
  /** absent: the query knows the partition only from a planned batch, and begins at the log start. */
  readonly stored: Stored
  /** The range of the batch that was planned and not committed. */
  readonly planned?: Planned | undefined
  /** When the batch that the offset is from was planned, ms since 1970. */
  readonly at?: number | undefined
}

/** What was read of a checkpoint's files, before it is judged. */
export interface CheckpointFiles {
  readonly queryId: string | undefined
  readonly offsetBatches: readonly number[]
  readonly commitBatches: readonly number[]
  readonly newest: OffsetLog | undefined
  /** The offsets of the batch before, where the newest one is not committed. */
  readonly before: OffsetLog | undefined
  /** The starting offsets of the sources that have some. */
  readonly starting: readonly SourceOffsets[]
  readonly stateful: boolean
  readonly strangers: readonly string[]
}

/**
 * Reads a checkpoint: a few lists and the newest one or two batches, whatever its age. A directory that is missing or empty is
 * a checkpoint without batches.
 * @throws TidemarkError STORE_CORRUPT, naming the file, where Spark itself can't read it; what {@link Files} throws
 */
export async function readCheckpoint(files: Files): Promise<Checkpoint> {
  const [{ offsets, commits }, metadata, sources, state] = await Promise.all([
    readBatchNumbers(files),
    files.read('metadata'),
    files.list('sources'),
    files.list('state'),
  ])
  const last = offsets.batches.at(-1)
  const [newest, before, starting] = await Promise.all([
    last === undefined ? undefined : readBatch(files, last),
    last === undefined || last === commits.batches.at(-1) ? undefined : readBefore(files, offsets.batches),
    readStarting(files, sources ?? []),
  ])
  return resumeOf({
    queryId: metadata === undefined ? undefined : queryIdIn(metadata),
    offsetBatches: offsets.batches,
    commitBatches: commits.batches,
    newest,
    before,
    starting,
    stateful: (state?.length ?? 0) > 0,
    strangers: [...offsets.strangers.map((name) => `offsets/${name}`), ...commits.strangers.map((name) => `commits/${name}`)],
  })
}

/** The highest batch that was committed; undefined: none. One list: cheap enough to ask again and again. */
export async function lastCommitted(files: Files): Promise<number | undefined> {
  return (await listBatches(files, 'commits')).batches.at(-1)
}

/** The offsets up to which a batch reads, `offsets/N`; undefined: there is no such batch (any more). @throws TidemarkError STORE_CORRUPT */
export async function readBatch(files: Files, batch: number): Promise<OffsetLog | undefined> {
  const path = `offsets/${batch}`
  const content = await files.read(path)
  return content === undefined ? undefined : parsed(files, path, () => parseOffsetLog(content.toString('utf8')))
}

/** What a directory of batches holds. */
interface Batches {
  /** Batch numbers, ascending. */
  readonly batches: readonly number[]
  /** Names that are neither Spark's nor Hadoop's. */
  readonly strangers: readonly string[]
}

/** Commits after offsets, and if there are more of them the offsets again: a query that goes on meanwhile must not look like a damaged one. */
async function readBatchNumbers(files: Files): Promise<{ offsets: Batches; commits: Batches }> {
  const offsets = await listBatches(files, 'offsets')
  const commits = await listBatches(files, 'commits')
  if ((commits.batches.at(-1) ?? -1) <= (offsets.batches.at(-1) ?? -1)) return { offsets, commits }
  return { offsets: await listBatches(files, 'offsets'), commits }
}

/** Names that are whole numbers count, as in Spark; those with a dot in front are temporary files and checksums. */
async function listBatches(files: Files, directory: 'offsets' | 'commits'): Promise<Batches> {
  const names = (await files.list(directory)) ?? []
  const batches = names.filter(isBatch).map(Number)
  const strangers = names.filter((name) => !isBatch(name) && !name.startsWith('.'))
  return { batches: batches.toSorted((a, b) => a - b), strangers: strangers.toSorted() }
}

function isBatch(name: string): boolean {
  return /^\d{1,15}$/.test(name)
}

async function readBefore(files: Files, batches: readonly number[]): Promise<OffsetLog | undefined> {
  const before = batches.at(-2)
  return before === undefined ? undefined : readBatch(files, before)
}

async function readStarting(files: Files, ids: readonly string[]): Promise<SourceOffsets[]> {
  const found = await Promise.all(
    ids
      .filter((id) => !id.startsWith('.'))
      .map(async (id) => {
        const path = `sources/${id}/0`
        const content = await files.read(path)
        // What other kinds of source keep there is their own affair.
        const isText = content !== undefined && /^\0?v\d+\n/.test(content.toString('utf8'))
        return isText ? [parsed(files, path, () => parseStartingOffsets(content, id))] : []
      }),
  )
  return found.flat()
}

function queryIdIn(metadata: Buffer): string | undefined {
  return /"id"\s*:\s*"([^"]+)"/.exec(metadata.toString('utf8'))?.[1]
}

function parsed<T>(files: Files, path: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    throw new TidemarkError(error.code, `${files.url}/${path} can't be read: ${error.what}`, { hint: error.hint, cause: error })
  }
}
