import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Stored } from '../../src/core/custody.ts'
import type { Facts } from '../../src/core/facts.ts'
import { TidemarkError } from '../../src/errors.ts'
import { check } from '../../src/verbs/check.ts'
import { explain } from '../../src/verbs/explain.ts'
import { repair } from '../../src/verbs/repair.ts'
import { Scripted } from './scripted.ts'
import type { Script } from './scripted.ts'

const group = 'billing'
const away = new TidemarkError('KAFKA_UNREACHABLE', 'no broker could be reached')

function at(offset: number): Stored {
  return { state: 'position', position: { offset, topicId: 't1', clusterId: 'c1' } }
}

function unknown(reason: string): Partial<Facts> {
  return { state: 'unknown', reason, detail: 'why' }
}

/** The verdicts of a check, and what was asked in which order. */
async function looks(script: Script, topics?: readonly string[]): Promise<{ verdicts: string[]; asked: string[] }> {
  const scripted = new Scripted(script)
  const rows = await check(scripted.log, scripted.store, { group, topics, clock: scripted.clock })
  return { verdicts: rows.map(({ topic, partition, verdict }) => `${topic}-${partition} ${verdict}`), asked: scripted.asked }
}

test('what is valid is looked at once, the committed offset before the log end', async () => {
  const { verdicts, asked } = await looks({ stored: { 't-0': [at(5)] } })
  assert.deepEqual([verdicts, asked], [['t-0 valid'], ['load', 'facts']])
})

test('a moving consumer is never called ahead: its offset is read again, some seconds later and through another broker', async () => {
  const { verdicts, asked } = await looks({ stored: { 't-0': [at(150)] }, facts: { 't-0': [{}, { logEndOffset: 200 }] } })
  assert.deepEqual([verdicts, asked], [['t-0 valid'], ['load', 'facts', 'sleep 2000', 'load', 'facts elsewhere']])
})

test('a moving consumer is never called expired: its offset is read again, at once', async () => {
  const { verdicts, asked } = await looks({
    stored: { 't-0': [at(5), at(60)] },
    facts: { 't-0': [{ logStartOffset: 50 }] },
  })
  assert.deepEqual([verdicts, asked], [['t-0 valid'], ['load', 'facts', 'load', 'facts elsewhere']])
})

test('a verdict counts when two looks give it, and only those in doubt are looked at again', async () => {
  const { verdicts, asked } = await looks({ stored: { 't-0': [at(5)], 't-1': [at(150)] } })
  assert.deepEqual(
    [verdicts, asked],
    [
      ['t-0 valid', 't-1 ahead'],
      ['load', 'facts', 'sleep 2000', 'load', 'facts elsewhere'],
    ],
  )
})

test('what never says the same twice is unknown', async () => {
  const facts = [unknown('A'), { state: 'absent' }, { logStartOffset: 50 }, { logEndOffset: 1 }] as unknown as readonly [Partial<Facts>]
  const { verdicts } = await looks({ stored: { 't-0': [at(5)] }, facts: { 't-0': facts } })
  assert.deepEqual(verdicts, ['t-0 unknown'])
})

test('what took all the time there was is not waited for again', async () => {
  const { verdicts, asked } = await looks({ stored: { 't-0': [at(5)] }, facts: { 't-0': [unknown('TIMED_OUT')] } })
  assert.deepEqual([verdicts, asked], [['t-0 unknown'], ['load', 'facts']])
})

test("a cluster that can't be reached makes everything unknown, and comes back by the second look", async () => {
  assert.deepEqual((await looks({ stored: { 't-0': [at(5)] }, facts: { 't-0': [away] } })).verdicts, ['t-0 unknown'])
  assert.deepEqual((await looks({ stored: { 't-0': [at(5)] }, facts: { 't-0': [away, {}] } })).verdicts, ['t-0 valid'])
})

test('a cluster that refuses is an error', async () => {
  await assert.rejects(looks({ stored: { 't-0': [at(5)] }, facts: { 't-0': [new TidemarkError('KAFKA_DENIED', 'no')] } }), {
    code: 'KAFKA_DENIED',
  })
})

test('named topics are checked with all their partitions, stored or not, and nothing else is', async () => {
  const script: Script = { stored: { 't-1': [at(5)], 'u-0': [at(5)] }, topics: { t: [[0, 1, 2]] } }
  assert.deepEqual((await looks(script, ['t'])).verdicts, ['t-0 missing', 't-1 valid', 't-2 missing'])
  assert.deepEqual((await looks(script, ['t:2', 't:1', 't:2'])).verdicts, ['t-1 valid', 't-2 missing'])
  assert.deepEqual((await looks(script)).verdicts, ['t-1 valid', 'u-0 valid'])
})

test("partitions that are stored and named need no list of the cluster's", async () => {
  assert.deepEqual((await looks({ stored: { 't-1': [at(5)] } }, ['t:1'])).asked, ['load', 'facts'])
})

test('a topic that was made a moment ago counts as absent only on a second look', async () => {
  assert.deepEqual((await looks({ topics: { t: ['absent', [0]] } }, ['t'])).verdicts, ['t-0 missing'])
  assert.deepEqual((await looks({ topics: { t: [[0], [0, 1]] } }, ['t:1'])).verdicts, ['t-1 missing'])
})

for (const [what, script, topic, error] of [
  ['a topic that is not there', { topics: { t: ['absent'] } }, 't', { code: 'TOPIC_NOT_FOUND', topic: 't' }],
  ['a partition of a topic that is not there', { topics: { t: ['absent'] } }, 't:1', { code: 'TOPIC_NOT_FOUND', topic: 't', partition: 1 }],
  ['a partition that is not there', { topics: { t: [[0, 1]] } }, 't:1,2', { code: 'TOPIC_NOT_FOUND', topic: 't', partition: 2 }],
  [
    'a topic whose name begins like a stored one',
    { stored: { 't-x-0': [at(5)] }, topics: { t: ['absent'] } },
    't',
    { code: 'TOPIC_NOT_FOUND', topic: 't' },
  ],
  ["a topic that can't be described", { topics: { t: ['unknown'] } }, 't', { code: 'FACTS_UNKNOWN', topic: 't' }],
  ["a topic of a cluster that can't be reached", { topics: { t: [away] } }, 't', { code: 'FACTS_UNKNOWN', topic: 't' }],
] as const) {
  test(`${what}, and nothing stored of it, is an error`, async () => {
    await assert.rejects(looks(script, [topic]), { ...error, group })
  })
}

test("what is stored of a topic that is gone, or can't be asked about, is a verdict", async () => {
  assert.deepEqual(
    (await looks({ stored: { 't-0': [at(5)] }, topics: { t: ['absent'] }, facts: { 't-0': [{ state: 'absent' }] } }, ['t'])).verdicts,
    ['t-0 orphaned'],
  )
  assert.deepEqual((await looks({ stored: { 't-0': [at(5)] }, topics: { t: [away] }, facts: { 't-0': [away] } }, ['t'])).verdicts, [
    't-0 unknown',
  ])
  assert.deepEqual((await looks({ topics: { t: [away] }, facts: { 't-3': [away] } }, ['t:3'])).verdicts, ['t-3 unknown'])
})

test('explain says of each test whether it was made, and of each action what it would do', async () => {
  const scripted = new Scripted({ stored: { 't-0': [at(5)] }, facts: { 't-0': [{ logStartOffset: 50 }] } })
  const { tests, actions, verdict } = await explain(scripted.log, scripted.store, {
    group,
    topic: 't',
    partition: 0,
    clock: scripted.clock,
  })
  assert.equal(verdict, 'expired')
  assert.deepEqual(tests.map((one) => `${one.verdict} ${one.evaluated ? one.holds : 'not evaluated'}`).slice(-5), [
    'truncated false',
    'expired true',
    'ahead not evaluated',
    'suspect not evaluated',
    'valid not evaluated',
  ])
  assert.deepEqual(
    actions.map(({ action, byDefault, outcome, to, skipped, reread }) => [action, byDefault, outcome, to, skipped, reread]),
    [
      ['earliest', true, 'move', 50, 45, 0],
      ['latest', false, 'move', 100, 95, 0],
      ['nearest', false, 'move', 50, 45, 0],
      ['time', false, 'fail', null, null, null],
      ['keep', false, 'keep', null, null, null],
      ['fail', false, 'fail', null, null, null],
    ],
  )
})

test('explain prints as JSON, whatever it is about', async () => {
  for (const stored of [at(5), at(500), { state: 'absent' }, { state: 'corrupt', raw: 'x', reason: 'text' }] as const) {
    const scripted = new Scripted({ stored: { 't-0': [stored] } })
    const explanation = await explain(scripted.log, scripted.store, { group, topic: 't', partition: 0, clock: scripted.clock })
    assert.deepEqual(JSON.parse(JSON.stringify(explanation)).actions, explanation.actions)
  }
})

test('a preview of a repair asks, and writes nothing', async () => {
  const scripted = new Scripted({ stored: { 't-0': [at(150)] } })
  const { plan, applied } = await repair(scripted.log, scripted.store, { group, clock: scripted.clock })
  assert.deepEqual([plan.entries[0]?.move?.to, applied], [0, undefined])
})
