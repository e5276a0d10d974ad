import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import type { Store } from '../../src/store/store.ts'
import { checkAll } from '../../src/verbs/check-all.ts'
import { Scripted, type Script } from './scripted.ts'

/** A store of several groups, each with what the script has stored; those named in `broken` can't be loaded. */
function withGroups(script: Script, names: readonly string[], broken: readonly string[] = []) {
  const { asked, clock, log, store } = new Scripted(script)
  const groups: Pick<Store, 'describeGroups' | 'load'> = {
    describeGroups: async () => names.map((group) => ({ group, withoutOffsets: group === 'shares' ? ['none'] : undefined })),
    load: async (group, partitions) => {
      if (broken.includes(group)) throw new TidemarkError('STORE_DENIED', 'not yours', { group })
      return group === 'empty' ? [] : store.load(group, partitions)
    },
  }
  return { asked, check: () => checkAll(log, groups as Store, { clock }) }
}

const at = (offset: number) => [{ state: 'position', position: { offset } }] as const

describe('checking all groups', () => {
  it('asks the cluster about all of them at once, and once more about those that are not simply valid', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `group-${index}`)
    const fine = withGroups({ stored: { 't-0': at(50) } }, names)
    const { rows } = await fine.check()
    assert.equal(rows.length, 200)
    assert.equal(fine.asked.filter((question) => question.startsWith('facts')).length, 1)
    const ahead = withGroups({ stored: { 't-0': at(50), 't-1': at(150) } }, names)
    assert.deepEqual(
      (await ahead.check()).rows.slice(0, 2).map(({ group, verdict }) => [group, verdict]),
      [
        ['group-0', 'valid'],
        ['group-0', 'ahead'],
      ],
    )
    assert.deepEqual(
      ahead.asked.filter((question) => question.startsWith('facts')),
      ['facts', 'facts elsewhere'],
    )
  })

  it('a group that can’t be loaded, and one that has nothing, spoil no other one’s rows', async () => {
    const { check } = withGroups({ stored: { 't-0': at(50) } }, ['a', 'locked', 'empty', 'z'], ['locked'])
    const { rows, failures } = await check()
    assert.deepEqual(
      rows.map(({ group, committedOffset, verdict }) => [group, committedOffset, verdict]),
      [
        ['a', 50, 'valid'],
        ['z', 50, 'valid'],
      ],
    )
    assert.deepEqual(
      failures.map(({ code, group }) => [code, group]),
      [['STORE_DENIED', 'locked']],
    )
  })

  it('a group that can’t have committed offsets is named, and not loaded', async () => {
    const { rows, failures, groups } = await withGroups({ stored: { 't-0': at(50) } }, ['a', 'shares'], ['shares']).check()
    assert.deepEqual([rows.map(({ group }) => group), failures, groups.map(({ group }) => group)], [['a'], [], ['a', 'shares']])
  })

  it('a cluster that refuses fails every group, each by name', async () => {
    const denied = new TidemarkError('KAFKA_DENIED', 'who are you')
    const { check } = withGroups({ stored: { 't-0': at(50) }, facts: { 't-0': [denied] } }, ['a', 'b'])
    const { rows, failures } = await check()
    assert.deepEqual(rows, [])
    assert.deepEqual(
      failures.map(({ code, group }) => [code, group]),
      [
        ['KAFKA_DENIED', 'a'],
        ['KAFKA_DENIED', 'b'],
      ],
    )
  })

  it('a store without groups has no rows', async () => {
    assert.deepEqual(await withGroups({}, []).check(), { groups: [], rows: [], failures: [] })
  })
})
