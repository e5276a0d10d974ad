import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Margin } from '../../src/core/margin.ts'
import { servers } from './servers.ts'

const on = servers()
const hour = 3_600_000
const day = 24 * hour

type Row = { readonly partition: number; readonly verdict: string; readonly margin?: Margin | null }

function rowsOf(stdout: string): Row[] {
  return (JSON.parse(stdout) as { partitions: Row[] }).partitions
}

/** Partition 0 has more than three hours left, and less than four, partition 1 has nothing unread, partition 2 six days; partition 3 is expired. */
async function slowGroup(topic: string, group: string): Promise<void> {
  const { admin } = on()
  await admin.createTopic(topic, { partitions: 4, configs: { 'retention.ms': 7 * day } })
  const old = Date.now() - 7 * day + 4 * hour - 60_000
  const times = [old, old + 1_000, old + 2_000, Date.now() - day, Date.now() - hour]
  for (let partition = 0; partition < 4; partition++)
    await admin.produce(times.map((timestamp) => ({ topic, partition, value: 'x', timestamp })))
  await admin.deleteRecords(topic, 3, 2)
  for (const [partition, offset] of [1, 5, 3, 1].entries()) await on().commit(group, topic, partition, String(offset))
}

describe('check --warn-margin', { timeout: 120_000 }, () => {
  it('takes a margin that is less for a finding, and says what it is', async () => {
    await slowGroup('slow', 'slowly')
    const args = ['check', '--group', 'slowly', '--topic', 'slow:0,1,2']
    const without = await on().tidemark(...args)
    assert.equal(without.code, 0, without.stderr)
    assert.doesNotMatch(without.stdout, /MARGIN|retention/)

    const text = await on().tidemark(...args, '--warn-margin', '6h')
    assert.equal(text.code, 3, text.stderr)
    assert.match(text.stdout, /VERDICT +MARGIN +EVIDENCE\n/)
    assert.match(
      text.stdout,
      /slow +0 .* valid +3h\d+m.* retention can pass this offset not before 3 h \d+ min \(retention.ms 7 d; the oldest unread record is about 6 d 20 h \d+ min old\)/,
    )
    assert.match(text.stdout, /slow +1 .* valid +never/)
    assert.match(text.stdout, /slow +2 .* valid +5d2[0-3]h/)

    const enough = await on().tidemark(...args, '--warn-margin', 'PT3H')
    assert.equal(enough.code, 0, enough.stderr)
    assert.doesNotMatch(enough.stdout, /retention can pass/)
    assert.equal((await on().tidemark(...args, '--warn-margin', 'soon')).code, 2)
  })

  it('gives numbers to programs', async () => {
    await slowGroup('numbered', 'counting')
    const args = ['check', '--group', 'counting', '--warn-margin', '6h']
    const json = await on().tidemark(...args, '-o', 'json')
    assert.equal(json.code, 3)
    const rows = rowsOf(json.stdout)
    assert.deepEqual(
      rows.map(({ verdict, margin }) => [verdict, margin?.notBeforeMs === undefined ? undefined : typeof margin.notBeforeMs]),
      [
        ['valid', 'number'],
        ['valid', 'string'],
        ['valid', 'number'],
        ['expired', undefined],
      ],
    )
    const [{ margin } = {}] = rows
    assert.ok(margin !== null && margin !== undefined)
    const { notBeforeMs, byTimeMs, bySizeMs, ageMs } = margin
    assert.ok(typeof notBeforeMs === 'number' && notBeforeMs > 3 * hour && notBeforeMs < 4 * hour)
    assert.deepEqual([byTimeMs, bySizeMs, ageMs], [notBeforeMs, 'never', 7 * day - notBeforeMs])
    assert.equal(rows[3]?.margin, null)
    assert.ok(!('margin' in (rowsOf((await on().tidemark('check', '--group', 'counting', '-o', 'json')).stdout)[0] as Row)))

    const csv = await on().tidemark(...args, '-o', 'csv')
    assert.match(csv.stdout, /,VERDICT,MARGIN,EVIDENCE\r?\n/)
    assert.match(csv.stdout, /valid,3h\d+m/)
  })

  it('goes over all groups', async () => {
    await slowGroup('everyone', 'all')
    const { code, stdout } = await on().tidemark('check', '--all-groups', '--warn-margin', '1d', '-o', 'json')
    assert.equal(code, 3)
    const row = (JSON.parse(stdout) as { partitions: (Row & { group: string })[] }).partitions.find(({ group }) => group === 'all')
    assert.ok(typeof row?.margin?.notBeforeMs === 'number')
  })

  it('is what explain says without being asked', async () => {
    await slowGroup('explained', 'asking')
    const { stdout, code } = await on().tidemark('explain', 'asking', 'explained', '0')
    assert.equal(code, 0)
    assert.match(
      stdout,
      /Retention\n +margin +retention can pass this offset not before 3 h \d+ min \(retention.ms 7 d; the oldest unread record is 6 d 20 h/,
    )
    const expired = await on().tidemark('explain', 'asking', 'explained', '3', '-o', 'json')
    assert.equal((JSON.parse(expired.stdout) as { margin: unknown }).margin, null)
  })
})
