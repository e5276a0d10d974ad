import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PrometheusServer } from '../../lab/prometheus.ts'
import { root } from '../../scripts/paths.mjs'

type Labels = Readonly<Record<string, string>>

interface Target {
  readonly expr: string
  readonly instant?: boolean
  readonly format?: 'table'
  readonly legendFormat?: string
}

interface Panel {
  readonly id: number
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly Target[]
  readonly transformations?: readonly { readonly options: { readonly excludeByName: Readonly<Record<string, boolean>> } }[]
}

/** A variable; `query` is plain text where it asks for a data source. */
interface Variable {
  readonly name: string
  readonly allValue?: string
  readonly query: string | { readonly query: string }
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

/** The dashboard of the repository. */
export const dashboard = JSON.parse(readFileSync(join(root, 'examples/watch/dashboard.json'), 'utf8')) as Dashboard

/** What is chosen of variables; of all others "All". */
export type Chosen = Readonly<Record<string, readonly string[]>>

/** What a panel shows: a line or a number, by its last value; or a table's row. */
interface Shown {
  /** What it is named by; of a row what its columns say. */
  readonly legend: string
  readonly value: number
}

interface Answer {
  readonly result: readonly {
    readonly metric: Labels
    readonly value?: readonly [number, string]
    readonly values?: readonly (readonly [number, string])[]
  }[]
}

/** Asks Prometheus for all that Grafana asks it for to show the dashboard, of the last minute, where it is scraped each second. */
export class Grafana {
  readonly #prometheus: PrometheusServer

  constructor(prometheus: PrometheusServer) {
    this.#prometheus = prometheus
  }

  /** What each panel shows, by its title. */
  async panels(chosen: Chosen = {}): Promise<Record<string, Shown[]>> {
    const shown = dashboard.panels.map(async (panel) => {
      const answers = await Promise.all(panel.targets.map((target) => this.#shown(panel, target, chosen)))
      return [panel.title, answers.flat()] as const
    })
    return Object.fromEntries(await Promise.all(shown))
  }

  /** What there is to choose of each variable. */
  async options(chosen: Chosen = {}): Promise<Record<string, string[]>> {
    const options = dashboard.templating.list.flatMap(({ name, query }) => {
      if (typeof query === 'string') return []
      const [, selector = '', label] = /^label_values\((.*), (\w+)\)$/.exec(query.query) ?? assert.fail(query.query)
      const values = this.#prometheus.ask<string[]>(`label/${label}/values`, { 'match[]': interpolated(selector, chosen) })
      return [values.then((found) => [name, found] as const)]
    })
    return Object.fromEntries(await Promise.all(options))
  }

  async #shown(panel: Panel, target: Target, chosen: Chosen): Promise<Shown[]> {
    const query = interpolated(target.expr, chosen)
    const now = Date.now() / 1_000
    const range = { query, start: `${now - 60}`, end: `${now}`, step: '1' }
    const { result } = await (target.instant === true
      ? this.#prometheus.ask<Answer>('query', { query })
      : this.#prometheus.ask<Answer>('query_range', range))
    return result.map(({ metric, value, values = [] }) => ({
      legend: target.format === 'table' ? row(panel, metric) : legend(target, metric),
      value: Number((value ?? values.at(-1))?.[1]),
    }))
  }
}

function legend({ expr, legendFormat = '' }: Target, metric: Labels): string {
  return legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? assert.fail(`there is no ${label} in ${expr}`))
}

function row({ transformations = [] }: Panel, metric: Labels): string {
  const isHidden = (label: string): boolean => transformations.some(({ options }) => options.excludeByName[label] === true)
  const columns = Object.entries(metric).filter(([label]) => !isHidden(label))
  return columns.map(([, value]) => value).join(' ')
}

/** A query with what was chosen in it, of several by the pattern that Grafana makes. */
function interpolated(query: string, chosen: Chosen): string {
  return query.replaceAll(/\$(\w+)/g, (_, name: string) => {
    // Four times the time from scrape to scrape.
    if (name === '__rate_interval') return '4s'
    const { allValue = '' } = dashboard.templating.list.find((variable) => variable.name === name) ?? assert.fail(`no variable ${name}`)
    const values = chosen[name]
    if (values === undefined) return allValue
    return values.length === 1 ? (values[0] ?? '') : `(${values.join('|')})`
  })
}
