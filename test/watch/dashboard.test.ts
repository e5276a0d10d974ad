import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dashboard } from './grafana.ts'

const { panels, templating } = dashboard

/** What Prometheus can't say of it; prometheus.test.ts has the rest. */
describe('the dashboard', () => {
  it('uses no variable that is not defined', () => {
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name)
    const defined = new Set([...templating.list.map(({ name }) => name), '__rate_interval', '__all'])
    assert.deepEqual(
      used.filter((name) => !defined.has(name)),
      [],
    )
  })

  it('panels don’t overlap, and no two have one ID or title', () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
    assert.equal(new Set(panels.map(({ title }) => title)).size, panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    )
    assert.equal(new Set(cells).size, cells.length)
    assert.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24))
  })
})
