import { compareAndSetTests } from './conformance/compare-and-set.ts'
import { fenceTests } from './conformance/fence.ts'
import { groupTests } from './conformance/groups.ts'
import { handleTests } from './conformance/handles.ts'
import { harness, type ConformanceOptions } from './conformance/harness.ts'
import { ledgerTests } from './conformance/ledger.ts'
import { positionTests } from './conformance/positions.ts'

export type { ConformanceOptions }

/**
 * The contract of a store driver as tests. A driver that passes them all can carry the custody of offsets; for a
 * capability that it lacks, the refusal or the statement that the contract asks for instead is tested.
 */
export function storeConformance(options: ConformanceOptions): void {
  const tests = harness(options)
  positionTests(tests)
  compareAndSetTests(tests)
  fenceTests(tests)
  ledgerTests(tests)
  groupTests(tests)
  handleTests(tests)
}
