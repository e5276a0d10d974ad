import type { LedgerRow } from '../src/index.ts'

/** One record that was produced: its id, and where it lies. Offsets start anew when a topic is recreated, so the topic ID belongs to the place. */
export interface Order {
  readonly id: string
  readonly topicId: string
  readonly partition: number
  readonly offset: number
}

/** One handling of an order, as the job wrote it down. */
export interface Handled {
  readonly id: string
  readonly partition: number
  readonly offset: number
}

/** Offsets of one partition of one topic, by the topic's ID, and what is known of them. */
export interface Span {
  readonly topicId: string
  readonly partition: number
  readonly fromOffset: number
  readonly untilOffset: number
  readonly why: string
}

/** What the account is made of. `topics`: the IDs in their order, each with the time from which on the topic had it. `replanned`: ranges that were to be run again after a kill. */
export interface Books {
  readonly produced: readonly Order[]
  readonly handled: readonly Handled[]
  readonly ledger: readonly LedgerRow[]
  readonly replanned: readonly Span[]
  /** Ids of records that a broker was made to lose, unread or not: no ledger can know those that nobody had read. */
  readonly cut?: ReadonlyMap<string, string>
  readonly topics: readonly { readonly topicId: string; readonly since: number }[]
}

/** The sets of ids that the books come to; those by a reason are keyed by its words. */
export interface Account {
  readonly handled: ReadonlySet<string>
  /** Never handled, and a ledger row says that they were removed before they could be read. */
  readonly removed: ReadonlyMap<string, readonly string[]>
  /** Handled a second time, and a planned range or a ledger row says why. */
  readonly again: ReadonlyMap<string, readonly string[]>
  /** Produced, and neither handled nor explained. */
  readonly missing: readonly string[]
  /** Handled, but never produced, or not at that place of the log. */
  readonly extra: readonly string[]
  /** Handled more often than the reasons explain. */
  readonly unexplained: readonly string[]
}

/** The verdicts whose moves account for records that nobody could read any more. */
const REMOVED = new Set(['expired', 'truncated', 'recreated'])

/** Compares the set of ids that were produced with those that were handled, and asks the ledger and the planned ranges about the rest. */
export function close(books: Books): Account {
  const { produced, handled, ledger, replanned, cut } = books
  const orders = new Map(produced.map((order) => [order.id, order]))
  const [real, extra] = [handled.filter((one) => isReal(one, orders)), handled.filter((one) => !isReal(one, orders))]
  const times = Map.groupBy(real, ({ id }) => id)

  const removals = ledger.filter(({ verdict }) => REMOVED.has(verdict)).flatMap((row) => removalsOf(row, books))
  const unread = produced
    .filter(({ id }) => !times.has(id))
    .map((order) => ({ id: order.id, reasons: [...reasonsFor(order, removals), ...cutBy(order, cut)] }))
  const rereads = [...replanned, ...ledger.filter(({ reread }) => reread > 0).map((row) => rereadOf(row, books))]
  const repeated = produced
    .map((order) => ({ id: order.id, more: (times.get(order.id)?.length ?? 0) - 1, reasons: reasonsFor(order, rereads) }))
    .filter(({ more }) => more > 0)
  return {
    handled: new Set(times.keys()),
    removed: byReason(unread),
    again: byReason(repeated),
    missing: unread.filter(({ reasons }) => reasons.length === 0).map(({ id }) => id),
    extra: extra.map(({ id }) => id),
    unexplained: repeated.filter(({ more, reasons }) => more > reasons.length).map(({ id }) => id),
  }
}

/** Whether nothing is missing, nothing is too much, and nothing happened twice without a reason. */
export function balances({ missing, extra, unexplained }: Account): boolean {
  return missing.length === 0 && extra.length === 0 && unexplained.length === 0
}

/** Whether it is one of those that were produced, at its place in the log. */
function isReal({ id, partition, offset }: Handled, orders: ReadonlyMap<string, Order>): boolean {
  const order = orders.get(id)
  return order?.partition === partition && order.offset === offset
}

function reasonsFor({ topicId, partition, offset }: Order, spans: readonly Span[]): readonly Span[] {
  return spans.filter(
    (span) => span.topicId === topicId && span.partition === partition && offset >= span.fromOffset && offset < span.untilOffset,
  )
}

function cutBy({ id, ...place }: Order, cut: Books['cut']): readonly Span[] {
  const why = cut?.get(id)
  return why === undefined ? [] : [{ ...place, fromOffset: place.offset, untilOffset: place.offset + 1, why }]
}

/** What a row says was removed: of a log that lost its beginning, or its end, the offsets that it passes over; of a topic that was deleted, all from the committed offset on. */
function removalsOf(row: LedgerRow, books: Books): readonly Span[] {
  const { partition, from, to, verdict } = row
  const why = `ledger: ${row.topic}-${partition} ${verdict}, ${from} → ${to}`
  if (verdict !== 'recreated')
    return [{ topicId: topicAt(row.at, books), partition, fromOffset: to - (row.skipped ?? 0), untilOffset: to, why }]
  const places = books.topics.map(({ topicId }) => topicId)
  const [before, after] = [oldTopicOf(row, books), topicAt(row.at, books)]
  // A topic that came and went between the two is one that the group never had an offset of.
  const between = places.includes(before) ? places.slice(places.indexOf(before) + 1, places.indexOf(after)) : []
  return [
    { topicId: before, partition, fromOffset: from ?? 0, untilOffset: Number.POSITIVE_INFINITY, why },
    ...between.map((topicId) => ({ topicId, partition, fromOffset: 0, untilOffset: Number.POSITIVE_INFINITY, why })),
    { topicId: after, partition, fromOffset: 0, untilOffset: to, why },
  ]
}

function rereadOf({ at, topic, partition, verdict, from, to, reread }: LedgerRow, books: Books): Span {
  const why = `ledger: ${topic}-${partition} ${verdict}, ${from} → ${to}`
  return { topicId: topicAt(at, books), partition, fromOffset: to, untilOffset: to + reread, why }
}

/** Which topic the offsets of a row belong to: the one of its time. */
function topicAt(at: number, { topics }: Books): string {
  return topics.findLast(({ since }) => since <= at)?.topicId ?? ''
}

/** The topic that a row says is no more: an older one, and the row has to name it. */
function oldTopicOf({ at, evidence }: LedgerRow, books: Books): string {
  const now = topicAt(at, books)
  return books.topics.find(({ topicId }) => topicId !== now && evidence.some((line) => line.includes(topicId)))?.topicId ?? ''
}

function byReason(entries: readonly { readonly id: string; readonly reasons: readonly Span[] }[]): Map<string, string[]> {
  const reasons = new Map<string, string[]>()
  for (const entry of entries) for (const { why } of entry.reasons) reasons.set(why, [...(reasons.get(why) ?? []), entry.id])
  return reasons
}
