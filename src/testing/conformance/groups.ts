import assert from 'node:assert/strict'
import { positionOf } from '../../core/custody.ts'
import type { Member } from '../../store/driver.ts'
import { at, code, ledgerRow, loadOne, put, writeOf, type Harness } from './harness.ts'

/** Groups and who is alive in them. */
export function groupTests(tests: Harness): void {
  const { groups, members } = tests.options.capabilities
  for (const part of [groups ? nameTests : labelTests, slashTests, members ? memberTests : strangerTests]) part(tests)
}

function labelTests({ test }: Harness): void {
  test('a group is a label: every name gives the same offsets, and a list of groups is refused', async ({ store, group }) => {
    await put(store, group, { position: { offset: 3 } })
    assert.equal(positionOf(await loadOne(store, `${group} under another name`))?.offset, 3)
    await assert.rejects(store.groups(), code('STORE_UNSUPPORTED'))
  })
}

function strangerTests({ test }: Harness): void {
  test('nobody can join, nobody is shown, and leaving is no error', async ({ store, group }) => {
    const member: Member = { id: 'worker', program: 'tidemark', host: 'host', seenAt: Date.now() }
    await assert.rejects(store.heartbeat(group, member), code('STORE_UNSUPPORTED'))
    assert.deepEqual(await store.members(group), [])
    await store.leave(group, 'worker')
  })
}

function nameTests({ test }: Harness): void {
  test('a group is listed once it has something stored, and not for having been asked for', async ({ store, group }) => {
    await store.load(group, [at(0)])
    await store.load(group)
    assert.ok(!(await store.groups()).includes(group))
    await put(store, group)
    await put(store, group, {}, at(1))
    assert.equal((await store.groups()).filter((name) => name === group).length, 1)
  })

  const names = ['Köln Süd', '日本語', 'a.b-c_d', '%2F', 'a:b', "it's", 'UPPER', 'upper', 'u\u0308', '\u00fc']
  test('group names with umlauts, spaces and signs are kept as they are and not mixed up', async ({ store, group }) => {
    for (const [offset, name] of names.entries()) await put(store, `${group} ${name}`, { position: { offset } })
    for (const [offset, name] of names.entries()) assert.equal(positionOf(await loadOne(store, `${group} ${name}`))?.offset, offset, name)
    const listed = await store.groups()
    for (const name of names) assert.ok(listed.includes(`${group} ${name}`), name)
  })
}

function slashTests({ test, options }: Harness): void {
  if (options.capabilities.anyGroupName) {
    test('a group name with slashes or beyond the basic plane is a name like any other', async ({ store, group }) => {
      const name = `${group}/with/slashes/and 😀`
      await put(store, name, { position: { offset: 3 }, ledger: [ledgerRow(name, 0)] })
      assert.equal(positionOf(await loadOne(store, name))?.offset, 3)
      if (options.capabilities.groups) assert.ok((await store.groups()).includes(name))
      assert.equal((await store.ledger({ group: name })).length, 1)
    })
  } else {
    test('a group name with a slash is refused with GROUP_NAME, whatever is asked', async ({ store, group }) => {
      const name = `${group}/with/slashes`
      const member: Member = { id: 'm', program: 'tidemark', host: 'h', seenAt: Date.now() }
      await assert.rejects(store.load(name), code('GROUP_NAME'))
      await assert.rejects(store.load(name, [at(0)]), code('GROUP_NAME'))
      const write = writeOf(await loadOne(store, group))
      await assert.rejects(store.save(name, [write]), code('GROUP_NAME'))
      await assert.rejects(store.members(name), code('GROUP_NAME'))
      await assert.rejects(store.heartbeat(name, member), code('GROUP_NAME'))
    })
  }
}

function memberTests({ test }: Harness): void {
  test('a member is seen from its first heartbeat on, once, until it leaves', async ({ store, group, another }) => {
    const other = await another()
    const member: Member = { id: 'worker-ß 1', program: 'tidemark', host: 'host-1', seenAt: Date.now() }
    assert.deepEqual(await other.members(group), [])
    await store.heartbeat(group, member)
    await store.heartbeat(group, { ...member, seenAt: Date.now() })
    await store.heartbeat(group, { ...member, id: 'worker-2' })
    const seen = await other.members(group)
    assert.deepEqual(seen.map(({ id }) => id).toSorted(), ['worker-2', 'worker-ß 1'])
    for (const { program, host, seenAt } of seen) {
      assert.deepEqual([program, host], ['tidemark', 'host-1'])
      assert.ok(Math.abs(Date.now() - seenAt) < 5_000, 'seenAt is its last sign of life')
    }
    await store.leave(group, member.id)
    assert.deepEqual(
      (await other.members(group)).map(({ id }) => id),
      ['worker-2'],
    )
    await store.leave(group, 'worker-2')
    assert.deepEqual(await other.members(group), [])
  })

  test('a later heartbeat is a later sign of life', async ({ store, group }) => {
    const member: Member = { id: 'worker', program: 'tidemark', host: 'host', seenAt: Date.now() - 60_000 }
    await store.heartbeat(group, member)
    await store.heartbeat(group, { ...member, seenAt: Date.now() })
    const [seen] = await store.members(group)
    assert.ok(seen !== undefined && Date.now() - seen.seenAt < 5_000)
  })

  test('leaving without having been a member is no error', async ({ store, group }) => {
    await store.leave(group, 'nobody')
    assert.deepEqual(await store.members(group), [])
  })
}
