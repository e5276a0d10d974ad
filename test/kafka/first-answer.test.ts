import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstAnswer } from '../../src/kafka/first-answer.ts'

const never = 2 ** 31 - 1

describe('the first answer', () => {
  it('asks nobody else while the first one answers', async () => {
    const asked: string[] = []
    const answer = await firstAnswer(['a', 'b'], async (name) => (asked.push(name), name), never)
    assert.equal(answer, 'a')
    assert.deepEqual(asked, ['a'])
  })

  it('goes on to the next one when one fails', async () => {
    const ask = (name: string): Promise<string> => (name === 'b' ? Promise.resolve(name) : Promise.reject(new Error(name)))
    assert.equal(await firstAnswer(['a', 'b', 'c'], ask, never), 'b')
  })

  it('goes on to the next one when one is silent, and still takes the answer of the first', async () => {
    const first = Promise.withResolvers<string>()
    const ask = async (name: string): Promise<string> => {
      if (name === 'a') return first.promise
      first.resolve('a, late')
      throw new Error(name)
    }
    assert.equal(await firstAnswer(['a', 'b'], ask, 1), 'a, late')
  })

  it('reports everyone who failed', async () => {
    const all = firstAnswer(['a', 'b'], (name) => Promise.reject(new Error(name)), never)
    await assert.rejects(all, (error: AggregateError) => error.errors.map((each: Error) => each.message).join() === 'a,b')
  })
})
