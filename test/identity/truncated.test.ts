import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { check, repair } from '../../src/index.ts'
import type { CheckRow } from '../../src/verbs/check.ts'
import type { Incident } from '../incidents/incident.ts'
import { Stage } from '../incidents/stage.ts'
import { uncleanElection, uncleanTopic } from '../incidents/unclean-election.ts'
import { plant } from '../store/zookeeper-scene.ts'

/** As if the commit had been ten minutes earlier. */
const LATER = -10 * 60_000

describe('a log that an unclean election cut, and that grew again, below a bare number', { timeout: 240_000 }, () => {
  let stage: Stage
  let rows: Record<string, CheckRow>

  before(async () => {
    stage = await Stage.open({ brokers: 3 })
    const scene = await stage.scene({ name: 'cut', store: 'zookeeper' } as Incident)
    const row = async (group: string): Promise<CheckRow> => {
      const [found] = await check(scene.log, scene.store, { group, secondLookMs: 300 })
      assert.ok(found)
      return found
    }
    await scene.createTopic(uncleanTopic)
    await scene.produce(60, { ago: 60_000 })
    await uncleanElection(scene, {
      onTheOldLeader: async () => {
        await scene.produce(40, { ago: 60_000 })
        for (const group of ['adopted', 'bare'])
          await plant(stage.stranger, { path: `/consumers/${group}/offsets/${scene.topic}/0`, data: Buffer.from('100') })
        await repair(scene.log, scene.store, { group: 'adopted', adopt: true, execute: true })
        for (const group of ['adopted', 'bare']) assert.equal((await row(group)).verdict, 'valid')
      },
      onTheNewLeader: async () => {
        await scene.ledBy(3)
        await scene.produce(70, { ago: LATER })
      },
    })
    assert.deepEqual(await scene.goneRecords(), { from: 60, until: 100 })
    rows = { adopted: await row('adopted'), bare: await row('bare') }
    await scene[Symbol.asyncDispose]()
  })
  after(() => stage?.close())

  it('is seen by the epoch that was adopted', () => {
    assert.equal(rows['adopted']?.verdict, 'truncated')
    assert.match(rows['adopted'].evidence.join('; '), /has none of that epoch from 60 on.*its identity is assumed since/)
  })

  it('is suspect by the times of its records where nothing was adopted', () => {
    assert.equal(rows['bare']?.verdict, 'suspect')
    assert.match(rows['bare'].evidence[0] ?? '', /the first later record is at 60, while its first batch, at 0 to \d+, .* was not/)
  })
})
