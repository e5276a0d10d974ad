import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GroupsTogether, type GroupAnswer, type GroupQuestion } from '../../src/kafka/groups-together.ts'
import type { Send } from '../../src/kafka/leaders.ts'

const about = (groupId: string, name?: string): GroupQuestion => ({
  groupId,
  memberId: null,
  memberEpoch: -1,
  topics: name === undefined ? null : [{ name, partitionIndexes: [0] }],
})

/** A broker that answers for the groups that it is asked about, last one first, and knows what it was asked. */
function broker(answering = true) {
  const asked: GroupQuestion[][] = []
  const send = (async (_call: unknown, [questions]: [GroupQuestion[]]) => {
    asked.push(questions)
    if (!answering) throw new Error('away')
    const groups = questions.map(({ groupId, topics }) => ({ groupId, topics: topics ?? [], errorCode: 0 }) as unknown as GroupAnswer)
    return { groups: groups.filter(({ groupId }) => groupId !== 'nobody').toReversed() }
  }) as unknown as Send
  return { asked, send }
}

describe('committed offsets of many groups', () => {
  it('what is asked of a broker in one turn is one request, and everybody gets their own answer', async () => {
    const [one, two] = [broker(), broker()]
    const together = new GroupsTogether()
    const asks = [together.ask(1, one.send, about('a')), together.ask(2, two.send, about('b')), together.ask(1, one.send, about('c'))]
    const answers = await Promise.all([...asks, together.ask(1, one.send, about('nobody'))])
    assert.deepEqual(
      answers.map((answer) => answer?.groupId),
      ['a', 'b', 'c', undefined],
    )
    assert.deepEqual(
      [one.asked, two.asked].map((requests) => requests.map((questions) => questions.map(({ groupId }) => groupId))),
      [[['a', 'c', 'nobody']], [['b']]],
    )
    await together.ask(1, one.send, about('a'))
    assert.equal(one.asked.length, 2, 'the next turn is another one')
  })

  it('no request names a group twice, so that no answer is another question’s', async () => {
    const { asked, send } = broker()
    const together = new GroupsTogether()
    const [all, named] = await Promise.all([together.ask(1, send, about('a')), together.ask(1, send, about('a', 'orders'))])
    assert.deepEqual([all?.topics.length, named?.topics.length, asked.length], [0, 1, 2])
  })

  it('no request names more than a hundred groups', async () => {
    const { asked, send } = broker()
    const together = new GroupsTogether()
    await Promise.all(Array.from({ length: 250 }, (_, index) => together.ask(1, send, about(`${index}`))))
    assert.deepEqual(
      asked.map(({ length }) => length),
      [100, 100, 50],
    )
  })

  it('a broker that is away fails all that it was asked, and is asked again by the next', async () => {
    const { asked, send } = broker(false)
    const together = new GroupsTogether()
    const outcomes = await Promise.allSettled([together.ask(1, send, about('a')), together.ask(1, send, about('b'))])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    await assert.rejects(together.ask(1, send, about('a')))
    assert.equal(asked.length, 2)
  })
})
