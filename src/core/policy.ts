import { TidemarkError } from '../errors.ts'
import { VERDICTS } from './verdict.ts'
import type { VerdictName } from './verdict.ts'

/** What is done about a verdict. `report` says it and goes on as if it were valid. `wait` and `none` can't be chosen: they are what `unknown` and `valid` come to. */
export type Action = 'earliest' | 'latest' | 'nearest' | 'time' | 'truncation-point' | 'report' | 'keep' | 'fail' | 'wait' | 'none'

/** From verdict to action, with the limits of what a plan may cost, in records. */
export interface Policy {
  readonly actions: Readonly<Record<VerdictName, Action>>
  /** A plan that skips more records than this is printed instead of applied. Default: unlimited. */
  readonly maxSkip: number
  /** A plan that reads more records again than this is printed instead of applied. Default: unlimited. */
  readonly maxReread: number
}

/** A policy's parts: `{ expired: 'earliest', ahead: 'fail', maxReread: 1_000_000 }`. What is not named keeps its default. */
export type PolicyParts = Partial<Record<VerdictName, Action>> & {
  readonly maxSkip?: number | undefined
  readonly maxReread?: number | undefined
}

/** What a policy may say: its parts, or the text of `--policy`. */
export type PolicyInput = string | PolicyParts

const DEFAULTS: Record<VerdictName, Action> = {
  corrupt: 'fail',
  foreign: 'fail',
  unknown: 'wait',
  orphaned: 'keep',
  lost: 'fail',
  missing: 'earliest',
  recreated: 'earliest',
  truncated: 'truncation-point',
  expired: 'earliest',
  ahead: 'earliest',
  suspect: 'report',
  valid: 'none',
}

/** The actions that make sense for each verdict. `foreign`, `unknown` and `valid` take none: no policy covers them. */
const CHOICES: Record<VerdictName, readonly Action[]> = {
  corrupt: ['earliest', 'latest', 'keep', 'fail'],
  foreign: [],
  unknown: [],
  orphaned: ['keep', 'fail'],
  lost: ['earliest', 'latest', 'keep', 'fail'],
  missing: ['earliest', 'latest', 'fail'],
  recreated: ['earliest', 'latest', 'time', 'keep', 'fail'],
  truncated: ['truncation-point', 'earliest', 'latest', 'nearest', 'time', 'keep', 'fail'],
  expired: ['earliest', 'latest', 'nearest', 'time', 'keep', 'fail'],
  ahead: ['earliest', 'latest', 'nearest', 'time', 'keep', 'fail'],
  suspect: ['report', 'earliest', 'latest', 'time', 'keep', 'fail'],
  valid: [],
}

/** The verdicts that a bare action word sets: the rule of the article that Tidemark started from. */
const BARE_WORD_SETS: readonly VerdictName[] = ['expired', 'ahead']

/**
 * The whole policy from its parts, or from the text of `--policy`. What is not named keeps its default.
 * @throws TidemarkError USAGE for a word that is no verdict, no action, or an action its verdict can't take, and for a limit that is none.
 */
export function toPolicy(input: PolicyInput = {}): Policy {
  const { maxSkip, maxReread, ...chosen } = typeof input === 'string' ? parsePolicy(input) : input
  const actions: Record<VerdictName, Action> = { ...DEFAULTS }
  for (const [word, action] of Object.entries(chosen)) {
    if (action === undefined) continue
    const verdict = toVerdict(word)
    actions[verdict] = toAction(verdict, action)
  }
  return { actions, maxSkip: toLimit('maxSkip', maxSkip), maxReread: toLimit('maxReread', maxReread) }
}

/**
 * Reads `earliest`, `expired=earliest,ahead=fail`, or both: a verdict that is named wins over the bare word, whatever their order.
 * @throws TidemarkError USAGE, as {@link toPolicy} does, and where two parts say something of the same verdict.
 */
export function parsePolicy(text: string): PolicyParts {
  const bare: PolicyParts = {}
  const named: PolicyParts = {}
  for (const part of text.split(',')) {
    const [left = '', ...rest] = part.split('=').map((word) => word.trim())
    const [into, verdicts, action] =
      rest.length === 0 ? ([bare, BARE_WORD_SETS, left] as const) : ([named, [toVerdict(left)], rest.join('=')] as const)
    for (const verdict of verdicts) {
      if (into[verdict] !== undefined)
        throw new TidemarkError('USAGE', `the policy ${JSON.stringify(text)} says twice what to do about ${verdict}`)
      into[verdict] = toAction(verdict, action)
    }
  }
  return { ...bare, ...named }
}

/** The actions that a policy can give without naming a verdict. */
export function bareChoices(): readonly Action[] {
  const [first = [], ...others] = BARE_WORD_SETS.map(choicesFor)
  return first.filter((action) => others.every((choices) => choices.includes(action)))
}

/** The actions that a verdict can be given by a policy. */
export function choicesFor(verdict: VerdictName): readonly Action[] {
  return CHOICES[verdict]
}

function toLimit(name: string, value = Number.POSITIVE_INFINITY): number {
  if (value >= 0) return value
  throw new TidemarkError('USAGE', `${value} is no ${name}`, { hint: 'A limit is a number of records, 0 or more' })
}

function toVerdict(word: string): VerdictName {
  const verdict = VERDICTS.find((name) => name === word)
  if (verdict !== undefined) return verdict
  throw new TidemarkError('USAGE', `${JSON.stringify(word)} in the policy is no verdict`, {
    hint: `Verdicts: ${VERDICTS.filter((name) => CHOICES[name].length > 0).join(', ')}`,
  })
}

function toAction(verdict: VerdictName, word: string): Action {
  const action = CHOICES[verdict].find((choice) => choice === word)
  if (action !== undefined) return action
  const choices = CHOICES[verdict]
  throw new TidemarkError('USAGE', `${JSON.stringify(word)} in the policy is no action for ${verdict}`, {
    hint: choices.length === 0 ? `No policy covers ${verdict}` : `Actions for ${verdict}: ${choices.join(', ')}`,
  })
}
