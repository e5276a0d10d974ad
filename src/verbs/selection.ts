import { TidemarkError } from '../errors.ts'
import type { TopicPartition } from '../core/position.ts'

/** Topics to work on: `orders` for all its partitions, `orders:0,2` for some. */
export type TopicSelection = string

/** A selection taken apart; `partitions` undefined: all. */
export interface SelectedTopic {
  readonly topic: string
  readonly partitions?: readonly number[] | undefined
}

/**
 * Reads `orders` and `orders:0,2` (Kafka's own form of `--topic`).
 * @throws TidemarkError USAGE for an empty name or partitions that are no whole numbers.
 */
export function parseSelection(selection: readonly TopicSelection[]): SelectedTopic[] {
  return selection.map((text) => {
    const colon = text.indexOf(':')
    const topic = colon < 0 ? text : text.slice(0, colon)
    if (topic === '') throw new TidemarkError('USAGE', `${JSON.stringify(text)} names no topic`, { hint: 'Write orders, or orders:0,2' })
    return colon < 0 ? { topic } : { topic, partitions: parsePartitions(text, text.slice(colon + 1)) }
  })
}

/** Whether a partition is selected. */
export function selects(selected: readonly SelectedTopic[], { topic, partition }: TopicPartition): boolean {
  return selected.some((one) => one.topic === topic && (one.partitions === undefined || one.partitions.includes(partition)))
}

function parsePartitions(text: string, list: string): number[] {
  return list.split(',').map((part) => {
    if (!/^\d{1,9}$/.test(part.trim()))
      throw new TidemarkError('USAGE', `${JSON.stringify(part)} in ${JSON.stringify(text)} is no partition`, { hint: 'Write orders:0,2' })
    return Number(part)
  })
}
