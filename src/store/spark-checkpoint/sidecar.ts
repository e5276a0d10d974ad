import { createHash } from 'node:crypto'
import * as v from 'valibot'
import { keyOf } from '../../core/position.ts'
import type { Position, TopicPartition } from '../../core/position.ts'
import type { Files } from '../../files/files.ts'
import { printOffsetLog } from '../../spark/offset-log.ts'
import type { OffsetLog } from '../../spark/offset-log.ts'
import { count, identityFields, readJson } from '../identity-json.ts'

/** What Tidemark knows of one partition's offset besides the number, and the save ID of the write that put it. */
export interface Identity extends TopicPartition {
  readonly position: Position
  readonly saveId: string
}

/** By {@link keyOf}. */
export type Identities = ReadonlyMap<string, Identity>

const schema = v.object({
  v: v.literal(1),
  partitions: v.array(
    v.object({
      topic: v.string(),
      partition: count,
      saveId: v.string(),
      offset: count,
      ...identityFields,
    }),
  ),
})

/**
 * The sidecar of a batch: a file that Spark never looks at, `tidemark/<batch>-<hash>.json`. The hash is of the batch's own file, so that a
 * sidecar is there before its batch, counts from the moment in which that appears, and never speaks of other offsets than it was made for.
 */
function pathOf(batch: number, log: OffsetLog): string {
  return `tidemark/${batch}-${hashOf(log)}.json`
}

/** Names the content of a batch's offsets. */
export function hashOf(log: OffsetLog): string {
  return createHash('sha256').update(printOffsetLog(log)).digest('hex').slice(0, 16)
}

/** What is known of a batch's offsets; undefined: nothing, they are not of Tidemark's making. */
export async function readSidecar(files: Files, batch: number, log: OffsetLog): Promise<Identities | undefined> {
  const content = await files.read(pathOf(batch, log))
  const found = content === undefined ? undefined : readJson(schema, content.toString('utf8'))
  if (found === undefined) return undefined
  const identities = found.partitions.map(({ topic, partition, saveId, ...position }) => ({ topic, partition, saveId, position }))
  return new Map(identities.map((identity) => [keyOf(identity), identity]))
}

/** Puts what is known of a batch's offsets beside them, before or after these are there. false: there is such a file already. */
export function createSidecar(files: Files, batch: number, log: OffsetLog, identities: Identities): Promise<boolean> {
  const partitions = [...identities.values()].map(({ topic, partition, saveId, position }) => ({ topic, partition, saveId, ...position }))
  return files.create(pathOf(batch, log), JSON.stringify({ v: 1, partitions }))
}
