import { adoptable, entryToAdopt } from '../core/adopt.ts'
import type { Finding, Plan, PlanContext } from '../core/plan.ts'
import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'

/**
 * The plan with valid numbers adopted: those that have no identity get the one of the log, with the leader epoch of the record
 * below the offset where that can be learned. What can't be learned is left out, and said.
 */
export async function withAdoption(log: Log, plan: Plan, findings: readonly Finding[], context: PlanContext): Promise<Plan> {
  const epochs = await epochsBelow(log, findings)
  const byKey = new Map(findings.map((finding) => [keyOf(finding.custody), finding]))
  const entries = plan.entries.map((entry) => {
    const finding = byKey.get(keyOf(entry))
    return finding === undefined ? entry : entryToAdopt(entry, finding, epochs.get(keyOf(entry)), context)
  })
  return { ...plan, entries }
}

async function epochsBelow(log: Log, findings: readonly Finding[]): Promise<Map<string, number>> {
  const topicIds = new Map<string, string>()
  const ranges = findings.flatMap((finding): OffsetRange[] => {
    const position = adoptable(finding)
    const { facts } = finding
    if (position === undefined || facts.state !== 'known' || position.offset <= facts.logStartOffset) return []
    topicIds.set(keyOf(facts), facts.topicId)
    return [{ topic: facts.topic, partition: facts.partition, fromOffset: position.offset - 1, untilOffset: position.offset }]
  })
  const answers = ranges.length === 0 ? [] : await log.epochs(ranges).catch(nothingKnown)
  return new Map(
    answers.flatMap((answer) => {
      const epoch = answer.state === 'known' && answer.topicId === topicIds.get(keyOf(answer)) ? answer.epochs.at(-1)?.epoch : undefined
      return epoch === undefined ? [] : [[keyOf(answer), epoch] as const]
    }),
  )
}

/** An identity without an epoch is still one: the plan says that it is not known. */
function nothingKnown(error: unknown): [] {
  if (error instanceof TidemarkError) return []
  throw error
}
