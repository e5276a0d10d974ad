import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { batchOf, failureOf, record, Scene } from './scene.ts'

const scene = new Scene()
after(() => scene[Symbol.asyncDispose]())

describe('what a process is given', () => {
  it('is one line for each batch, to the same process', async () => {
    const { command, notes } = scene.script(
      `for await (const batch of batches) { note(JSON.stringify({ ...batch, pid: process.pid })); done(batch) }`,
    )
    const { handler } = scene.exec(command)
    await handler(batchOf([0], 1))
    await handler(batchOf([0], 1, 1))
    const [first, second] = notes().map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(first?.['ranges'], [{ topic: 'orders', partition: 0, fromOffset: 0, untilOffset: 1 }])
    assert.deepEqual(first?.['records'], [
      { topic: 'orders', partition: 0, offset: 0, timestamp: 1_700_000_000_000, key: null, value: '0.0', headers: [] },
    ])
    assert.equal(first?.['pid'], second?.['pid'])
    assert.notEqual(first?.['batch'], second?.['batch'])
  })

  it('holds every byte there is, and Python reads it back', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const values = [
      null,
      Buffer.alloc(0),
      every,
      ...[...every].map((byte) => Buffer.from([byte])),
      ...['\uFEFFBOM', 'line\nline\r\n', '\u0000', '\u2028\u2029\u0085', '🜁 {"base64":"AA=="}', '"\\'].map((text) => Buffer.from(text)),
      Buffer.from([0xed, 0xa0, 0x80]), // a lone surrogate is no UTF-8
    ]
    const python = `import base64, json, sys
def hex(field):
    return None if field is None else (base64.b64decode(field["base64"]) if isinstance(field, dict) else field.encode()).hex()
for line in sys.stdin:
    batch = json.loads(line)
    for record in batch["records"]:
        print(json.dumps([hex(record["key"]), hex(record["value"]), [[name, hex(value)] for name, value in record["headers"]]]), file=sys.stderr)
    print(json.dumps({"batch": batch["batch"], "ranges": batch["ranges"]}), flush=True)
`
    const lines: string[] = []
    await using exec = scene.exec(`python3 -c '${python.replaceAll("'", `'\\''`)}'`, { onLine: (line) => lines.push(line) })
    const headers = [
      ['twice', every],
      ['twice', null],
      ['', Buffer.from('text')],
    ] as const
    const records = values.map((value, offset) => record(0, offset, { key: value, value, headers }))
    const ranges = [{ topic: 'orders', partition: 0, fromOffset: 0, untilOffset: records.length }]
    await exec.handler({ records, ranges, recordCount: records.length })
    await exec.close()
    const hex = (bytes: Buffer | null): string | null => bytes?.toString('hex') ?? null
    assert.deepEqual(
      lines.map((line) => JSON.parse(line.replace('exec 1: ', '')) as unknown),
      values.map((value) => [hex(value), hex(value), headers.map(([name, header]) => [name, hex(header)])]),
    )
  })

  it('is written no faster than it reads', async () => {
    const { command } = scene.script(`setInterval(() => {}, 1000)`)
    const { handler } = scene.exec(command, { timeoutMs: 300 })
    let walked = 0
    const value = Buffer.alloc(10_000, 'x')
    const records = {
      *[Symbol.iterator]() {
        for (; walked < 10_000; walked++) yield record(0, walked, { value })
      },
    }
    const error = await failureOf(handler({ records, ranges: batchOf([0], 10_000).ranges, recordCount: 10_000 }))
    assert.equal(error.message, 'process 1 did not acknowledge its batch within 0.3 s; it was killed')
    assert.ok(walked < 100, `${walked} records of 10,000 bytes were written to a process that reads nothing`)
  })
})

describe('an answer', () => {
  it('with an error fails the batch; the process goes on', async () => {
    const { command, notes } = scene.script(`
      let count = 0
      for await (const batch of batches) {
        note(process.pid)
        if (++count === 1) say({ batch: batch.batch, error: 'the bank is closed' })
        else done(batch)
      }`)
    const { handler } = scene.exec(command)
    assert.equal((await failureOf(handler(batchOf([0])))).message, 'the bank is closed')
    await handler(batchOf([0]))
    assert.equal(new Set(notes()).size, 1)
  })

  it('may name the ranges in any order, and come at the very end without a newline', async () => {
    const { command } = scene.script(`
      for await (const { batch, ranges } of batches) {
        process.stdout.write(JSON.stringify({ ranges: ranges.toReversed(), batch, more: true }), () => process.exit())
      }`)
    const { handler } = scene.exec(command)
    await handler(batchOf([0, 1]))
  })

  const refusals: [what: string, answer: string, error: RegExp][] = [
    [
      'for a batch it never had',
      `say({ ...batch, batch: 'another' })`,
      /answered for batch "another", late, twice or never asked: the batch in hand is /,
    ],
    [
      'with a range of another partition',
      `say({ ...batch, ranges: [{ ...batch.ranges[0], partition: 9 }] })`,
      /acknowledged "orders-9 \[0, 3\)", which is not of its batch/,
    ],
    [
      'with a range that reaches further',
      `say({ ...batch, ranges: [{ ...batch.ranges[0], untilOffset: 4 }] })`,
      /acknowledged "orders-0 \[0, 4\)", which is not of its batch/,
    ],
    [
      'with some of the ranges',
      `say({ ...batch, ranges: [batch.ranges[0]] })`,
      /acknowledged only some of its batch's ranges: orders-1 \[0, 3\) is not among them/,
    ],
    ['without ranges', `say({ batch: batch.batch })`, /no acknowledgement of a batch and its ranges: "\{\\"batch/],
    [
      'that is no JSON',
      `process.stdout.write('handled 3 records\\n')`,
      /a line on its standard output that is no JSON: "handled 3 records"/,
    ],
    ['that is an empty line', `process.stdout.write('\\n')`, /no JSON: ""/],
    [
      'that never ends',
      `for (;;) await new Promise((resolve) => process.stdout.write('x'.repeat(65536), resolve))`,
      /wrote a line that is too long for an answer/,
    ],
  ]
  for (const [what, answer, expected] of refusals) {
    it(`${what} is refused, and the process is killed`, async () => {
      const { command, notes } = scene.script(`
        for await (const { batch: id, ranges } of batches) {
          const batch = { batch: id, ranges }
          const isFirst = !existsSync(process.argv[2] + '.first')
          writeFileSync(process.argv[2] + '.first', '')
          note(process.pid)
          if (isFirst) { ${answer} }
          done(batch)
        }`)
      const { handler } = scene.exec(command)
      const error = await failureOf(handler(batchOf([0, 1])))
      assert.match(error.message, expected)
      assert.match(error.message, /; it was killed$/)
      await handler(batchOf([0, 1]))
      assert.equal(new Set(notes()).size, 2, 'another process took the next batch')
    })
  }

  it('that comes before all of the batch was read is refused', async () => {
    const { command } = scene.script(`
      process.stdin.once('data', (chunk) => {
        process.stdin.pause()
        const head = String(chunk).split(',"records":')[0] + '}'
        process.stdout.write(head + '\\n')
      })`)
    const { handler } = scene.exec(command)
    const error = await failureOf(handler(batchOf([0], 100_000)))
    assert.match(error.message, /answered for a batch before it had read all of it/)
  })

  it('twice at once counts once, and the next batch starts another process', async () => {
    const { command, notes } = scene.script(
      `for await (const { batch, ranges } of batches) { note(process.pid); say({ batch, ranges }, { batch, ranges }) }`,
    )
    const { handler } = scene.exec(command)
    await handler(batchOf([0]))
    await handler(batchOf([0], 3, 3))
    assert.equal(new Set(notes()).size, 2)
    assert.match(
      scene.lines.join('\n'),
      /late, twice or never asked: it has no batch in hand; it is killed, and the next batch starts another/,
    )
  })

  it('for the batch before fails the batch in hand', async () => {
    const { command } = scene.script(`
      let before
      for await (const { batch, ranges } of batches) {
        say({ batch: before ?? batch, ranges })
        before = batch
      }`)
    const { handler } = scene.exec(command)
    await handler(batchOf([0]))
    assert.match((await failureOf(handler(batchOf([0])))).message, /late, twice or never asked: the batch in hand is/)
  })

  it('to an attempt that was given up never counts for the next one', async () => {
    const { command, notes } = scene.script(`
      const late = process.argv[2] + '.late'
      for await (const { batch, ranges } of batches) {
        note(batch)
        if (!existsSync(late)) writeFileSync(late, JSON.stringify({ batch, ranges }))
        else process.stdout.write((await import('node:fs')).readFileSync(late) + '\\n')
      }`)
    const { handler } = scene.exec(command, { timeoutMs: 500 })
    const batch = batchOf([0])
    assert.match((await failureOf(handler(batch))).message, /did not acknowledge its batch within 0.5 s/)
    assert.match((await failureOf(handler(batch))).message, /answered for batch .*, late, twice or never asked/)
    assert.equal(new Set(notes()).size, 2, 'each attempt has an ID of its own')
  })
})
