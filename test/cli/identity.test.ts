import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plant } from '../store/zookeeper-scene.ts'
import { servers } from './servers.ts'

const on = servers()

describe('the command line', { timeout: 120_000 }, () => {
  it('adopts what is valid: preview, execution, and what check and explain say of it then', async () => {
    await on().filled('adopted', { partitions: 2 })
    for (const partition of [0, 1]) await on().commit('adopting', 'adopted', partition, '5')
    const znodes = await on().znodes()

    const preview = await on().tidemark('repair', '--group', 'adopting', '--adopt')
    assert.equal(preview.code, 0, preview.stderr)
    assert.match(preview.stderr, /a preview: 0 of 2 partitions to move, 2 to adopt; .*nothing was written; add --execute/)

    const done = await on().tidemark('repair', '--group', 'adopting', '--adopt', '--execute', '-o', 'json')
    assert.equal(done.code, 0, done.stderr)
    const { partitions } = JSON.parse(done.stdout) as { partitions: Record<string, unknown>[] }
    assert.deepEqual(
      partitions.map(({ action, outcome, priorOffset, newOffset, skipped, reread }) => [
        action,
        outcome,
        priorOffset,
        newOffset,
        skipped,
        reread,
      ]),
      [
        ['adopt', 'adopted', 5, null, 0, 0],
        ['adopt', 'adopted', 5, null, 0, 0],
      ],
    )
    assert.deepEqual(await on().znodes(), znodes)

    const checked = await on().tidemark('check', '--group', 'adopting')
    assert.equal(checked.code, 0)
    assert.match(checked.stdout, /its identity is assumed since 20/)
    const explained = await on().tidemark('explain', 'adopting', 'adopted', '0')
    assert.match(explained.stdout, /identity +assumed since 20/)
    assert.match((await on().tidemark('ledger', '--group', 'adopting')).stdout, /valid +adopt +5 +5 +0 +0/)
  })

  it('shows the records at stake', async () => {
    await on().filled('staked', { since: Date.parse('2026-01-02T03:04:05.000Z') })
    await on().commit('staking', 'staked', 0, '2')
    await on().admin.deleteRecords('staked', 0, 4)
    const { stdout, code } = await on().tidemark('explain', 'staking', 'staked', '0')
    assert.equal(code, 3)
    assert.match(stdout, /Records at stake\n/)
    assert.match(stdout, /earliest, nearest +skips 2 to 3; all of them removed from the log\n/)
    const ends =
      'the first at 4 of 2026-01-02T03:04:05.040Z, key none, 3 bytes; the last at 9 of 2026-01-02T03:04:05.090Z, key none, 3 bytes'
    assert.match(stdout, new RegExp(`latest, time +skips 2 to 9; 2 of them removed from the log; ${ends.replaceAll('.', '\\.')}\n`))
  })

  it('takes the clock skew from its flag, and exits with 3 for what is suspect', async () => {
    await on().filled('later', { since: Date.now() + 10 * 60_000 })
    await on().commit('earlier', 'later', 0, '8')
    const suspect = await on().tidemark('check', '--group', 'earlier')
    assert.equal(suspect.code, 3)
    assert.match(suspect.stdout, /suspect +the whole log below the offset was written after the commit/)
    const repair = await on().tidemark('repair', '--group', 'earlier')
    assert.equal(repair.code, 3, 'it stays a finding')
    assert.match(repair.stdout, /suspect +report +none/)
    for (const verb of ['check', 'repair']) assert.equal((await on().tidemark(verb, '--group', 'earlier', '--clock-skew', '20m')).code, 0)
    assert.match(
      (await on().tidemark('explain', 'earlier', 'later', '0', '--clock-skew', 'PT20M')).stdout,
      /suspect +no: no record below the offset/,
    )
    assert.equal((await on().tidemark('check', '--group', 'earlier', '--clock-skew', 'x')).code, 2)
    const moved = await on().tidemark('repair', '--group', 'earlier', '--policy', 'suspect=earliest', '--execute')
    assert.equal(moved.code, 0, moved.stderr)
  })

  it('works on the string of an old Spark job, and leaves it where that job goes on', async () => {
    await on().filled('strung', { partitions: 3 })
    await plant(on().stranger, { path: '/spark/jobs/strings/strung', data: Buffer.from('1:4,0:100,2:x') })
    const store = ['--store', `${on().store}?layout=per-topic&path=/spark/jobs/{group}`, '--group', 'strings']
    const checked = await on().tidemark('check', ...store)
    assert.equal(checked.code, 3)
    assert.match(checked.stdout, /strung +0 +100 .* ahead/)
    assert.match(checked.stdout, /strung +1 +4 .* valid/)
    assert.match(checked.stdout, /strung +2 +- .* corrupt +the stored value "x" is no offset/)
    const repaired = await on().tidemark('repair', ...store, '--policy', 'corrupt=earliest', '--execute')
    assert.equal(repaired.code, 0, repaired.stderr)
    const text = async (): Promise<string> => String((await on().stranger.get('/spark/jobs/strings/strung'))?.data)
    assert.equal(await text(), '1:4,0:0,2:0')
    writeFileSync(join(on().directory, 'handler.mjs'), 'export default async () => {}')
    const ran = await on().tidemark('run', ...store, '--topic', 'strung', '--handler', './handler.mjs', '--until-end')
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal(await text(), '1:10,0:10,2:10')
    assert.equal((await on().tidemark('check', ...store)).code, 0)
  })

  it('steps another engine over that string', async () => {
    await on().filled('stepped', { partitions: 2 })
    await plant(on().stranger, { path: '/spark/jobs/stepping/stepped', data: Buffer.from('1:4,0:2') })
    const store = ['--store', `${on().store}?layout=per-topic&path=/spark/jobs/{group}`, '--group', 'stepping']
    const stepped = await on().tidemark('step', ...store, '--', 'sh', '-c', 'echo "$TIDEMARK_STARTING_OFFSETS" >&2')
    assert.equal(stepped.code, 0, stepped.stderr)
    assert.match(stepped.stderr, /\{"stepped":\{"0":2,"1":4\}\}/)
    assert.equal(String((await on().stranger.get('/spark/jobs/stepping/stepped'))?.data), '1:10,0:10')
  })

  it('refuses a per-topic store without a place for the group', async () => {
    const { code, stderr } = await on().tidemark('check', '--store', `${on().store}?layout=per-topic&path=/spark/jobs`, '--group', 'g')
    assert.equal(code, 2)
    assert.match(stderr, /"\/spark\/jobs" is no path of strings \(group g\)\. Write path=\/a\/path\/\{group\}/)
  })
})
