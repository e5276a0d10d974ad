import type { PlanEntry } from '../core/plan.ts'

/** Verdicts that no job dies of: nothing was read there yet, or the topic is gone and stays so. */
const HARMLESS = new Set<string>(['missing', 'orphaned'])

/** Whether an offset disagrees with the log in a way that can end a job that reads from it. */
export function isDisputed({ verdict, outcome }: PlanEntry): boolean {
  return (outcome === 'move' || outcome === 'fail') && !HARMLESS.has(verdict)
}
