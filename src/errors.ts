/**
 * The stable codes of every error that Tidemark raises. Codes never change their meaning; messages may.
 * What each one means, and what to do, is listed in docs/errors.md.
 */
export type ErrorCode =
  | 'USAGE' // an argument or option is not usable
  | 'KAFKA_UNREACHABLE' // no broker answered, or the connection was lost; worth another try
  | 'KAFKA_DENIED' // the cluster refused: authentication or authorization
  | 'KAFKA_UNSUPPORTED' // the broker does not speak an API version that Tidemark needs
  | 'KAFKA_FAILED' // a broker answered with an error that another try does not mend
  | 'TOPIC_NOT_FOUND' // the cluster says twice that there is no such topic or partition
  | 'RECORD_CORRUPT' // a record batch failed its CRC32C or can't be decoded
  | 'STORE_UNREACHABLE' // the store did not answer, and nothing was written; worth another try
  | 'STORE_OUTCOME_UNKNOWN' // the connection was lost during a write and its outcome could not be read back
  | 'STORE_DENIED' // the store refused: authentication or permission
  | 'STORE_CORRUPT' // the store itself can't be read (a damaged file, another program's layout)
  | 'STORE_NOT_FOUND' // the path named in the store's URL does not exist
  | 'STORE_UNSUPPORTED' // this store lacks the capability that was asked for
  | 'STORE_CLOSED' // the store was closed before this call
  | 'CHECKPOINT_STATEFUL' // the Spark query keeps state; its offsets can't be moved
  | 'CHECKPOINT_FILE_SINK' // the Spark query writes by a file sink; its offsets can't be moved
  | 'CHECKPOINT_PLANNED' // a batch of the Spark query is planned and not committed; its offsets can't be moved now
  | 'CHECKPOINT_READ_ONLY' // the Spark checkpoint is of a kind, or in a state, that can only be read
  | 'WATCH_CONFIG' // the configuration of a watch, or its state file, can't be used
  | 'GROUP_NAME' // the store can't hold a group or topic of that name
  | 'GROUP_ACTIVE' // the group has live members; its offsets are theirs to move
  | 'OFFSET_CHANGED' // somebody moved the offset between its reading and this write; nothing was written
  | 'FENCED' // another worker owns the partition by a higher owner epoch; nothing was written
  | 'RANGE_REFUSED' // a range that was reported as done is not the one that was due; nothing was saved
  | 'FACTS_UNKNOWN' // the cluster could not say enough to decide; nothing was written
  | 'POLICY_FAIL' // the policy's action for what was found is `fail`
  | 'LIMIT_EXCEEDED' // the plan skips or reads again more records than maxSkip or maxReread allow
  | 'HANDLER_INVALID' // the handler's module can't be loaded or exports no function
  | 'HANDLER_FAILED' // the handler threw at every attempt
  | 'HANDLER_TIMEOUT' // the handler did not return in time; it may still be at work
  | 'INTERNAL' // a bug in Tidemark

/** Where an error happened, as far as it is known, and what to do next. */
export interface ErrorContext {
  readonly group?: string | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  /** What to do next: one sentence. */
  readonly hint?: string | undefined
  readonly cause?: unknown
}

/** The one error class: a stable `code`, what happened, where (group, topic, partition), and what to do next (`hint`). */
export class TidemarkError extends Error {
  override readonly name = 'TidemarkError'
  readonly code: ErrorCode
  readonly group: string | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly hint: string | undefined
  /** What happened, without place and hint. */
  readonly what: string

  constructor(code: ErrorCode, what: string, context: ErrorContext = {}) {
    super(compose(what, context), context.cause === undefined ? undefined : { cause: context.cause })
    this.code = code
    this.what = what
    this.group = context.group
    this.topic = context.topic
    this.partition = context.partition
    this.hint = context.hint
  }

  /** The same error with the places filled in that it does not name yet. */
  at(context: ErrorContext): TidemarkError {
    const placed = new TidemarkError(this.code, this.what, {
      group: this.group ?? context.group,
      topic: this.topic ?? context.topic,
      partition: this.partition ?? context.partition,
      hint: this.hint ?? context.hint,
      cause: this.cause,
    })
    if (this.stack !== undefined) placed.stack = this.stack.replace(this.message, placed.message)
    return placed
  }
}

/** Any thrown value as a TidemarkError; what is none yet becomes `code`. */
export function asTidemarkError(error: unknown, code: ErrorCode = 'INTERNAL', context: ErrorContext = {}): TidemarkError {
  if (error instanceof TidemarkError) return error.at(context)
  const what = error instanceof Error ? error.message : String(error)
  return new TidemarkError(code, what, { ...context, cause: error })
}

/** Whether another try, later, may succeed: the other side was out of reach. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof TidemarkError && (error.code === 'KAFKA_UNREACHABLE' || error.code === 'STORE_UNREACHABLE')
}

function compose(what: string, { group, topic, partition, hint }: ErrorContext): string {
  const places = [
    group === undefined ? '' : `group ${group}`,
    topic === undefined ? '' : `topic ${topic}`,
    partition === undefined ? '' : `partition ${partition}`,
  ].filter((place) => place !== '')
  const where = places.length === 0 ? '' : ` (${places.join(', ')})`
  return `${what}${where}${hint === undefined ? '' : `. ${hint}`}`
}
