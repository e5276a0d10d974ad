import * as v from 'valibot'

/** An offset, an epoch or a partition number. */
export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
/** ms since 1970. */
export const time = v.pipe(v.number(), v.safeInteger())

/** A position's identity, as the sidecars hold it beside the offset. */
export const identityFields = {
  leaderEpoch: v.optional(count),
  epochs: v.optional(v.array(v.object({ epoch: count, startOffset: count }))),
  topicId: v.optional(v.string()),
  clusterId: v.optional(v.string()),
  recordTime: v.optional(time),
  commitTime: v.optional(time),
  committedBy: v.optional(v.string()),
  assumedSince: v.optional(time),
}

/** What Tidemark keeps somewhere as JSON; undefined where it can't be read: another program's, damaged, or of a newer Tidemark. */
export function readJson<Output>(schema: v.GenericSchema<unknown, Output>, text: string): Output | undefined {
  const parsed = v.safeParse(schema, valueOf(text))
  return parsed.success ? parsed.output : undefined
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
