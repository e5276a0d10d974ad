/** What `tidemark/testing` offers: to test a store driver of one's own, and jobs and verbs without servers. */
export { storeConformance, type ConformanceOptions } from './conformance.ts'
export { FaultyStore, type Fault, type FaultyCall } from './faulty-store.ts'
export { ManualClock } from './manual-clock.ts'
export { MemoryLog, type MemoryTopic } from './memory-log.ts'
export type { MemoryConnection, MemoryConnectionOptions, Network, Trip } from './memory-connection.ts'
export type { MemoryPartition, MemoryRecord, MemoryTransaction } from './memory-partition.ts'
