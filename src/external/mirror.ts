import { positionOf } from '../core/custody.ts'
import type { Custody } from '../core/custody.ts'
import type { LedgerRow } from '../core/ledger.ts'
import { keyOf } from '../core/position.ts'
import type { Position } from '../core/position.ts'
import type { Write } from '../store/driver.ts'
import type { Store } from '../store/store.ts'
import type { Standing } from './options.ts'

/** Who writes, and when. */
interface Mirroring {
  readonly now: () => number
  readonly actor: string
}

/**
 * A store in which partitions stand where another record says: what is loaded of them has that position, and whoever takes them
 * puts it into the store. Where the store has the same offset, its own position stays: it knows more of it.
 */
export function mirrored(store: Store, standings: readonly Standing[], { now, actor }: Mirroring): Pick<Store, 'load' | 'save'> {
  const positions = new Map(standings.map((standing) => [keyOf(standing), standing.position]))
  /** What the store itself holds. */
  const held = new Map<string, Custody>()
  return {
    load: async (group, partitions) => {
      const found = await store.load(group, partitions)
      for (const custody of found) held.set(keyOf(custody), custody)
      return found.map((custody) => standingAt(custody, positions.get(keyOf(custody))))
    },
    save: (group, writes) =>
      store.save(
        group,
        writes.map((write) => {
          const [position, custody] = [positions.get(keyOf(write)), held.get(keyOf(write))]
          if (write.position !== undefined || position === undefined || custody === undefined || stands(custody, position)) return write
          return {
            ...write,
            position: { ...position, commitTime: now(), committedBy: actor },
            ledger: rowsOf(group, custody, position, now(), actor),
          }
        }),
      ),
  }
}

function stands(custody: Custody, { offset }: Position): boolean {
  return positionOf(custody)?.offset === offset
}

function standingAt(custody: Custody, position: Position | undefined): Custody {
  if (position === undefined) return custody
  if (stands(custody, position)) return { ...custody, planned: undefined }
  const { topic, partition, ownerEpoch, owner, revision } = custody
  return { topic, partition, ownerEpoch, owner, revision, stored: { state: 'position', position } }
}

/** A move ahead is work that nobody followed; a move back is told. */
function rowsOf(group: string, custody: Custody, { offset }: Position, at: number, actor: string): Write['ledger'] {
  const from = positionOf(custody)?.offset ?? null
  if (custody.stored.state === 'absent' || (from !== null && from < offset)) return []
  const { topic, partition } = custody
  const evidence = [`the work's own record stands at ${offset}`]
  const row: LedgerRow = {
    at,
    group,
    topic,
    partition,
    verdict: 'valid',
    action: 'mirror',
    from,
    to: offset,
    skipped: 0,
    reread: 0,
    actor,
    evidence,
  }
  return [{ ...row, reread: from === null ? 0 : from - offset }]
}
