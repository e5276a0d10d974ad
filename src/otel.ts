import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, MeterProvider, Span, TracerProvider } from '@opentelemetry/api'
import { listen } from './diagnostics.ts'
import type { BatchEvent } from './diagnostics.ts'
import { printRange } from './job/batch.ts'
import type { Handler } from './job/handling.ts'

/** Where spans and metrics go, if not to the global providers. */
export interface InstrumentOptions {
  readonly tracerProvider?: TracerProvider | undefined
  readonly meterProvider?: MeterProvider | undefined
}

/** What {@link instrument} set up. */
export interface Instrumentation extends Disposable {
  /** The same handler, called with its batch's span as the active one, so that spans of its own become children. */
  handler(handler: Handler): Handler
}

/** The spans of batches in hand, by what tells batches apart. */
type Spans = WeakMap<BatchEvent['ranges'], Span>

/**
 * Makes a span of every batch of this process's jobs, from its planning to its save, and counts what they do; until it is disposed
 * of. docs/diagnostics.md lists the names. It listens to the channels of `node:diagnostics_channel`: jobs need not know of it.
 */
export function instrument({ tracerProvider = trace, meterProvider = metrics }: InstrumentOptions = {}): Instrumentation {
  const spans: Spans = new WeakMap()
  const deaf = [...traced(tracerProvider, spans), ...counted(meterProvider)]
  return {
    handler: (handler) => (batch, handlerContext) => {
      const span = spans.get(batch.ranges)
      if (span === undefined) return handler(batch, handlerContext)
      return context.with(trace.setSpan(context.active(), span), () => handler(batch, handlerContext))
    },
    [Symbol.dispose]: () => {
      for (const stop of deaf) stop()
    },
  }
}

function traced(provider: Pick<TracerProvider, 'getTracer'>, spans: Spans): (() => void)[] {
  const tracer = provider.getTracer('tidemark')
  const hear = (event: BatchEvent): void => {
    const { state, ranges } = event
    if (state === 'planned') {
      spans.set(
        ranges,
        tracer.startSpan(`process ${topicsOf(event).join(', ')}`, { kind: SpanKind.CONSUMER, attributes: attributesOf(event) }),
      )
      return
    }
    const span = spans.get(ranges)
    span?.addEvent(state)
    if (state === 'failed') failSpan(span, event.error)
    if (state === 'handled') return
    span?.end()
    spans.delete(ranges)
  }
  return [listen('batch', hear)]
}

function failSpan(span: Span | undefined, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  span?.recordException(error instanceof Error ? error : message)
  span?.setStatus({ code: SpanStatusCode.ERROR, message })
}

function counted(provider: Pick<MeterProvider, 'getMeter'>): (() => void)[] {
  const meter = provider.getMeter('tidemark')
  const records = meter.createCounter('tidemark.records', { unit: '{record}', description: 'Records whose offsets were saved' })
  const failures = meter.createCounter('tidemark.batch.failures', { unit: '{batch}', description: 'Batches whose work or save failed' })
  const notices = meter.createCounter('tidemark.notices', { unit: '{notice}', description: 'Notices, by their kind' })
  const handling = meter.createHistogram('tidemark.handle.duration', { unit: 's', description: 'From planning to the end of the work' })
  const saving = meter.createHistogram('tidemark.save.duration', { unit: 's', description: 'Writes to the store, waiting included' })
  return [
    listen('batch', (event) => {
      const attributes = groupAttribute(event.group)
      if (event.state === 'handled') handling.record(event.ms / 1_000, attributes)
      if (event.state === 'saved') records.add(event.recordCount, attributes)
      if (event.state === 'failed') failures.add(1, attributes)
    }),
    listen('save', ({ group, ms, error }) =>
      saving.record(ms / 1_000, { ...groupAttribute(group), ...(error === undefined ? {} : { 'error.type': codeOf(error) }) }),
    ),
    listen('notice', ({ group, kind }) => notices.add(1, { ...groupAttribute(group), 'tidemark.notice.kind': kind })),
  ]
}

/** By OpenTelemetry's conventions for messaging, as far as they have a name. */
function attributesOf(event: BatchEvent): Attributes {
  const [topic, another] = topicsOf(event)
  return {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'process',
    'messaging.batch.message_count': event.recordCount,
    ...(topic === undefined || another !== undefined ? {} : { 'messaging.destination.name': topic }),
    ...groupAttribute(event.group),
    'tidemark.ranges': event.ranges.map(printRange),
  }
}

function groupAttribute(group: string): Attributes {
  return { 'messaging.consumer.group.name': group }
}

function topicsOf({ ranges }: BatchEvent): string[] {
  return [...new Set(ranges.map(({ topic }) => topic))]
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
