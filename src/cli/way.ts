import type { CheckRow } from '../verbs/check.ts'
import type { Handler } from '../job/handling.ts'
import type { Done } from './progress.ts'

/** How far a run has come: it counts what its handler passes, and learns from a check what lies ahead of one that ends. */
export class Way implements Done {
  /** Offsets passed. */
  value = 0
  /** Offsets to pass in all. */
  total: number | undefined
  records = 0
  readonly handler: Handler

  constructor(handler: Handler) {
    this.handler = async (batch, context): Promise<void> => {
      await handler(batch, context)
      this.records += batch.recordCount
      this.value += sum(batch.ranges.map(({ fromOffset, untilOffset }) => untilOffset - fromOffset))
    }
  }

  /** Asked beside the run, not before it; where it can't be had there is no bar. */
  async measure(check: () => Promise<readonly CheckRow[]>): Promise<void> {
    const rows = await check().catch(() => [])
    if (rows.length > 0) this.total = this.value + sum(rows.map(ahead))
  }
}

function ahead({ committedOffset, logStartOffset, logEndOffset }: CheckRow): number {
  if (logStartOffset === null || logEndOffset === null) return 0
  return logEndOffset - Math.min(Math.max(committedOffset ?? logStartOffset, logStartOffset), logEndOffset)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
