import assert from 'node:assert/strict'

/** A family of metrics, as a strict reader of Prometheus' text format 0.0.4 finds it. */
export interface ReadFamily {
  readonly name: string
  readonly type: string
  readonly samples: ReadSample[]
}

export interface ReadSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|$)/
const VALUE = /^(?:[+-]Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/

/**
 * Reads an answer of `/metrics`, and refuses whatever a scraper may refuse or read as something else: HELP and TYPE once and first in each family,
 * families in one piece, names and escapes, values, no two samples with the same labels, counters that are named as such, a newline at the end.
 */
export function readExposition(text: string): Map<string, ReadFamily> {
  assert.ok(text.endsWith('\n'), 'ends with a newline')
  const families = new Map<string, ReadFamily>()
  const lines = text.slice(0, -1).split('\n')
  let current: ReadFamily | undefined
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (line.startsWith('#')) {
      assert.ok(current === undefined || current.samples.length > 0, `${current?.name} has samples`)
      current = readHead(line, lines[++index] ?? '')
      assert.ok(!families.has(current.name), `${current.name} is in one piece`)
      families.set(current.name, current)
    } else {
      assert.ok(current, `${line}: a sample has its family's head before it`)
      addSample(current, line)
    }
  }
  return families
}

function readHead(help: string, type: string): ReadFamily {
  const [, name = '', said = ''] = /^# HELP (\S+) (.+)$/.exec(help) ?? assert.fail(`no HELP: ${help}`)
  assert.match(name, NAME)
  assert.doesNotMatch(said.replaceAll(/\\[\\n]/g, ''), /\\/, 'escapes in HELP')
  const [, named, kind = ''] = /^# TYPE (\S+) (counter|gauge)$/.exec(type) ?? assert.fail(`no TYPE after HELP: ${type}`)
  assert.equal(named, name)
  assert.equal(kind === 'counter', name.endsWith('_total'), `${name} is a ${kind}`)
  return { name, type: kind, samples: [] }
}

function addSample(family: ReadFamily, line: string): void {
  const [, name, labelled = '', value = ''] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`)
  assert.equal(name, family.name, 'families are in one piece')
  assert.match(value, VALUE, line)
  const labels = readLabels(labelled)
  const found = Number(value.replace('Inf', 'Infinity'))
  if (family.type === 'counter') assert.ok(found >= 0, line)
  family.samples.push({ labels, value: found })
  const seen = seenIn(family)
  const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  assert.ok(!seen.has(key), `twice: ${line}`)
  seen.add(key)
}

const seenOf = new WeakMap<ReadFamily, Set<string>>()

function seenIn(family: ReadFamily): Set<string> {
  const seen = seenOf.get(family) ?? new Set()
  seenOf.set(family, seen)
  return seen
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (let rest = text.slice(1, -1); rest !== '';) {
    const [whole, name = '', value = '', comma] = LABEL.exec(rest) ?? assert.fail(`no label: ${rest}`)
    assert.ok(!name.startsWith('__'), name)
    assert.ok(!Object.hasOwn(labels, name), `${name} twice`)
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    rest = rest.slice(whole.length)
    assert.ok((comma === ',') === (rest !== ''), text)
  }
  return labels
}
