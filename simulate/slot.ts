import { TidemarkError } from '../src/errors.ts'
import type { Random } from './random.ts'
import { startWorker, type Worker } from './worker.ts'
import type { World } from './world.ts'

/** Where one worker runs after the other, as a supervisor has it: what ends is started again. */
export class Slot {
  readonly #world: World
  readonly #random: Random
  readonly #name: string
  #starts = 0
  #isOver = false
  #held = 0
  #released = Promise.withResolvers<void>()
  worker: Worker | undefined

  constructor(world: World, name: string) {
    this.#world = world
    this.#random = world.random.fork()
    this.#name = name
  }

  /** Runs workers until it is told to {@link end}. */
  async run(): Promise<void> {
    const { clock } = this.#world
    while (!this.#isOver) {
      if (this.#held > 0) await this.#released.promise
      if (this.#isOver) return
      this.worker = await startWorker(this.#world, `${this.#name}.${++this.#starts}`)
      if (this.#held > 0 || this.#isOver) this.worker.stop()
      const error = await Promise.race([this.worker.ended.then((end) => end.error), this.worker.program.life.died])
      this.worker = undefined
      // Who was taken over from comes back late, or two workers would do nothing but take from each other.
      const isFenced = error instanceof TidemarkError && error.code === 'FENCED'
      await clock.sleep(isFenced ? this.#random.between(2_000, 20_000) : this.#random.next() ** 2 * 4_000)
    }
  }

  /** Stops its worker, or kills it, and starts none until {@link release}. */
  hold(inOrder: boolean): void {
    this.#held++
    if (inOrder) this.worker?.stop()
    else this.worker?.program.life.kill()
  }

  release(): void {
    if (this.#held === 0 || --this.#held > 0) return
    this.#released.resolve()
    this.#released = Promise.withResolvers()
  }

  /** Stops for good. Resolves once nothing of it runs any more; what does not stop in time is killed. */
  async end(patienceMs: number): Promise<void> {
    this.#isOver = true
    this.#held = 0
    this.#released.resolve()
    const { worker } = this
    if (worker === undefined) return
    worker.stop()
    await Promise.race([worker.ended, worker.program.life.died, this.#world.clock.sleep(patienceMs)])
    worker.program.life.kill()
  }
}
