import type { Outcome } from './simulation.ts'

/** What a seed broke, in a few lines, the last of which is the command that shows how. */
export function report({ seed, violations }: Outcome, bug?: string): string {
  const lines = violations.slice(0, 5).map(({ invariant, how }) => `  ${invariant}: ${how}`)
  const more = violations.length > 5 ? [`  and ${violations.length - 5} more`] : []
  const command = `npm run simulate -- --seed ${seed}${bug === undefined ? '' : ` --bug ${bug}`}`
  return [
    `seed ${seed} breaks ${[...new Set(violations.map(({ invariant }) => invariant))].join(', ')}`,
    ...lines,
    ...more,
    `  ${command}`,
  ].join('\n')
}
