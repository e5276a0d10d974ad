import { constants } from 'node:fs'
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LineSplitter } from '../exec/lines.ts'

/** A reported line, at most, bytes. */
const MAX_LINE = 64 * 1024
/** What is read at a time, bytes. */
const CHUNK = 256 * 1024

/** Where a job reports what it has done, one line a range: its path goes into TIDEMARK_DONE. */
export interface DoneFile extends AsyncDisposable {
  readonly path: string
  /** The lines that were written since the last call; one that is not ended by a newline waits for its end. */
  read(): Promise<string[]>
  /** What was written after the last newline. */
  rest(): string | undefined
}

/**
 * Opens the place where a job reports: a fresh file of our own, or the one that is named, from its present end on.
 * A file and not a pipe, unless a named pipe is there already: the job never waits for us, and can open it as often as it likes.
 */
export async function openDoneFile(named?: string): Promise<DoneFile> {
  if (named !== undefined) return new Tail(named, await openedForReading(named), async () => {})
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-done-'))
  const path = join(folder, 'done')
  return new Tail(path, await openedForReading(path), () => rm(folder, { recursive: true, force: true }))
}

interface Opened {
  readonly file: FileHandle
  /** Undefined: a pipe, which is read where it is. */
  readonly from: number | undefined
}

/** A pipe is opened for writing too: so it has a writer at every time, and no end. */
async function openedForReading(path: string): Promise<Opened> {
  const found = await stat(path).catch(() => undefined)
  if (found?.isFIFO() === true) return { file: await open(path, constants.O_RDWR | constants.O_NONBLOCK), from: undefined }
  if (found === undefined) await writeFile(path, '', { flag: 'a' })
  return { file: await open(path, 'r'), from: found?.size ?? 0 }
}

class Tail implements DoneFile {
  readonly path: string
  readonly #file: FileHandle
  readonly #remove: () => Promise<void>
  readonly #splitter = new LineSplitter(MAX_LINE, (line, whole) => this.#lines.push(whole ? line : `${line}…`))
  readonly #chunk = Buffer.allocUnsafe(CHUNK)
  #lines: string[] = []
  #position: number | undefined

  constructor(path: string, { file, from }: Opened, remove: () => Promise<void>) {
    this.path = path
    this.#file = file
    this.#position = from
    this.#remove = remove
  }

  async read(): Promise<string[]> {
    for (let bytes = await this.#readSome(); bytes > 0; bytes = await this.#readSome()) this.#splitter.push(this.#chunk.subarray(0, bytes))
    return this.#taken()
  }

  rest(): string | undefined {
    this.#splitter.flush()
    return this.#taken()[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
    await this.#remove()
  }

  async #readSome(): Promise<number> {
    try {
      const { bytesRead } = await this.#file.read(this.#chunk, 0, CHUNK, this.#position ?? null)
      if (this.#position !== undefined) this.#position += bytesRead
      return bytesRead
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0 // an empty pipe
      throw error
    }
  }

  #taken(): string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }
}
