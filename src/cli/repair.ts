import { parsePolicy } from '../core/policy.ts'
import type { PolicyParts } from '../core/policy.ts'
import { repair } from '../verbs/repair.ts'
import type { MovingOptions } from './options.ts'
import { reportPlan } from './plan-report.ts'
import type { Report } from './report.ts'
import { groupOf, askLogAndStore } from './session.ts'

export interface RepairOptions extends MovingOptions {
  readonly policy?: string | undefined
  readonly adopt?: boolean | undefined
  readonly clockSkew?: number | undefined
}

/** What a verb takes that reconciles before its own work. */
export type ReconcileChoices = Pick<RepairOptions, 'policy' | 'maxSkip' | 'maxReread' | 'topic' | 'clockSkew'>

/** `tidemark repair` */
export async function repairAction(options: RepairOptions): Promise<Report> {
  const group = groupOf(options)
  const policy = policyOf(options)
  return askLogAndStore(options, options.execute === true ? 'write' : 'read', async (log, store) => {
    const { plan } = await repair(log, store, {
      group,
      topics: options.topic,
      policy,
      adopt: options.adopt,
      clockSkewMs: options.clockSkew,
    })
    return reportPlan(plan, store, options)
  })
}

/** The policy that the options say. @throws TidemarkError USAGE, before anything is asked of anybody */
export function policyOf({ policy, maxSkip, maxReread }: Pick<RepairOptions, 'policy' | 'maxSkip' | 'maxReread'>): PolicyParts {
  return { ...(policy === undefined ? {} : parsePolicy(policy)), maxSkip, maxReread }
}
