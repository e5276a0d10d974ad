import { TidemarkError } from '../errors.ts'
import type { OffsetRange } from '../core/position.ts'
import { keyOf } from '../core/position.ts'
import type { ExternalOptions } from '../external/options.ts'
import type { Beginning, Guarded } from '../guard/guarded.ts'
import { GuardedJob } from '../guard/job.ts'
import { GuardedQuery } from '../guard/query.ts'
import type { OnNotice } from '../job/notice.ts'
import { withDefaults } from '../job/options.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'

/** The command that is guarded. */
export interface Command {
  /** Runs it to its end; its exit code, 128 and more where a signal ended it. */
  run(beginning: Beginning): Promise<number>
  /** Ends it: asks first. Resolves at once. */
  stop(): void
  /** It was told to stop, by us or by whoever runs us. */
  readonly isStopped: boolean
}

/** Which job is guarded, and how. */
export interface GuardOptions extends ExternalOptions {
  readonly command: Command
  /** The checkpointLocation of a streaming query: a path, `s3://…`, `hdfs://…`. Without it the job reports what it has done. */
  readonly checkpoint?: string | undefined
  /** With a checkpoint: the SQLite file that announces its moves. Default `./tidemark.db`. */
  readonly ledger?: string | undefined
  /** Without a checkpoint: a file or named pipe to report to. Default: a file of our own. */
  readonly done?: string | undefined
  /** How often a job that died of an offset is started again. Default 3. */
  readonly restarts?: number | undefined
}

/** How it ended. */
export interface GuardSummary {
  /** The command's, the last time. */
  readonly exitCode: number
  /** How often it was started again. */
  readonly restarts: number
  /** What was done and saved, from the first to the last offset, by partition. */
  readonly ranges: readonly OffsetRange[]
}

/**
 * Runs a job that keeps its offsets itself, a streaming query or one that reports what it has done: reconciles before it starts, saves its
 * progress while it runs, and where it died of an offset repairs that as the policy says and starts it again.
 * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED: it was not started; RANGE_REFUSED, FENCED: it was stopped; STORE_UNREACHABLE where
 * `signal` ended the waiting for a store that is away
 */
export async function guard(log: Log, store: Store, options: GuardOptions): Promise<GuardSummary> {
  const { command, checkpoint, restarts: limit = 3 } = options
  const { onNotice, signal } = withDefaults(options)
  await using guarded =
    checkpoint === undefined ? new GuardedJob(log, store, options) : new GuardedQuery(log, store, { ...options, checkpoint })
  for (let restarts = 0; ; restarts++) {
    const { exitCode, refusal } = await watch(guarded, command, signal)
    const summary = { exitCode, restarts, ranges: guarded.ranges() }
    if (refusal !== undefined && !(guarded.restartsWhenRefused && isOfTheLog(refusal))) throw refusal
    if (refusal === undefined && (exitCode === 0 || command.isStopped)) return summary
    const why = refusal?.message ?? (await reasonIn(guarded, onNotice))
    if (why === undefined) return summary
    const ended =
      refusal === undefined
        ? `the command ended with exit code ${exitCode}, and its offsets disagree with the log`
        : 'the command was stopped'
    if (restarts === limit) {
      onNotice({ kind: 'gave-up', text: `${ended}: ${why}; it was started again ${restarts} times, and is no more` })
      if (refusal !== undefined) throw refusal
      return summary
    }
    onNotice({ kind: 'retrying', text: `${ended}: ${why}; reconciling and starting it again, ${restarts + 1} of ${limit}` })
  }
}

/** One start of the command: from reconciling to the last offset that is saved. */
async function watch(
  guarded: Guarded,
  command: Command,
  signal: AbortSignal,
): Promise<{ exitCode: number; refusal?: TidemarkError | undefined }> {
  const beginning = await unlessStopped(guarded.begin(), signal)
  if (beginning === undefined) return { exitCode: 0 }
  const over = new AbortController()
  let refusal: TidemarkError | undefined
  const following = guarded.follow(over.signal).catch((error: unknown) => {
    command.stop()
    if (!(error instanceof TidemarkError)) throw error
    refusal = error
  })
  // Not to be taken for unhandled while the command is still about to end.
  following.catch(() => {})
  const exitCode = await command.run(beginning).finally(() => over.abort())
  await following
  return { exitCode, refusal }
}

/** Undefined where a question to the cluster was cut short by the stop, which is no failure. */
async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (signal.aborted && error === signal.reason) return undefined
    throw error
  })
}

/** Whether reconciling with the log may help. */
function isOfTheLog({ code }: TidemarkError): boolean {
  return code === 'RANGE_REFUSED' || code === 'POLICY_FAIL'
}

/** Why the command may have died. Where that can't be found out, it is said, and its exit code is all there is. */
async function reasonIn(guarded: Guarded, onNotice: OnNotice): Promise<string | undefined> {
  try {
    const disputes = await guarded.disputes()
    const [first] = disputes
    if (first === undefined) return undefined
    const more = disputes.length === 1 ? '' : ` (and ${disputes.length - 1} more partitions)`
    return `${keyOf(first)} is ${first.verdict}: ${first.evidence.join('; ')}${more}`
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    onNotice({ kind: 'gave-up', text: `whether the command died of an offset can't be found out: ${error.message}` })
    return undefined
  }
}
