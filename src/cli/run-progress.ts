import type { OnProgress } from '../job/progress.ts'
import { HeadwayMeter } from './headway.ts'
import type { Headway } from './headway.ts'
import { LiveLines } from './live-lines.ts'
import { printTable } from './table.ts'

/** How often a log is told how far a run is. On a terminal it is redrawn as often as it is told. */
const SAID_EVERY_MS = 10_000
/** What is over sooner shows nothing. */
const FIRST_DRAWN_AFTER_MS = 1_000
const COLUMNS = ['PARTITION', 'LAG', 'RECORDS/S', 'CAUGHT-UP'].map((name) => ({ name }))

/** Shows how far a run is, until it is disposed of. */
export interface RunProgress extends Disposable {
  readonly onProgress: OnProgress
}

/** On a terminal live lines, one for each partition as far as there is room; in a log a line for the whole job now and then, by `say`. */
export function showProgress(say: (text: string) => void): RunProgress {
  return process.stderr.isTTY ? liveProgress() : saidProgress(say)
}

function liveProgress(): RunProgress {
  const meter = new HeadwayMeter()
  const from = performance.now() + FIRST_DRAWN_AFTER_MS
  const lines = new LiveLines(process.stderr, ...(process.stdout.isTTY ? [process.stdout] : []))
  return {
    onProgress: (partitions) => {
      meter.note(partitions, performance.now())
      if (performance.now() >= from) lines.draw(linesOf(meter, lines.room))
    },
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  }
}

function saidProgress(say: (text: string) => void): RunProgress {
  const meter = new HeadwayMeter()
  let sayAt = performance.now() + SAID_EVERY_MS
  return {
    onProgress: (partitions) => {
      const now = performance.now()
      meter.note(partitions, now)
      if (now < sayAt || partitions.length === 0) return
      sayAt = now + SAID_EVERY_MS
      say(sentenceOf(meter.sum('all'), partitions.length))
    },
    [Symbol.dispose]: () => {},
  }
}

/** A table of at most so many lines: where partitions have to be left out, those furthest behind are shown, and the rest in one row. */
export function linesOf(meter: HeadwayMeter, room: number): string[] {
  const all = meter.partitions
  if (all.length === 0) return []
  const rows = Math.max(1, room - 1)
  const shown = all.length <= rows ? all : all.toSorted((a, b) => b.lag - a.lag).slice(0, rows - 1)
  const names = new Set(shown.map(({ name }) => name))
  const others = all.filter(({ name }) => !names.has(name)).map(({ name }) => name)
  const rest = others.length === 0 ? [] : [meter.sum(`${others.length} ${shown.length === 0 ? 'partitions' : 'others'}`, new Set(others))]
  const table = { columns: COLUMNS, rows: [...shown, ...rest].map((headway) => ({ cells: cellsOf(headway) })) }
  return printTable(table, { terminal: false }).trimEnd().split('\n').slice(0, room)
}

function cellsOf(headway: Headway): (string | number)[] {
  return [headway.name, headway.lag, Math.round(headway.perSecond), printTimeLeft(headway)]
}

/** What a log is told: the whole job in one line. */
export function sentenceOf(headway: Headway, partitions: number): string {
  const { lag, perSecond } = headway
  const behind = lag === 0 ? '' : `${lag} records behind, `
  return `${partitions} ${partitions === 1 ? 'partition' : 'partitions'}: ${behind}${Math.round(perSecond)} records/s, ${lag === 0 ? 'caught up' : `caught up ${printTimeLeft(headway)}`}`
}

function printTimeLeft({ secondsLeft }: Headway): string {
  if (secondsLeft === undefined) return 'not at this rate'
  if (secondsLeft === 0) return 'now'
  if (secondsLeft < 100) return `in ${Math.ceil(secondsLeft)} s`
  if (secondsLeft < 6_000) return `in ${Math.round(secondsLeft / 60)} min`
  return `in ${Math.round(secondsLeft / 3_600)} h`
}
