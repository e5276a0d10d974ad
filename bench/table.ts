import { median, type Measured } from './measure.ts'

/** What a table's numbers are: how they are printed, and whether a small one is a good one. */
export interface Unit {
  readonly name: string
  readonly digits: number
  readonly better: 'less' | 'more'
}

/** Against whom a row is held, and which ratios are to be reached. `cost`: ours to theirs, at most; `speed-up`: how many times as fast, at least. */
export interface Beside {
  readonly measured: Measured
  /** Its name in a few words. */
  readonly called: string
  readonly kind: 'cost' | 'speed-up'
  readonly targets: readonly number[]
}

export interface Row {
  readonly measured: Measured
  readonly beside?: readonly Beside[] | undefined
}

export interface Table {
  readonly title: string
  readonly unit: Unit
  readonly rows: readonly Row[]
  /** Sentences below the table. */
  readonly notes?: readonly string[] | undefined
}

/** The table as Markdown. */
export function printTable({ title, unit, rows, notes = [] }: Table): string {
  const withMemory = rows.some(({ measured }) => measured.peaksMb.length > 0)
  const head = ['', `median, ${unit.name}`, 'min – max', ...(withMemory ? ['peak memory, MB'] : []), 'ratio', 'to reach']
  const lines = rows.map(({ measured, beside = [] }) => [
    measured.name,
    fixed(median(measured.values), unit.digits),
    spread(measured.values, unit.digits),
    ...(withMemory ? [spread(measured.peaksMb, 0)] : []),
    beside.map((one) => `${ratio(measured, one, unit).toFixed(2)}× ${one.called}`).join('<br>'),
    beside.map((one) => verdict(ratio(measured, one, unit), one)).join('<br>'),
  ])
  const text = [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...lines].map((cells) => `| ${cells.join(' | ')} |`)
  return [`### ${title}`, '', ...text, '', ...notes.flatMap((note) => [note, ''])].join('\n')
}

function ratio(ours: Measured, { measured: theirs, kind }: Beside, unit: Unit): number {
  const [our, their] = [median(ours.values), median(theirs.values)]
  return kind === 'cost' || unit.better === 'more' ? our / their : their / our
}

function verdict(reached: number, { kind, targets }: Beside): string {
  const words = targets.map((target) => {
    const isReached = kind === 'cost' ? reached <= target : reached >= target
    return `${kind === 'cost' ? 'at most' : 'at least'} ${target}×: ${isReached ? 'reached' : '**not reached**'}`
  })
  return words.join('; ')
}

function spread(values: readonly number[], digits: number): string {
  if (values.length === 0) return ''
  const [low, high] = [fixed(Math.min(...values), digits), fixed(Math.max(...values), digits)]
  return low === high ? low : `${low} – ${high}`
}

function fixed(value: number, digits: number): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
