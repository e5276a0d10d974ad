import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { exitCodesOf, marginText, withMargins } from '../../src/cli/margin.ts'
import type { Bound, Margin } from '../../src/core/margin.ts'

const hour = 3_600_000

function marginOf(notBeforeMs: Bound, byTimeMs: Bound = notBeforeMs, bySizeMs: Bound = 'never'): Margin {
  return { topic: 't', partition: 0, offset: 1, oldestUnreadAt: null, ageMs: null, notBeforeMs, byTimeMs, bySizeMs, evidence: ['why'] }
}

describe('a margin in a report', () => {
  const codeOf = (margin: Margin | null) => exitCodesOf({ warnMs: 6 * hour, found: [margin] })[0]

  it('is a finding where it is less, undetermined where it is not known, and nothing where it does not apply', () => {
    assert.equal(codeOf(marginOf(6 * hour - 1)), 3)
    assert.equal(codeOf(marginOf(0)), 3)
    assert.equal(codeOf(marginOf(null)), 4)
    assert.equal(codeOf(marginOf(null, hour, null)), 3, 'what time alone makes certain')
    for (const margin of [marginOf(6 * hour), marginOf('never'), null]) assert.equal(codeOf(margin), 0)
    assert.deepEqual(exitCodesOf(undefined), [])
  })

  it('is one sentence', () => {
    assert.equal(marginText(marginOf(hour)), 'retention can pass this offset not before 1 h (why)')
    assert.equal(marginText(marginOf(0)), 'retention can pass this offset at any moment (why)')
    assert.equal(marginText(marginOf('never')), 'retention does not pass this offset (why)')
    assert.equal(marginText(marginOf(null)), 'how soon retention can pass this offset is not known (why)')
  })

  it('has its column, and its sentence where there is something to do', () => {
    const row = { cells: ['t', null], colour: 'green', quiet: true } as const
    const table = { columns: [{ name: 'TOPIC' }, { name: 'EVIDENCE', long: true }], rows: [row, row, { ...row, cells: ['t', 'x'] }] }
    const found = [marginOf(hour), marginOf('never'), marginOf(null)]
    const { columns, rows } = withMargins(table, { warnMs: 2 * hour, found })
    assert.deepEqual(
      columns.map(({ name }) => name),
      ['TOPIC', 'MARGIN', 'EVIDENCE'],
    )
    assert.deepEqual(
      rows.map(({ cells, colour, quiet }) => [...cells, colour, quiet]),
      [
        ['t', '1h', 'retention can pass this offset not before 1 h (why)', 'yellow', false],
        ['t', 'never', null, 'green', true],
        ['t', null, 'x; how soon retention can pass this offset is not known (why)', 'yellow', false],
      ],
    )
    assert.equal(withMargins(table, undefined).rows, table.rows)
  })
})
