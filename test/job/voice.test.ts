import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Voice } from '../../src/job/voice.ts'
import { ManualClock } from '../../src/testing/index.ts'

test('each reason to wait is said at once, and again only after 15 s, in whatever words', async () => {
  const clock = new ManualClock()
  const said: string[] = []
  const voice = new Voice(({ text }) => said.push(text), clock)
  const place = { topic: 'orders', partition: 0 }
  const wait = (reason: string): void => voice.waiting([{ ...place, reason }])
  wait('NO_LEADER: no broker leads')
  voice.say('waiting', 'orders-0 was moved by somebody else', place, 'moved')
  wait('OPEN_TRANSACTION: not moved for 10 s')
  wait('OPEN_TRANSACTION: not moved for 11 s')
  wait('NO_LEADER: no broker leads now')
  assert.deepEqual(said, [
    'waiting for orders-0: NO_LEADER: no broker leads',
    'orders-0 was moved by somebody else',
    'waiting for orders-0: OPEN_TRANSACTION: not moved for 10 s',
  ])
  await clock.advance(15_000)
  wait('OPEN_TRANSACTION: not moved for 26 s')
  assert.equal(said.at(-1), 'waiting for orders-0: OPEN_TRANSACTION: not moved for 26 s')
})
