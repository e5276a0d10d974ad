import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { waitFor } from '../../lab/wait.ts'
import { servers } from './servers.ts'

/** What these tests read of the JSON documents. */
interface Document {
  version: number
  verb: string
  partitions: Record<string, unknown>[]
  rows: Record<string, unknown>[]
  [field: string]: unknown
}

function parse(stdout: string): Document {
  return JSON.parse(stdout) as Document
}

describe('the verbs on real servers', () => {
  const at = servers()

  /** A group whose offsets, kept by another program, fit the log in every way they can. */
  async function troubled(group: string): Promise<string> {
    const topic = `${group}-topic`
    await at().filled(topic, { partitions: 5 })
    await at().admin.deleteRecords(topic, 0, 6)
    for (const [partition, value] of ['4', '25', '7', 'seven'].entries()) await at().commit(group, topic, partition, value)
    return topic
  }

  it('check finds what is wrong, and writes nothing', async () => {
    const topic = await troubled('billing')
    const found = await at().znodes()
    const { code, stdout, stderr } = await at().tidemark('check', '--group', 'billing', '--topic', topic, '-o', 'json')
    assert.deepEqual([code, stderr], [3, ''])
    const { version, verb, partitions } = parse(stdout)
    assert.deepEqual([version, verb], [1, 'check'])
    const columns = ['committedOffset', 'logStartOffset', 'logEndOffset', 'lag', 'verdict']
    assert.deepEqual(
      partitions.map((row) => columns.map((column) => row[column])),
      [
        [4, 6, 10, 6, 'expired'],
        [25, 0, 10, 0, 'ahead'],
        [7, 0, 10, 3, 'valid'],
        [null, 0, 10, null, 'corrupt'],
        [null, 0, 10, null, 'missing'],
      ],
    )
    assert.deepEqual(Object.keys(partitions[0] ?? {}), [
      'group',
      'topic',
      'partition',
      'committedOffset',
      'logStartOffset',
      'logEndOffset',
      'lag',
      'verdict',
      'evidence',
    ])
    assert.deepEqual(partitions[0]?.['evidence'], [
      'the offset 4 is below the log start 6: at most 2 records were removed before they were read',
    ])
    assert.deepEqual(await at().znodes(), found)
  })

  it('check shows the same as text and as CSV, without --topic all that is stored', async () => {
    const topic = await troubled('shipping')
    const text = await at().tidemark('check', '--group', 'shipping')
    const [header, ...rows] = text.stdout.trimEnd().split('\n')
    assert.match(header ?? '', /^GROUP +TOPIC +PARTITION +CURRENT-OFFSET +LOG-START-OFFSET +LOG-END-OFFSET +LAG +VERDICT +EVIDENCE$/)
    assert.match(rows[3] ?? '', /^shipping +shipping-topic +3 +- +0 +10 +- +corrupt +the stored value "seven" is no offset/)
    assert.equal(rows.length, 4, 'the fifth partition is stored nowhere')
    const csv = await at().tidemark('check', '--group', 'shipping', '--topic', `${topic}:0,2`, '-o', 'csv')
    const [first, expired, valid] = csv.stdout.split('\r\n')
    assert.equal(first, 'GROUP,TOPIC,PARTITION,CURRENT-OFFSET,LOG-START-OFFSET,LOG-END-OFFSET,LAG,VERDICT,EVIDENCE')
    assert.match(expired ?? '', /^shipping,shipping-topic,0,4,6,10,6,expired,the offset 4 /)
    assert.match(valid ?? '', /^shipping,shipping-topic,2,7,0,10,3,valid,identity not stored/)
    assert.deepEqual([text.code, csv.code], [3, 3])
  })

  it('check of all groups shows each one', async () => {
    await troubled('one')
    await troubled('two')
    const { stdout } = await at().tidemark('check', '--all-groups', '-o', 'json')
    const groups = new Set(parse(stdout).partitions.map(({ group }) => group))
    assert.ok(groups.has('one') && groups.has('two'))
  })

  it('check of a topic that is gone is a finding, and does not create it again', async () => {
    await at().filled('passing')
    await at().commit('mourning', 'passing', 0, '3')
    await at().admin.deleteTopic('passing')
    const { code, stdout } = await at().tidemark('check', '--group', 'mourning', '-o', 'json')
    assert.deepEqual([code, parse(stdout).partitions[0]?.['verdict']], [3, 'orphaned'])
    const second = await at().tidemark('check', '--group', 'mourning', '--topic', 'passing')
    assert.match(second.stdout, /orphaned/)
    assert.equal((await at().tidemark('check', '--group', 'nobody', '--topic', 'passing')).code, 1, 'still there is no such topic')
  })

  it('repair shows its plan and moves nothing', async () => {
    await troubled('careful')
    const found = await at().znodes()
    for (const args of [[], ['--dry-run']]) {
      const { code, stdout, stderr } = await at().tidemark('repair', '--group', 'careful', ...args)
      assert.equal(code, 3)
      assert.match(stdout, /PRIOR-OFFSET +NEW-OFFSET .*SKIPPED +REREAD/)
      assert.match(stdout, /careful +careful-topic +0 +4 +6 +6 +2 +0 +expired +earliest +move /)
      assert.match(stdout, /careful +careful-topic +1 +25 +0 +0 +0 +10 +ahead +earliest +move /)
      assert.match(stderr, /2 of 4 partitions to move; at most 2 records skipped and 10 read again; nothing was written; add --execute/)
    }
    assert.deepEqual(await at().znodes(), found)
  })

  it('repair --execute moves what the policy moves, leaves the rest, and writes down what that cost', async () => {
    const topic = await troubled('bold')
    const done = await at().tidemark('repair', '--group', 'bold', '--policy', 'expired=earliest,ahead=fail', '--execute', '-o', 'json')
    assert.equal(done.code, 3, 'somebody has to look at the others')
    const document = parse(done.stdout)
    assert.deepEqual([document['executed'], document['skipped'], document['reread']], [true, 2, 0])
    assert.deepEqual(
      document.partitions.map(({ outcome, priorOffset, newOffset }) => [outcome, priorOffset, newOffset]),
      [
        ['moved', 4, 6],
        ['fail', 25, null],
        ['none', 7, null],
        ['fail', null, null],
      ],
    )
    const znodes = await at().znodes(`/consumers/bold/offsets/${topic}`)
    assert.deepEqual(Object.values(znodes).slice(1), ['6', '25', '7', 'seven'], 'as an old job reads them')
    const ledger = parse((await at().tidemark('ledger', '--group', 'bold', '-o', 'json')).stdout)
    const [{ at: time, actor, evidence, ...row } = {}] = ledger.rows
    assert.deepEqual(row, {
      group: 'bold',
      topic,
      partition: 0,
      verdict: 'expired',
      action: 'earliest',
      from: 4,
      to: 6,
      skipped: 2,
      reread: 0,
    })
    assert.ok(Date.now() - Date.parse(String(time)) < 600_000 && /@/.test(String(actor)) && Array.isArray(evidence))
  })

  it('repair twice is repair once', async () => {
    await troubled('twice')
    const policy = ['--policy', 'corrupt=earliest', '--execute']
    assert.equal((await at().tidemark('repair', '--group', 'twice', ...policy)).code, 0)
    const found = await at().znodes()
    const again = await at().tidemark('repair', '--group', 'twice', ...policy)
    assert.match(again.stderr, /moved 0 of 4 partitions/)
    assert.equal(again.code, 0)
    assert.deepEqual(await at().znodes(), found)
    assert.equal((await at().tidemark('check', '--group', 'twice')).code, 0)
  })

  it('repair beyond a limit prints the plan instead of applying it', async () => {
    await troubled('limited')
    const found = await at().znodes()
    const { code, stdout, stderr } = await at().tidemark('repair', '--group', 'limited', '--max-reread', '9', '--execute')
    assert.equal(code, 3)
    assert.match(stdout, /limited-topic +1 +25 +0 .* move /)
    assert.match(
      stderr,
      /^tidemark: LIMIT_EXCEEDED: the plan reads again at most 10 records, and maxReread allows 9 \(group limited\)\. [^\n]*$/m,
    )
    assert.deepEqual(await at().znodes(), found)
    const preview = await at().tidemark('repair', '--group', 'limited', '--max-reread', '9')
    assert.match(preview.stderr, /beyond maxReread 9 and would not be applied/)
  })

  it('repair of a recreated topic starts the new one', async () => {
    await at().filled('phoenix')
    await at().tidemark('reset', '--group', 'reborn', '--topic', 'phoenix', '--to-offset', '5', '--execute')
    await at().admin.recreateTopic('phoenix')
    await at().admin.produce(Array.from({ length: 10 }, (_, index) => ({ topic: 'phoenix', partition: 0, value: `new ${index}` })))
    const check = await at().tidemark('check', '--group', 'reborn', '-o', 'json')
    assert.deepEqual([check.code, parse(check.stdout).partitions[0]?.['verdict']], [3, 'recreated'])
    const { code, stdout } = await at().tidemark('repair', '--group', 'reborn', '--execute')
    assert.equal(code, 0)
    assert.match(stdout, /phoenix +0 +5 +0 +5 +unknown +0 +recreated +earliest +moved/)
  })

  it('a vanished offset is lost, not new', async () => {
    await at().filled('keys')
    await at().tidemark('reset', '--group', 'forgetful', '--topic', 'keys', '--to-offset', '5', '--execute')
    await at().stranger.remove('/consumers/forgetful/offsets/keys/0')
    const { code, stdout } = await at().tidemark('repair', '--group', 'forgetful', '--topic', 'keys', '--execute')
    assert.equal(code, 3)
    assert.match(stdout, /keys +0 +- +- +- +- +- +lost +fail +fail/)
  })

  describe('reset', () => {
    const topic = 'dated'
    before(async () => {
      await at().filled(topic, { partitions: 2, since: Date.UTC(2026, 0, 1) })
      await at().admin.deleteRecords(topic, 0, 2)
    })

    for (const [target, to] of [
      [['--to-earliest'], [2, 0]],
      [['--to-latest'], [10, 10]],
      [
        ['--to-offset', '7'],
        [7, 7],
      ],
      [
        ['--to-offset', '0'],
        [2, 0],
      ],
      [
        ['--shift-by', '-3'],
        [2, 2],
      ],
      [
        ['--shift-by', '3'],
        [8, 8],
      ],
      [
        ['--to-datetime', '2026-01-01T00:00:00.070'],
        [7, 7],
      ],
      [
        ['--to-datetime', '2026-01-01T01:00:00.070+01:00'],
        [7, 7],
      ],
      [
        ['--to-datetime', '2025-01-01T00:00:00.000'],
        [2, 0],
      ],
      [
        ['--by-duration', 'PT1S'],
        [10, 10],
      ],
      [
        ['--by-duration', '36500d'],
        [2, 0],
      ],
    ] as const) {
      it(`${target.join(' ')} moves as Kafka's own tool does`, async () => {
        const group = `reset-${target.join('').replaceAll(/[^\w-]/g, '')}`
        for (const partition of [0, 1]) await at().commit(group, topic, partition, '5')
        const preview = await at().tidemark('reset', '--group', group, ...target, '-o', 'json')
        assert.equal(preview.code, 0)
        assert.deepEqual(
          parse(preview.stdout).partitions.map(({ newOffset }) => newOffset),
          to,
        )
        assert.deepEqual(Object.values(await at().znodes(`/consumers/${group}/offsets/${topic}`)).slice(1), ['5', '5'])
        const done = await at().tidemark('reset', '--group', group, ...target, '--execute', '-o', 'json')
        assert.equal(done.code, 0)
        assert.deepEqual(Object.values(await at().znodes(`/consumers/${group}/offsets/${topic}`)).slice(1), to.map(String))
        assert.deepEqual(
          parse(done.stdout).partitions.map(({ skipped, reread }) => [skipped, reread]),
          to.map((offset) => [Math.max(0, offset - 5), Math.max(0, 5 - offset)]),
        )
      })
    }
  })

  it('explain shows the stored position, the facts, every test, the verdict and each action', async () => {
    const topic = await troubled('curious')
    const text = await at().tidemark('explain', 'curious', topic, '0')
    assert.equal(text.code, 3)
    assert.match(text.stdout, /committed offset +4\n[^]*log start offset +6\n/)
    assert.match(
      text.stdout,
      /corrupt +no: the stored value is the offset 4\n[^]*expired +YES: the offset 4 is below the log start 6[^]*ahead +not evaluated\n/,
    )
    assert.match(text.stdout, /earliest +moves to 6; at most 2 records skipped, at most 0 read again \[default\]\n/)
    assert.match(text.stdout, /fail +moves nothing: somebody has to look\n/)
    const json = parse((await at().tidemark('explain', 'curious', topic, '0', '-o', 'json')).stdout)
    const actions = json['actions'] as { action: string; outcome: string; to: number | null }[]
    assert.deepEqual(
      actions.map(({ action, outcome, to }) => [action, outcome, to]),
      [
        ['earliest', 'move', 6],
        ['latest', 'move', 10],
        ['nearest', 'move', 6],
        ['time', 'move', 10],
        ['keep', 'keep', null],
        ['fail', 'fail', null],
      ],
    )
    const csv = await at().tidemark('explain', 'curious', topic, '0', '-o', 'csv')
    assert.match(csv.stdout, /^SECTION,NAME,VALUE\r\nPartition,group,curious\r\n/)
  })

  it('ledger lists by group, topic and time', async () => {
    await at().filled('books', { partitions: 2 })
    await at().tidemark('reset', '--group', 'clerk', '--topic', 'books', '--to-latest', '--execute')
    const rows = async (...args: string[]): Promise<number> =>
      parse((await at().tidemark('ledger', '-o', 'json', ...args)).stdout).rows.length
    assert.deepEqual(
      [
        await rows('--group', 'clerk'),
        await rows('--topic', 'books:1'),
        await rows('--group', 'clerk', '--since', '1h'),
        await rows('--group', 'clerk', '--since', '2100-01-01T00:00:00.000'),
      ],
      [2, 1, 2, 0],
    )
    const csv = await at().tidemark('ledger', '--group', 'clerk', '-o', 'csv')
    assert.match(
      csv.stdout,
      /^AT,GROUP,TOPIC,PARTITION,VERDICT,ACTION,FROM,TO,SKIPPED,REREAD,ACTOR,EVIDENCE\r\n[^,]+,clerk,books,0,missing,to-latest,,10,10,0,/,
    )
  })

  it('a reader that goes away does not make it fail', async () => {
    await troubled('brief')
    const running = at().start('check', '--group', 'brief')
    running.process.stdout?.destroy()
    const { code, stderr } = await running.ended
    assert.deepEqual([code, stderr], [3, ''])
  })

  it('Ctrl-C ends a check at once', async () => {
    const running = at().start('check', '--group', 'brief', '--bootstrap-server', '127.0.0.1:9', '--timeout', '5m')
    running.process.kill('SIGINT')
    const { signal, stderr } = await running.ended
    assert.deepEqual([signal, stderr], ['SIGINT', ''])
  })

  describe('run', () => {
    function handler(name: string, body: string): string {
      const path = join(at().directory, `${name}.mjs`)
      writeFileSync(path, body)
      return path
    }

    it('hands the records to the handler, saves the offsets after it, and says what it did', async () => {
      await at().filled('work', { partitions: 2 })
      handler(
        'echo',
        'export default async (batch) => { for (const { topic, partition, offset, value } of batch.records) console.error(`got ${topic}-${partition}@${offset}=${value}`) }',
      )
      const args = ['run', '--group', 'worker', '--topic', 'work', '--handler', './echo.mjs', '--until-end', '--max-records', '7']
      const { code, stdout, stderr } = await at().tidemark(...args)
      assert.equal(code, 0)
      assert.equal(stderr.match(/^got /gm)?.length, 20)
      assert.match(stdout, /^20 records handled in \d+ batches, work-\d 0 to 10, work-\d 0 to 10\n$/)
      assert.deepEqual(Object.values(await at().znodes('/consumers/worker/offsets/work')).slice(1), ['10', '10'])
      const again = await at().tidemark(...args, '-o', 'json')
      assert.deepEqual(
        [again.code, parse(again.stdout)],
        [0, { version: 1, verb: 'run', group: 'worker', records: 0, givenUp: 0, batches: 0, ranges: [] }],
      )
    })

    it('finishes the batch in hand when it is told to stop', async () => {
      await at().filled('slow')
      handler(
        'slow',
        'export default async () => { console.error("begun"); await new Promise((resolve) => setTimeout(resolve, 1_000)); console.error("finished") }',
      )
      const running = at().start('run', '--group', 'stopped', '--topic', 'slow', '--handler', './slow.mjs', '--max-records', '4')
      await waitFor('the first batch', () => running.written.stderr.includes('begun'))
      running.process.kill('SIGTERM')
      const { code, stdout, stderr } = await running.ended
      assert.equal(code, 0)
      assert.match(stderr, /SIGTERM: finishing the batch in hand[^]*finished/)
      assert.match(stdout, /^4 records handled in 1 batches, slow-0 0 to 4\n$/)
      assert.deepEqual(Object.values(await at().znodes('/consumers/stopped/offsets/slow')).slice(1), ['4'])
    })

    it('ends at once when it is told twice, the offset unmoved', async () => {
      await at().filled('stuck')
      handler('stuck', 'export default () => { console.error("begun"); return new Promise(() => setInterval(() => {}, 1_000)) }')
      const running = at().start('run', '--group', 'hasty', '--topic', 'stuck', '--handler', './stuck.mjs')
      await waitFor('the first batch', () => running.written.stderr.includes('begun'))
      running.process.kill('SIGINT')
      await waitFor('the first signal to be heard', () => running.written.stderr.includes('SIGINT'))
      running.process.kill('SIGINT')
      assert.equal((await running.ended).code, 130)
      assert.deepEqual(Object.values(await at().znodes('/consumers/hasty/offsets/stuck')).slice(1), ['0'])
    })

    it('refuses to start on what the policy refuses', async () => {
      const topic = await troubled('refused')
      handler('never', 'export default () => { console.error("called") }')
      const found = await at().znodes()
      const { code, stderr } = await at().tidemark(
        'run',
        '--group',
        'refused',
        '--topic',
        topic,
        '--handler',
        './never.mjs',
        '--policy',
        'ahead=fail',
      )
      assert.equal(code, 3)
      assert.match(stderr, /^tidemark: POLICY_FAIL: [^\n]+\n$/m)
      assert.doesNotMatch(stderr, /called/)
      const after = await at().znodes('/consumers/refused/offsets')
      for (const [path, value] of Object.entries(after)) assert.equal(value, found[path], path)
    })
  })
})
