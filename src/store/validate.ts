import { keyOf, MAX_EPOCHS, toOffset, type Position, type TopicPartition } from '../core/position.ts'
import type { LedgerRow } from '../core/ledger.ts'
import { TidemarkError, type ErrorContext } from '../errors.ts'
import type { Member, Write } from './driver.ts'

/**
 * What callers hand to a store is checked here, once for all backends: a driver may rely on it. Each function throws
 * USAGE naming what is wrong and where.
 */

/** Group names are any text that can be written in UTF-8; some stores can hold fewer and say so themselves (GROUP_NAME). */
export function checkGroup(group: string): void {
  checkText('a group name', group)
}

/** Kafka's own rule for topic names, and a partition number. */
export function checkPartition({ topic, partition }: TopicPartition): void {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(topic) || topic === '.' || topic === '..') {
    throw new TidemarkError('USAGE', `${JSON.stringify(topic)} is no topic name`, {
      hint: 'Kafka allows up to 249 letters, digits, dots, underscores and hyphens',
    })
  }
  if (!isCount(partition)) throw new TidemarkError('USAGE', `${partition} is no partition number`, { topic })
}

/** The writes of one save: each one sound, and none for the same partition as another. */
export function checkWrites(group: string, writes: readonly Write[]): void {
  const seen = new Set<string>()
  for (const write of writes) {
    checkPartition(write)
    const key = keyOf(write)
    const at: ErrorContext = { group, topic: write.topic, partition: write.partition }
    if (seen.has(key)) throw new TidemarkError('USAGE', 'two writes for one partition in one save', at)
    seen.add(key)
    try {
      checkWrite(group, write)
    } catch (error) {
      throw error instanceof TidemarkError ? error.at(at) : error
    }
  }
}

/** A worker's name and host. */
export function checkMember(member: Pick<Member, 'id' | 'host'>): void {
  checkText('a member ID', member.id)
  checkText('a host', member.host)
}

function checkWrite(group: string, write: Write): void {
  const { expected, position, planned, ownerEpoch, owner, saveId, ledger } = write
  checkText('a revision', expected)
  checkText('a save ID', saveId)
  if (owner !== undefined) checkText('an owner', owner)
  if (!isCount(ownerEpoch)) throw new TidemarkError('USAGE', `${ownerEpoch} is no owner epoch`)
  if (position !== undefined) checkPosition(position)
  if (planned !== undefined && toOffset(planned.fromOffset) > toOffset(planned.untilOffset)) {
    throw new TidemarkError('USAGE', `a planned range can't go from ${planned.fromOffset} to ${planned.untilOffset}`)
  }
  for (const row of ledger) {
    if (row.group !== group || keyOf(row) !== keyOf(write)) {
      throw new TidemarkError('USAGE', `a ledger row of group ${row.group}, ${keyOf(row)} does not belong to this write`)
    }
    checkLedgerRow(row)
  }
}

function checkPosition({
  offset,
  leaderEpoch,
  epochs = [],
  topicId,
  clusterId,
  recordTime,
  commitTime,
  committedBy,
  assumedSince,
}: Position): void {
  toOffset(offset)
  const starts = epochs.flatMap(({ epoch, startOffset }) => (isCount(epoch) && isCount(startOffset) ? [] : [`${epoch}@${startOffset}`]))
  if (starts.length > 0) throw new TidemarkError('USAGE', `${starts[0]} is no epoch and its start`)
  if (epochs.length > MAX_EPOCHS) throw new TidemarkError('USAGE', `a position keeps at most ${MAX_EPOCHS} epochs, not ${epochs.length}`)
  if (leaderEpoch !== undefined && !isCount(leaderEpoch)) throw new TidemarkError('USAGE', `${leaderEpoch} is no leader epoch`)
  for (const time of [recordTime, commitTime, assumedSince]) {
    if (time !== undefined && !Number.isSafeInteger(time)) throw new TidemarkError('USAGE', `${time} is no time in ms`)
  }
  for (const text of [topicId, clusterId, committedBy]) {
    if (text !== undefined) checkText('an ID or name in a position', text)
  }
}

function checkLedgerRow(row: LedgerRow): void {
  toOffset(row.to)
  toOffset(row.reread)
  if (row.from !== null) toOffset(row.from)
  if (row.skipped !== null) toOffset(row.skipped)
  if (!Number.isSafeInteger(row.at)) throw new TidemarkError('USAGE', `${row.at} is no time in ms`)
}

function checkText(what: string, text: string): void {
  if (text === '') throw new TidemarkError('USAGE', `${what} can't be empty`)
  if (!text.isWellFormed() || text.includes('\0'))
    throw new TidemarkError('USAGE', `${what} holds what is no character: ${JSON.stringify(text)}`)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
