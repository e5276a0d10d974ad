import type { Handler } from '../../src/job/handling.ts'
import type { Bug } from './bug.ts'
import { applyingTwice, forgettingPlans, ignoringRevisions, overlookingMembers, writingWhenFenced } from './driver.ts'
import {
  guessingFacts,
  ignoringClusters,
  lookingOnce,
  readingWithoutBound,
  overlookingPartitions,
  resettingSilently,
  throwingRaw,
} from './log.ts'

/** Says that the work is done, and does it afterwards. */
function workingAfterwards(handler: Handler): Handler {
  return (batch, context) => {
    void Promise.resolve(handler(batch, context)).catch(() => {})
  }
}

/** The bugs that can be planted, at least one for each invariant: a simulation that does not find them proves nothing. */
export const BUGS: Readonly<Record<string, Bug>> = {
  'works-afterwards': { breaks: 'saved-after-work', handler: workingAfterwards },
  'ignores-revisions': { breaks: 'no-blind-move', driver: ignoringRevisions },
  'overlooks-members': { breaks: 'no-blind-move', driver: overlookingMembers },
  'guesses-facts': { breaks: 'unknown-never-writes', log: guessingFacts },
  'ignores-clusters': { breaks: 'unknown-never-writes', log: ignoringClusters },
  'writes-when-fenced': { breaks: 'fenced', driver: writingWhenFenced },
  'applies-twice': { breaks: 'idempotent', driver: applyingTwice },
  'reads-without-bound': { breaks: 'bounded', log: readingWithoutBound },
  'throws-raw-errors': { breaks: 'named-errors', log: throwingRaw },
  'forgets-plans': { breaks: 'replayed-as-planned', driver: forgettingPlans },
  'resets-silently': { breaks: 'nothing-lost', log: resettingSilently },
  'looks-once': { breaks: 'true-verdict', log: lookingOnce },
  'overlooks-partitions': { breaks: 'gets-there', log: overlookingPartitions },
}
