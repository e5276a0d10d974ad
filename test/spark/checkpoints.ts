import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLocalFiles } from '../../src/files/local.ts'
import type { Files } from '../../src/files/files.ts'
import { temporaryDirectory } from '../store/temporary.ts'

const fixtures = fileURLToPath(new URL('../fixtures/spark/', import.meta.url))

/** The range of one partition that a batch of Spark's read, both ends included. */
interface Range {
  readonly first: number
  readonly last: number
}

/** A batch as its foreachBatch saw it; by `topic/partition`. */
export interface SeenBatch {
  readonly batchId: number
  readonly ranges: Readonly<Record<string, Range>>
}

/** What Spark itself did with a checkpoint. */
export interface Expected {
  readonly offsets_ids: readonly number[]
  readonly commits_ids: readonly number[]
  /** The batch that was killed. */
  readonly batch_running_at_kill?: SeenBatch
  readonly resume_by_restart: { readonly first_batch: SeenBatch | null }
}

/** A checkpoint that real Spark left, unpacked anew: NAME-clean or NAME-killed. */
export function fixture(name: string, state: 'clean' | 'killed'): { directory: string; files: Files; expected: Expected } {
  const root = temporaryDirectory()
  execFileSync('tar', ['xzf', join(fixtures, `${name}-${state}.tar.gz`), '-C', root])
  const expected = JSON.parse(readFileSync(join(fixtures, `${name}.expected.json`), 'utf8')) as Record<typeof state, Expected>
  const directory = join(root, `${name}-${state}`)
  return { directory, files: openLocalFiles(directory), expected: expected[state] }
}

/** The header of an offsets file, with a watermark. */
export function header(watermark = 0, time = 1_795_367_325_738): string {
  return `{"batchWatermarkMs":${watermark},"batchTimestampMs":${time},"conf":{"spark.sql.shuffle.partitions":"2"}}`
}

/** A checkpoint written by hand: a path and a text for each file. */
export function checkpoint(contents: Readonly<Record<string, string>>): { directory: string; files: Files } {
  const directory = join(temporaryDirectory(), 'checkpoint')
  mkdirSync(directory)
  for (const [path, text] of Object.entries(contents)) {
    const file = join(directory, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return { directory, files: openLocalFiles(directory) }
}

/** The files of committed batches over one source with these lines, from batch `first` on. */
export function batches(lines: readonly string[], first = 0): Record<string, string> {
  const files = lines.flatMap((line, index) => [
    [`offsets/${first + index}`, `v1\n${header()}\n${line}`],
    [`commits/${first + index}`, 'v1\n{"nextBatchWatermarkMs":0}'],
  ])
  return { metadata: '{"id":"d37d5c0e-0000-4000-8000-000000000000"}', ...(Object.fromEntries(files) as Record<string, string>) }
}
