import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Life } from '../../simulate/life.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'

describe('a simulated process', () => {
  let clock: ManualClock
  let life: Life
  let done: string[]

  beforeEach(() => {
    clock = new ManualClock()
    life = new Life(clock)
    done = []
  })

  /** Three calls, one after the other. */
  async function work(): Promise<void> {
    for (const name of ['a', 'b', 'c']) {
      await life.through(async () => {
        done.push(`${name} sent`)
        await clock.sleep(10)
        done.push(`${name} applied`)
      })
      done.push(`${name} heard`)
    }
  }

  it('does not run on once it is killed; what it sent off arrives', async () => {
    void work()
    await clock.advance(15)
    life.kill()
    await clock.advance(100)
    assert.deepEqual(done, ['a sent', 'a applied', 'a heard', 'b sent', 'b applied'])
    assert.ok(life.isDead)
    await life.died
  })

  it('dies before a call or after it, as the count falls', async () => {
    for (const [calls, expected] of [
      [0, []],
      [1, ['a sent', 'a applied']],
      [2, ['a sent', 'a applied', 'a heard']],
      [3, ['a sent', 'a applied', 'a heard', 'b sent', 'b applied']],
    ] as const) {
      life = new Life(clock)
      done = []
      life.killAfter(calls)
      void work()
      await clock.advance(100)
      assert.deepEqual(done, expected)
    }
  })

  it('hears late of what happened while it was stopped', async () => {
    void work()
    await clock.advance(5)
    life.pause(50)
    await clock.advance(49)
    assert.deepEqual(done, ['a sent', 'a applied'])
    await clock.advance(1)
    assert.deepEqual(done, ['a sent', 'a applied', 'a heard', 'b sent'])
  })

  it('sleeps by a clock that stops with it', async () => {
    let isAwake = false
    void life.clock.sleep(10).then(() => (isAwake = true))
    life.kill()
    await clock.advance(20)
    assert.equal(isAwake, false)
    assert.equal(life.clock.now(), clock.now())
  })
})
