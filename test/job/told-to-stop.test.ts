import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openStore, run, type Log } from '../../src/index.ts'
import { MemoryLog } from '../../src/testing/index.ts'

describe('a job that is told to stop', () => {
  it('ends in good order while the cluster is being asked, and not with INTERNAL: the operation was aborted', async () => {
    const cluster = new MemoryLog()
    cluster.createTopic('orders', 2)
    const stop = new AbortController()
    // What the real one does with a question that is under way.
    const facts: Log['facts'] = async (_, options) => {
      stop.abort()
      options?.signal?.throwIfAborted()
      return []
    }
    const log = new Proxy(cluster, {
      get: (target, name) => {
        const value: unknown = name === 'facts' ? facts : Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    await using store = await openStore('memory:')
    const summary = await run(log, store, { group: 'billing', topics: ['orders'], signal: stop.signal, handler: () => undefined })
    assert.equal(summary.batches, 0)
    assert.deepEqual(await store.load('billing'), [])
  })
})
