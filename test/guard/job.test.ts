import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { waitFor } from '../../lab/wait.ts'
import { servers } from '../cli/servers.ts'
import { runs } from '../exec/scene.ts'
import { plant } from '../store/zookeeper-scene.ts'

/** What every job of these tests starts with: `report P FROM UNTIL` says that a range is done. */
const prelude = `report() { echo '{"topic":"'$topic'","partition":'$1',"fromOffset":'$2',"untilOffset":'$3'}' >> "$TIDEMARK_DONE"; }\n`

describe('guard of a job that reports what it has done', () => {
  const lab = servers()

  function job(name: string, body: string): string[] {
    const file = join(lab().directory, `${name}.sh`)
    writeFileSync(file, `topic=${name}\n${prelude}${body}`)
    return ['guard', '--group', name, '--topic', name, '--', 'sh', file]
  }

  async function committed(group: string): Promise<Record<string, string>> {
    const znodes = await lab().znodes(`/consumers/${group}/offsets`)
    return Object.fromEntries(Object.entries(znodes).flatMap(([path, data]) => (data === '' ? [] : [[path.split('/').slice(-1)[0], data]])))
  }

  async function ledger(group: string): Promise<{ verdict: string; from: number; to: number; partition: number }[]> {
    const { stdout } = await lab().tidemark('ledger', '--group', group, '-o', 'json')
    return (JSON.parse(stdout) as { rows: { verdict: string; from: number; to: number; partition: number }[] }).rows
  }

  it('gives it where to begin in three places, and saves what it reports until its end', async () => {
    await lab().filled('places', { partitions: 2 })
    await lab().commit('places', 'places', 1, '4')
    const command = job(
      'places',
      `echo "$TIDEMARK_STARTING_OFFSETS"; cat "$TIDEMARK_STARTING_OFFSETS_FILE"; echo; echo "$1"; report 0 0 3; report 1 4 10; report 0 3 3; report 0 3 7`,
    )
    const { code, stdout, stderr } = await lab().tidemark(...command, '{startingOffsets}')
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '{"places":{"0":0,"1":4}}\n'.repeat(3))
    assert.deepEqual(await committed('places'), { 0: '7', 1: '10' })
    assert.match(stderr, /the command ended with exit code 0; 13 offsets of 2 partitions saved/)
  })

  it('passes the exit code through, and saves what was reported before', async () => {
    await lab().filled('fails')
    const { code, stderr } = await lab().tidemark(...job('fails', 'report 0 0 6; exit 7'))
    assert.equal(code, 7, stderr)
    assert.deepEqual(await committed('fails'), { 0: '6' })
  })

  for (const [name, line, message] of [
    [
      'gap',
      'report 0 5 8',
      /RANGE_REFUSED: the range gap-0 \[5, 8\).* leaves a gap: the partition stands at 3.*\(group gap, topic gap, partition 0\)/,
    ],
    [
      'overlap',
      'report 0 2 8',
      /RANGE_REFUSED: the range overlap-0 \[2, 8\).* overlaps what is done: the partition stands at 3.*partition 0\)/,
    ],
    ['foreign', 'report 5 0 8', /RANGE_REFUSED: the range foreign-5 \[0, 8\).*topic foreign, partition 5\)/],
    ['beyond', 'report 0 3 11', /RANGE_REFUSED: the range beyond-0 \[3, 11\).* goes beyond the log end 10.*partition 0\)/],
    ['garbage', 'echo done >> "$TIDEMARK_DONE"', /RANGE_REFUSED: the job reported "done", which is no range \(group garbage/],
  ] as const) {
    it(`refuses a report that is ${name}, stops the job and exits with 1`, async () => {
      await lab().filled(name)
      const pidFile = join(lab().directory, `${name}.pid`)
      const command = job(
        name,
        `echo $$ > ${pidFile}; report 0 0 3; while ! test -e ${pidFile}.go; do sleep 0.05; done; ${line}; sleep 100`,
      )
      const running = lab().start(...command)
      await waitFor('the first report to be saved', async () => (await committed(name))['0'] === '3')
      writeFileSync(`${pidFile}.go`, '')
      const { code, stderr } = await running.ended
      assert.equal(code, 1, stderr)
      assert.match(stderr, message)
      assert.equal(runs(Number(readFileSync(pidFile, 'utf8'))), false)
      assert.deepEqual(await committed(name), { 0: '3' })
    })
  }

  it('keeps the offsets in the string of the article’s job too', async () => {
    await lab().filled('string', { partitions: 2 })
    await plant(lab().stranger, { path: '/spark/string/offsets/string', data: Buffer.from('1:4,0:2') })
    const store = `${lab().store}?layout=per-topic&path=/spark/{group}/offsets`
    const command = job('string', 'echo "$TIDEMARK_STARTING_OFFSETS"; report 0 2 5; report 1 4 10')
    const { code, stdout, stderr } = await lab().tidemark('guard', '--store', store, ...command.slice(1))
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '{"string":{"0":2,"1":4}}\n')
    const string = String((await lab().stranger.get('/spark/string/offsets/string'))?.data)
    assert.deepEqual(string.split(',').toSorted(), ['0:5', '1:10'])
  })

  it('reads a named pipe, and prints what was saved as JSON', async () => {
    await lab().filled('pipe')
    const pipe = join(lab().directory, 'pipe')
    execFileSync('mkfifo', [pipe])
    const command = job('pipe', 'echo to stderr; report 0 0 3; report 0 3 8')
    const { code, stdout, stderr } = await lab().tidemark('guard', '--done', pipe, '-o', 'json', ...command.slice(1))
    assert.equal(code, 0, stderr)
    const ranges = [{ topic: 'pipe', partition: 0, fromOffset: 0, untilOffset: 8 }]
    assert.deepEqual(JSON.parse(stdout), { version: 1, verb: 'guard', group: 'pipe', exitCode: 0, restarts: 0, ranges })
    assert.match(stderr, /to stderr/)
  })

  it('says so where the command can’t be started', async () => {
    await lab().filled('nothing')
    const { code, stderr } = await lab().tidemark('guard', '--group', 'nothing', '--topic', 'nothing', '--', './no-such-job')
    assert.equal(code, 2, stderr)
    assert.match(stderr, /HANDLER_INVALID: the command ".\/no-such-job" can't be started: it is not to be found/)
  })

  it('refuses to start on what the policy says fail about', async () => {
    await lab().filled('refused')
    await lab().commit('refused', 'refused', 0, '99')
    const file = join(lab().directory, 'refused.started')
    const command = job('refused', `touch ${file}`)
    const { code, stderr } = await lab().tidemark('guard', '--policy', 'ahead=fail', ...command.slice(1))
    assert.equal(code, 3, stderr)
    assert.match(stderr, /POLICY_FAIL: ahead/)
    assert.equal(existsSync(file), false)
    assert.deepEqual(await committed('refused'), { 0: '99' })
  })

  it('that died of an offset is reconciled and started again, and the ledger has the row', async () => {
    await lab().filled('died')
    const [started, go] = [join(lab().directory, 'died.started'), join(lab().directory, 'died.go')]
    // The first time it waits until its records are gone, and dies as a consumer does that finds no offset.
    const command = job(
      'died',
      `if test -e ${started}; then echo "$TIDEMARK_STARTING_OFFSETS"; report 0 8 10; exit 0; fi
       report 0 0 2; touch ${started}; while ! test -e ${go}; do sleep 0.05; done; exit 1`,
    )
    const running = lab().start(...command)
    await waitFor('the job to start', () => existsSync(started))
    await waitFor('its report to be saved', async () => (await committed('died'))['0'] === '2')
    await lab().admin.deleteRecords('died', 0, 8)
    writeFileSync(go, '')
    const { code, stdout, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '{"died":{"0":8}}\n')
    assert.match(stderr, /exit code 1, and its offsets disagree with the log: died-0 is expired: .* starting it again, 1 of 3/)
    assert.deepEqual(
      (await ledger('died')).map(({ verdict, from, to }) => ({ verdict, from, to })),
      [
        { verdict: 'missing', from: null, to: 0 },
        { verdict: 'expired', from: 2, to: 8 },
      ],
    )
    assert.deepEqual(await committed('died'), { 0: '10' })
  })

  it('that died of something else is not started again', async () => {
    await lab().filled('other')
    const file = join(lab().directory, 'other.starts')
    const { code } = await lab().tidemark(...job('other', `echo started >> ${file}; exit 3`))
    assert.equal(code, 3)
    assert.equal(readFileSync(file, 'utf8'), 'started\n')
  })

  it('is started again no more often than it may', async () => {
    await lab().filled('restarts')
    const file = join(lab().directory, 'restarts.starts')
    await lab().admin.deleteRecords('restarts', 0, 5)
    // Whoever moves its offset out of the log each time lets it die of an offset each time.
    const command = job('restarts', `echo started >> ${file}; sleep 1; exit 1`)
    const running = lab().start('guard', '--restarts', '1', ...command.slice(1))
    for (const count of [1, 2]) {
      await waitFor('the job to start', () => existsSync(file) && readFileSync(file, 'utf8').split('\n').length > count)
      await lab().commit('restarts', 'restarts', 0, '1')
    }
    const { code, stderr } = await running.ended
    assert.equal(code, 1, stderr)
    assert.equal(readFileSync(file, 'utf8'), 'started\nstarted\n')
    assert.match(stderr, /it was started again 1 times, and is no more/)
  })

  it('gets the signals of its guard, with all that it started, and decides how it ends', async () => {
    await lab().filled('signals')
    const pidFile = join(lab().directory, 'signals.pid')
    const command = job('signals', `trap 'report 0 0 4; exit 5' TERM; sleep 100 & echo $! > ${pidFile}; wait`)
    const running = lab().start(...command)
    await waitFor('the job to start', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8') !== '')
    running.process.kill('SIGTERM')
    const { code, stderr } = await running.ended
    assert.equal(code, 5, stderr)
    assert.deepEqual(await committed('signals'), { 0: '4' })
    await waitFor('its child to end too', () => !runs(Number(readFileSync(pidFile, 'utf8'))))
  })

  it('ends with its guard, also where that is killed with -9, and the next one begins where the store stands', async () => {
    await lab().filled('orphan')
    const pidFile = join(lab().directory, 'orphan.pid')
    const first = lab().start(...job('orphan', `report 0 0 4; echo $$ > ${pidFile}; sleep 100`))
    await waitFor('its report to be saved', async () => (await committed('orphan'))['0'] === '4')
    first.process.kill('SIGKILL')
    await first.ended
    await waitFor('the job to end', () => !runs(Number(readFileSync(pidFile, 'utf8'))))
    const { stdout, stderr } = await lab().tidemark(...job('orphan', 'echo "$TIDEMARK_STARTING_OFFSETS"'))
    assert.equal(stdout, '{"orphan":{"0":4}}\n', stderr)
  })

  it('goes on while the store is away, and what it reported meanwhile is saved when that is back', async () => {
    await lab().filled('away')
    const [started, stopped] = [join(lab().directory, 'away.started'), join(lab().directory, 'away.stopped')]
    const command = job(
      'away',
      `touch ${started}; while ! test -e ${stopped}; do sleep 0.05; done; report 0 0 4; report 0 4 9; touch ${stopped}.done`,
    )
    const running = lab().start(...command)
    await waitFor('the job to start', () => existsSync(started))
    await lab().zooKeeper.stop()
    writeFileSync(stopped, '')
    await waitFor('the job to have reported', () => existsSync(`${stopped}.done`))
    await waitFor('guard to say what it waits for', () => /waiting \d+ s for the store/.test(running.written.stderr))
    await lab().zooKeeper.start()
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.deepEqual(await committed('away'), { 0: '9' })
  })

  it('that runs elsewhere too, under another guard, is stopped: only one of them can save', async () => {
    await lab().filled('fenced')
    const [started, go] = [join(lab().directory, 'fenced.started'), join(lab().directory, 'fenced.go')]
    const first = lab().start(...job('fenced', `touch ${started}; while ! test -e ${go}; do sleep 0.05; done; report 0 0 4; sleep 100`))
    await waitFor('the first to start', () => existsSync(started))
    const second = await lab().tidemark('guard', '--group', 'fenced', '--topic', 'fenced', '--', 'sh', '-c', 'true')
    assert.equal(second.code, 0, second.stderr)
    writeFileSync(go, '')
    const { code, stderr } = await first.ended
    assert.equal(code, 1, stderr)
    assert.match(stderr, /FENCED: another worker/)
    assert.deepEqual(await committed('fenced'), { 0: '0' })
  })
})
