import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LedgerRow } from '../../src/core/ledger.ts'
import type { LedgerQuery } from '../../src/store/driver.ts'
import { Totals } from '../../src/watch/totals.ts'

const HOUR = 3_600_000

function move(at: number, more: Partial<LedgerRow> = {}): LedgerRow {
  const place = { group: 'g', topic: 't', partition: 0 }
  return { at, ...place, verdict: 'expired', action: 'earliest', from: 1, to: 4, skipped: 3, reread: 0, actor: 'me', evidence: [], ...more }
}

/** A ledger, and how far back each reading of it went. */
class Ledger {
  readonly rows: LedgerRow[] = []
  readonly asked: (number | undefined)[] = []

  ledger = async ({ since = -Infinity }: LedgerQuery): Promise<LedgerRow[]> => {
    this.asked.push(since)
    return this.rows.filter(({ at }) => at >= since)
  }
}

const lost = (totals: Totals) => totals.losses.map(({ lost: records }) => records)

describe('what moves have cost', () => {
  it('each move counts once, and the whole ledger is read once', async () => {
    const ledger = new Ledger()
    const totals = new Totals({ cluster: 'c', store: 's' })
    ledger.rows.push(move(HOUR), move(2 * HOUR))
    await totals.update(ledger)
    await totals.update(ledger)
    assert.deepEqual(lost(totals), [6])
    ledger.rows.push(move(2 * HOUR, { partition: 1 }), move(3 * HOUR))
    await totals.update(ledger)
    await totals.update(ledger)
    assert.deepEqual(lost(totals), [12])
    assert.deepEqual(
      ledger.asked.map((since) => (since ?? 0) > 0),
      [false, true, true, true],
    )
  })

  it('a move that is written late, by a machine whose clock is behind, counts too', async () => {
    const ledger = new Ledger()
    const totals = new Totals({ cluster: 'c', store: 's' })
    ledger.rows.push(move(HOUR))
    await totals.update(ledger)
    ledger.rows.push(move(HOUR - 60_000))
    await totals.update(ledger)
    await totals.update(ledger)
    assert.deepEqual(lost(totals), [6])
  })

  it('by group, topic and verdict; what nobody knows is told apart', async () => {
    const ledger = new Ledger()
    ledger.rows.push(move(1), move(2, { verdict: 'recreated', skipped: null, reread: 7 }), move(3, { group: 'h' }))
    const totals = new Totals({ cluster: 'c', store: 's' })
    await totals.update(ledger)
    assert.deepEqual(
      totals.losses.map(({ group, verdict, moves, lost: records, unknown, reread }) => [group, verdict, moves, records, unknown, reread]),
      [
        ['g', 'expired', 1, 3, 0, 0],
        ['g', 'recreated', 1, 0, 1, 7],
        ['h', 'expired', 1, 3, 0, 0],
      ],
    )
  })

  it('a ledger that can’t be read for a while loses nothing', async () => {
    const ledger = new Ledger()
    const totals = new Totals({ cluster: 'c', store: 's' })
    ledger.rows.push(move(1))
    await totals.update(ledger)
    await assert.rejects(totals.update({ ledger: () => Promise.reject(new Error('away')) }))
    assert.deepEqual(lost(totals), [3])
    ledger.rows.push(move(2))
    await totals.update(ledger)
    assert.deepEqual(lost(totals), [6])
  })
})
