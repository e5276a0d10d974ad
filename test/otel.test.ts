import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { context, createNoopMeter, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import type { Attributes, Context, Counter, Meter, MeterProvider, Span, SpanOptions, Tracer, TracerProvider } from '@opentelemetry/api'
import { openStore, run, type Handler } from '../src/index.ts'
import { instrument } from '../src/otel.ts'
import { MemoryLog } from '../src/testing/index.ts'

/** A span as the test keeps it. */
interface Kept {
  readonly name: string
  readonly options: SpanOptions
  readonly parent: Span | undefined
  readonly span: Span
  readonly events: string[]
  error?: string | undefined
  ended: boolean
}

/** A tracer that keeps its spans. */
class MemoryTracer implements TracerProvider {
  readonly spans: Kept[] = []

  getTracer(): Tracer {
    const startSpan = (name: string, options: SpanOptions = {}, parent: Context = context.active()): Span => {
      const span = {
        addEvent: (event: string) => kept.events.push(event),
        recordException: (error: unknown) => (kept.error = String(error)),
        setStatus: () => span,
        end: () => (kept.ended = true),
      } as unknown as Span
      const kept: Kept = { name, options, parent: trace.getSpan(parent), span, events: [], ended: false }
      this.spans.push(kept)
      return span
    }
    return { startSpan, startActiveSpan: () => assert.fail('not used') }
  }
}

/** A meter that keeps what is recorded. */
class MemoryMeter implements MeterProvider {
  readonly recorded: { name: string; value: number; attributes: Attributes | undefined }[] = []

  getMeter(): Meter {
    const instrumentOf = (name: string) => {
      const record = (value: number, attributes?: Attributes): void => void this.recorded.push({ name, value, attributes })
      return { add: record, record } as unknown as Counter & ReturnType<Meter['createHistogram']>
    }
    return Object.assign(createNoopMeter(), { createCounter: instrumentOf, createHistogram: instrumentOf })
  }

  sumOf(name: string): number {
    return this.recorded.filter((one) => one.name === name).reduce((sum, { value }) => sum + value, 0)
  }
}

describe('tidemark/otel', () => {
  const active = new AsyncLocalStorage<Context>()
  before(() => {
    context.setGlobalContextManager({
      active: () => active.getStore() ?? ROOT_CONTEXT,
      with: (given, work, self, ...args) => active.run(given, () => work.apply(self as ThisParameterType<typeof work>, args)),
      bind: (_, target) => target,
      enable: () => assert.fail('not used'),
      disable() {
        return this
      },
    })
  })
  after(() => context.disable())

  async function runOn(records: number, handler: Handler): Promise<void> {
    const log = new MemoryLog()
    const [partition] = log.createTopic('orders').partitions
    for (let index = 0; index < records; index++) partition?.append({ value: String(index) })
    await using store = await openStore('memory:')
    await run(log, store, { group: 'billing', topics: ['orders'], untilEnd: true, secondLookMs: 0, maxRecords: 5, retries: 0, handler })
  }

  it('makes a span of each batch, active in the handler', async () => {
    const tracerProvider = new MemoryTracer()
    const seen: (Span | undefined)[] = []
    {
      using telemetry = instrument({ tracerProvider })
      await runOn(
        10,
        telemetry.handler(async () => {
          await sleep(1)
          seen.push(trace.getActiveSpan())
          tracerProvider.getTracer().startSpan('mine')
        }),
      )
    }
    const batches = tracerProvider.spans.filter(({ name }) => name === 'process orders')
    assert.deepEqual(
      batches.map(({ span }) => span),
      seen,
    )
    assert.deepEqual(
      tracerProvider.spans.filter(({ name }) => name === 'mine').map(({ parent }) => parent),
      seen,
    )
    for (const { events, ended, parent } of batches)
      assert.deepEqual({ events, ended, parent }, { events: ['handled', 'saved'], ended: true, parent: undefined })
    assert.deepEqual(batches[0]?.options.attributes, {
      'messaging.system': 'kafka',
      'messaging.operation.type': 'process',
      'messaging.batch.message_count': 5,
      'messaging.destination.name': 'orders',
      'messaging.consumer.group.name': 'billing',
      'tidemark.ranges': ['orders-0 [0, 5)'],
    })
    await runOn(1, () => {})
    assert.equal(batches.length, 2, 'disposed of, it makes none')
  })

  it('ends the span of a batch that failed, with its error', async () => {
    const tracerProvider = new MemoryTracer()
    const meterProvider = new MemoryMeter()
    using telemetry = instrument({ tracerProvider, meterProvider })
    const failing = telemetry.handler(() => {
      throw new Error('no good')
    })
    await assert.rejects(runOn(1, failing), { code: 'HANDLER_FAILED' })
    const [{ events, error, ended } = assert.fail('no span')] = tracerProvider.spans
    assert.deepEqual({ events, ended }, { events: ['failed'], ended: true })
    assert.match(error ?? '', /no good/)
    assert.equal(meterProvider.sumOf('tidemark.batch.failures'), 1)
    assert.equal(meterProvider.sumOf('tidemark.records'), 0)
  })

  it('counts records and measures handling and saving, also of handlers that it was not given', async () => {
    const meterProvider = new MemoryMeter()
    using telemetry = instrument({ meterProvider })
    assert.ok(telemetry)
    await runOn(12, () => sleep(20))
    assert.equal(meterProvider.sumOf('tidemark.records'), 12)
    assert.ok(meterProvider.sumOf('tidemark.handle.duration') >= 0.05)
    assert.equal(meterProvider.recorded.filter(({ name }) => name === 'tidemark.save.duration').length, 4)
    const started = meterProvider.recorded.find(({ name }) => name === 'tidemark.notices')
    assert.deepEqual(started?.attributes, { 'messaging.consumer.group.name': 'billing', 'tidemark.notice.kind': 'started' })
  })

  it('does no harm where no provider is set', async () => {
    assert.ok(metrics)
    using telemetry = instrument()
    await runOn(
      1,
      telemetry.handler(() => {}),
    )
  })
})
