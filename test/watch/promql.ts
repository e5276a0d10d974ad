/** What an expression of PromQL asks for: metrics, and the labels that it selects or groups them by. */
export interface Asked {
  /** Each metric with the labels of its selector. */
  readonly selectors: ReadonlyArray<{ readonly metric: string; readonly labels: readonly string[] }>
  /** Labels in `by`, `on`, `without`, `ignoring`, `group_left`. */
  readonly groupings: readonly string[]
}

const SELECTOR = /\b((?:kafka|tidemark|process)_[a-z_]+)(?:\{([^}]*)\})?/g
const MATCHER = /([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"/g
const GROUPING = /\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)/g

/** Reads of an expression what a name could be wrong in. */
export function askedBy(expression: string): Asked {
  const selectors = [...expression.matchAll(SELECTOR)].map(([, metric = '', matchers = '']) => ({
    metric,
    labels: [...matchers.matchAll(MATCHER)].map(([, label = '']) => label),
  }))
  const groupings = [...expression.matchAll(GROUPING)].flatMap(([, names = '']) => names.split(',').map((name) => name.trim()))
  return { selectors, groupings: groupings.filter((name) => name !== '') }
}

/** Whether every bracket and quote of an expression is closed. */
export function isBalanced(expression: string): boolean {
  const open: string[] = []
  const closes: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }
  for (const sign of expression.replaceAll(/"(?:[^"\\]|\\.)*"/g, '')) {
    if ('([{'.includes(sign)) open.push(sign)
    else if (sign in closes && open.pop() !== closes[sign]) return false
    else if (sign === '"') return false
  }
  return open.length === 0
}
