import type { Plan } from '../src/core/plan.ts'
import type { PolicyInput } from '../src/core/policy.ts'
import { keyOf } from '../src/core/position.ts'
import type { ResetTarget } from '../src/core/reset.ts'
import type { Member } from '../src/store/driver.ts'
import { MEMBER_GONE_MS } from '../src/store/membership.ts'
import { apply, reconcile, type Applied, type ReconcileOptions } from '../src/verbs/reconcile.ts'
import { reset } from '../src/verbs/reset.ts'
import { startProgram, type Program } from './program.ts'
import type { Random } from './random.ts'
import { GROUP, type World } from './world.ts'

/** What repairs everything that there can be. */
const REPAIR_ALL: PolicyInput = { lost: 'earliest', corrupt: 'earliest' }

/** A person at the command line: repairs and resets, looks twice, and sometimes does the same thing again. */
export class Operator {
  readonly #world: World
  readonly #random: Random
  readonly #program: Program

  private constructor(world: World, program: Program) {
    this.#world = world
    this.#random = world.random.fork()
    this.#program = program
  }

  static async start(world: World, name: string): Promise<Operator> {
    return new Operator(world, await startProgram(world, name, 'operator'))
  }

  /** The command dies after so many calls. */
  killAfter(calls: number): void {
    this.#program.life.killAfter(calls)
  }

  /** Plans what the policy says, and applies it, sometimes twice. False where it was refused or failed. */
  async repair(policy: PolicyInput = REPAIR_ALL): Promise<boolean> {
    const { log, store } = this.#program
    return this.#try('repairs', async () => {
      const plan = await reconcile(log, store, { ...this.#options(), policy })
      await this.#program.life.clock.sleep(this.#random.next() ** 4 * 5_000)
      const moved = await this.#apply(plan)
      if (this.#random.chance(0.5)) await this.#applyAgain(plan, moved)
    })
  }

  /** With nothing else going on: what was just repaired needs no repair. */
  async assertRepaired(): Promise<void> {
    const { log, store } = this.#program
    await this.#try('looks again', async () => {
      const plan = await reconcile(log, store, { ...this.#options(), policy: REPAIR_ALL })
      for (const entry of plan.entries)
        if (entry.outcome === 'move')
          this.#world.violate(
            'idempotent',
            `${keyOf(entry)} is to be moved again, from ${entry.from} to ${entry.move?.to}: ${entry.verdict}`,
          )
    })
  }

  async reset(): Promise<boolean> {
    const target = this.#target()
    const { log, store } = this.#program
    return this.#try(`resets ${JSON.stringify(target)}`, async () => {
      const before = await this.#world.server.members()
      const { applied = [] } = await reset(log, store, { ...this.#options(), target, execute: true })
      await this.#moved(applied, before)
    })
  }

  async #apply(plan: Plan): Promise<readonly Applied[]> {
    const before = await this.#world.server.members()
    return this.#moved(await apply(plan, this.#program.store), before)
  }

  /** `idempotent`: what was moved, and not touched by anybody since, is found moved. */
  async #applyAgain(plan: Plan, moved: readonly Applied[]): Promise<void> {
    const again = new Map((await this.#apply(plan)).map(({ entry }) => [keyOf(entry), entry]))
    const now = new Map((await this.#world.server.load()).map((custody) => [keyOf(custody), custody.saveId]))
    for (const { entry } of moved) {
      if (now.get(keyOf(entry)) !== entry.move?.saveId || again.has(keyOf(entry))) continue
      this.#world.violate('idempotent', `${this.#program.name} applied a plan again, and ${keyOf(entry)} was not found moved`)
    }
  }

  /** `no-blind-move`: what was a live member all the time from before to after the move must have kept it from being made. */
  async #moved(applied: readonly Applied[], before: readonly Member[]): Promise<readonly Applied[]> {
    const { clock, server, trace } = this.#world
    const moved = applied.filter(({ status }) => status === 'moved')
    if (moved.length === 0) return moved
    for (const { entry } of moved)
      trace.note(this.#program.name, () => `moved ${keyOf(entry)} from ${entry.from} to ${entry.move?.to}: ${entry.verdict}`)
    const after = await server.members()
    const live = before.find(({ id, seenAt }) => clock.now() - seenAt <= MEMBER_GONE_MS && after.some((member) => member.id === id))
    if (live !== undefined) this.#world.violate('no-blind-move', `${this.#program.name} moved offsets while ${live.id} was a live member`)
    return moved
  }

  async #try(what: string, work: () => Promise<void>): Promise<boolean> {
    const { name } = this.#program
    this.#world.trace.note(name, () => what)
    try {
      await Promise.race([work(), this.#program.life.died])
      return !this.#program.life.isDead
    } catch (error) {
      this.#world.trace.note(name, () => `fails: ${String(error)}`)
      this.#world.tell('failed', this.#program, error)
      return false
    }
  }

  #options(): ReconcileOptions {
    const { life } = this.#program
    const { secondLookMs, topics } = this.#world.settings
    return {
      group: GROUP,
      topics: [...topics.keys()],
      clock: life.clock,
      newId: this.#world.newId,
      actor: this.#program.name,
      secondLookMs,
    }
  }

  #target(): ResetTarget {
    const random = this.#random
    return random.weighted<ResetTarget>([
      [{ kind: 'to-earliest' }, 2],
      [{ kind: 'to-latest' }, 1],
      [{ kind: 'to-offset', offset: random.between(0, 100) }, 2],
      [{ kind: 'shift-by', records: random.between(-20, 10) }, 3],
      [{ kind: 'to-datetime', timestamp: this.#world.clock.now() - random.between(0, 10_000) }, 1],
    ])
  }
}
