import type { Stored } from '../../core/custody.ts'
import { corrupt } from '../stored.ts'
import { storedNumber, visible } from './value.ts'

/**
 * The string that holds all of a topic's offsets: `0:1200,1:998`, in any order. Read and written as Latin-1, in which
 * every byte is one character, so that what can't be read stays as it is byte for byte.
 */
export interface OffsetsString {
  /** Every entry, as it stands between the commas. */
  readonly entries: readonly Entry[]
}

interface Entry {
  readonly text: string
  /** undefined: it names no partition. */
  readonly partition: number | undefined
  /** What stands for the offset. */
  readonly offset: string
}

/** The entries of a znode's data. */
export function parseOffsets(data: Buffer): OffsetsString {
  return { entries: data.toString('latin1').split(',').map(entryOf) }
}

function entryOf(text: string): Entry {
  const [, partition, offset = ''] = /^(0|[1-9]\d{0,8}):(.*)$/s.exec(text) ?? []
  return { text, partition: partition === undefined ? undefined : Number(partition), offset }
}

/**
 * The partitions that the string is about. An entry that names none may be any partition's: the first one that the string does
 * not name stands for it, so that it is seen. An empty one at the end, behind a comma too many, is nobody's.
 */
export function partitionsOf({ entries }: OffsetsString): number[] {
  const named = new Set(entries.flatMap(({ partition }) => partition ?? []))
  const hasStray = entries.some(({ partition, text }, index) => partition === undefined && (text !== '' || index < entries.length - 1))
  if (hasStray) named.add(firstWithout(named))
  return [...named]
}

function firstWithout(named: ReadonlySet<number>): number {
  let partition = 0
  while (named.has(partition)) partition++
  return partition
}

/** What the string holds for a partition. Where an entry can't be read that names no partition, it may be this one's: not absent but corrupt. */
export function storedIn({ entries }: OffsetsString, partition: number): Stored {
  const [own, ...others] = entries.filter((entry) => entry.partition === partition)
  if (others.length > 0)
    return corrupt([own, ...others].map((entry) => visible(entry?.text ?? '')).join(','), 'the partition has several entries')
  if (own !== undefined) return storedNumber(Buffer.from(own.offset, 'latin1'))
  const stray = entries.find((entry) => entry.partition === undefined)
  if (stray === undefined) return { state: 'absent' }
  return corrupt(visible(stray.text), 'the partition has no entry, and this one of its topic names no partition')
}

/** The data with these partitions' offsets in it, and every other entry byte for byte as it is, in its place. New ones come last. */
export function withOffsets(data: Buffer | undefined, offsets: ReadonlyMap<number, number>): Buffer {
  const left = new Map(offsets)
  const texts: string[] = []
  for (const { text, partition = -1 } of data === undefined ? [] : parseOffsets(data).entries) {
    if (!offsets.has(partition)) texts.push(text)
    else if (left.has(partition)) texts.push(`${partition}:${left.get(partition)}`)
    left.delete(partition)
  }
  // Behind a comma too many is the place of the next entry; a comma between two entries would be one too many for the old job.
  if (left.size > 0 && texts.at(-1) === '') texts.pop()
  for (const [partition, offset] of left) texts.push(`${partition}:${offset}`)
  return Buffer.from(texts.join(','), 'latin1')
}
