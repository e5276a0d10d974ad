import type { SingleBar } from 'cli-progress'

/** How far something is. */
export interface Done {
  readonly value: number
  readonly total: number
}

const FIRST_DRAWN_AFTER_MS = 1_000
const REDRAWN_EVERY_MS = 250
const CLEAR_LINE = '\r\u001B[K'
const SAVE_CURSOR = '\u001B7'
const RESTORE_CURSOR = '\u001B8'

/** Runs something; where it takes longer than a second, a bar on the terminal says how far it is. Nothing is drawn, or loaded, where stderr is no terminal. */
export async function withProgress<T>(what: string, unit: string, done: () => Done, work: () => Promise<T>): Promise<T> {
  if (!process.stderr.isTTY) return work()
  const drawing = new Drawing(`${what} {bar} {value} of {total} ${unit}`, done)
  try {
    return await work()
  } finally {
    drawing.stop()
  }
}

/** Takes the bar off the line, so that something else can be said there; it is drawn again below that. */
export function clearProgressLine(): void {
  if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE)
}

class Drawing {
  readonly #format: string
  readonly #done: () => Done
  #timer: NodeJS.Timeout
  #bar: SingleBar | undefined
  #stopped = false

  constructor(format: string, done: () => Done) {
    this.#format = format
    this.#done = done
    this.#timer = setTimeout(() => void this.#start(), FIRST_DRAWN_AFTER_MS).unref()
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#bar?.stop()
  }

  async #start(): Promise<void> {
    const { default: progress } = await import('cli-progress')
    if (this.#stopped) return
    // The library's own signal handlers would keep Ctrl-C from ending the process, and a killed one would leave line wrapping off.
    const options = {
      stream: withoutCursorMemory(),
      format: this.#format,
      clearOnComplete: true,
      gracefulExit: false,
      linewrap: true,
      barsize: 20,
    }
    this.#bar = new progress.SingleBar(options, progress.Presets.shades_classic)
    this.#timer = setInterval(() => this.#draw(), REDRAWN_EVERY_MS).unref()
    this.#draw()
  }

  #draw(): void {
    const { value, total } = this.#done()
    if (this.#bar === undefined) return
    if (!this.#bar.isActive) this.#bar.start(total, value)
    this.#bar.setTotal(total)
    this.#bar.update(Math.min(value, total))
  }
}

/** The library goes back to where the bar began, which is somewhere else once a handler or a notice wrote lines of its own. */
function withoutCursorMemory(): NodeJS.WritableStream {
  return Object.create(process.stderr, { write: { value: writeInPlace } }) as NodeJS.WritableStream
}

function writeInPlace(text: string): boolean {
  return process.stderr.write(text.replaceAll(SAVE_CURSOR, '').replaceAll(RESTORE_CURSOR, ''))
}
