import { channel } from 'node:diagnostics_channel'
import type { Channel } from 'node:diagnostics_channel'
import type { OffsetRange } from './core/position.ts'
import type { Notice } from './job/notice.ts'

/** What `tidemark:batch` tells: a batch, or a part of one that failed, has come so far. docs/diagnostics.md says when. */
export interface BatchEvent {
  readonly group: string
  readonly state: 'planned' | 'handled' | 'saved' | 'failed'
  /** The same array in every event of a batch, and in what its handler is given: it tells batches apart. */
  readonly ranges: readonly OffsetRange[]
  /** Of `step` and `guard`, whose records go past Tidemark: offsets, which is records at most. */
  readonly recordCount: number
  /** Since the event before it of the same batch. */
  readonly ms: number
  /** With `failed`: why. */
  readonly error?: unknown
}

/** What `tidemark:save` tells: a job's write to the store is over, with what it waited and repeated. */
export interface SaveEvent {
  readonly group: string
  /** Partitions written. */
  readonly writes: number
  readonly ms: number
  /** Why it was given up, if it was. */
  readonly error?: unknown
}

/** What `tidemark:notice` tells: what people should know of a running job. */
export interface NoticeEvent extends Notice {
  readonly group: string
}

interface Events {
  readonly batch: BatchEvent
  readonly save: SaveEvent
  readonly notice: NoticeEvent
}

const channels: Readonly<Record<keyof Events, Channel>> = {
  batch: channel('tidemark:batch'),
  save: channel('tidemark:save'),
  notice: channel('tidemark:notice'),
}

/** Publishes an event, which is only made where somebody listens. */
export function publish<Name extends keyof Events>(name: Name, make: () => Events[Name]): void {
  if (channels[name].hasSubscribers) channels[name].publish(make())
}

/** Listens to events; what it returns ends that. */
export function listen<Name extends keyof Events>(name: Name, hear: (event: Events[Name]) => void): () => void {
  const listener = (event: unknown): void => hear(event as Events[Name])
  channels[name].subscribe(listener)
  return () => {
    channels[name].unsubscribe(listener)
  }
}

/** Tells how a batch comes on, each time with how long it took since the last. */
export class BatchVoice {
  readonly #batch: Pick<BatchEvent, 'group' | 'ranges' | 'recordCount'>
  #toldAt = performance.now()

  constructor(batch: Pick<BatchEvent, 'group' | 'ranges' | 'recordCount'>) {
    this.#batch = batch
  }

  tell(state: BatchEvent['state'], more: Pick<BatchEvent, 'error'> = {}): void {
    publish('batch', () => {
      const [now, before] = [performance.now(), this.#toldAt]
      this.#toldAt = now
      return { ...this.#batch, state, ms: now - before, ...more }
    })
  }
}

/** Saves work that is heard of only when it is done, and tells of that alone. Ranges that lead nowhere are none. */
export async function publishDone(group: string, ranges: readonly OffsetRange[], save: () => Promise<void>): Promise<void> {
  const passed = ranges.filter(({ fromOffset, untilOffset }) => untilOffset > fromOffset)
  if (passed.length === 0) return save()
  const recordCount = passed.reduce((sum, { fromOffset, untilOffset }) => sum + untilOffset - fromOffset, 0)
  const voice = new BatchVoice({ group, ranges: passed, recordCount })
  try {
    await save()
  } catch (error) {
    voice.tell('failed', { error })
    throw error
  }
  voice.tell('saved')
}

/** Runs a save, and tells how long it took. */
export async function publishSave<T>(group: string, writes: number, save: () => Promise<T>): Promise<T> {
  const started = performance.now()
  const over = (error?: unknown): void =>
    publish('save', () => ({ group, writes, ms: performance.now() - started, ...(error === undefined ? {} : { error }) }))
  try {
    const result = await save()
    over()
    return result
  } catch (error) {
    over(error)
    throw error
  }
}
