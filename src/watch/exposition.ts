/** A family of metrics: one name, one type, and a sample for each set of labels. */
export interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  /** One sentence. */
  readonly help: string
  readonly samples: readonly Sample[]
}

/** The labels as {@link labels} writes them, and the value. */
export type Sample = readonly [labels: string, value: number]

/** What the text form below is served as. */
export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Prometheus' text format, version 0.0.4. A family without samples is left out. */
export function printFamilies(families: readonly Family[]): string {
  const lines: string[] = []
  for (const { name, type, help, samples } of families) {
    if (samples.length === 0) continue
    lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`)
    for (const [labelled, value] of samples) lines.push(`${name}${labelled} ${printValue(value)}`)
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

/** Labels as they stand between a name and its value; names must be distinct. */
export function labels(values: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(values).map(([name, value]) => `${name}="${escapeValue(String(value))}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** Labels of {@link labels}, at least one, and another one. */
export function withLabel(labelled: string, name: string, value: string): string {
  return `${labelled.slice(0, -1)},${name}="${escapeValue(value)}"}`
}

function printValue(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  return /[\\\n"]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : text
}
