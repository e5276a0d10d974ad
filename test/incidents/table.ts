import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Incident } from './incident.ts'

/** What other programs did with the same offset; undefined where it can't be tried. */
export interface Measured {
  readonly groupsTool: string | undefined
  readonly kafkajs: string | undefined
  readonly spark: string | undefined
}

const file = new URL('../../docs/incidents.md', import.meta.url)

const header =
  '| incident | verdict | evidence | repaired to | kafka-consumer-groups | kafkajs | Spark 4.1.1 | Spark, by its source |\n|---|---|---|---|---|---|---|---|'

/**
 * Compares what was found with the page, row by row; with TIDEMARK_WRITE_INCIDENTS in the environment writes the rows into
 * the page instead, between the lines that name the cluster.
 */
export function tabulate(cluster: string, incidents: readonly Incident[], found: ReadonlyMap<Incident, Measured>): void {
  const rows = incidents.flatMap((incident) => {
    const measured = found.get(incident)
    return measured === undefined ? [] : [rowOf(incident, measured)]
  })
  const page = readFileSync(file, 'utf8')
  if (process.env['TIDEMARK_WRITE_INCIDENTS'] === undefined) {
    const lines = new Set(page.split('\n'))
    const missing = rows.filter((row) => !lines.has(row))
    assert.deepEqual(missing, [], 'docs/incidents.md says something else; TIDEMARK_WRITE_INCIDENTS=1 writes it anew')
    return
  }
  const [begin, end] = [`<!-- ${cluster} -->`, `<!-- end of ${cluster} -->`]
  const [before, after] = [page.indexOf(begin) + begin.length, page.indexOf(end)]
  assert.ok(after > before && before >= begin.length, `docs/incidents.md has no place for ${cluster}`)
  writeFileSync(file, `${page.slice(0, before)}\n${[header, ...rows].join('\n')}\n${page.slice(after)}`)
}

function rowOf({ name, source, verdict, evidence, repairedTo, spark }: Incident, rivals: Measured): string {
  const others = [rivals.groupsTool, rivals.kafkajs, rivals.spark].map((said) => said ?? '-')
  const cells = [`[${name}](${source})`, verdict, evidence.join('<br>'), repairedTo ?? 'stays', ...others, spark]
  return `| ${cells.map((cell) => String(cell).replaceAll('|', String.raw`\|`)).join(' | ')} |`
}
