import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import { connect, openStore, run, type Log, type Store } from '../../src/index.ts'
import { linesOf, runs, Scene } from './scene.ts'

const examples = join(import.meta.dirname, '../../examples/exec')
const tidemark = join(import.meta.dirname, '../../src/bin/tidemark.ts')
const perPartition = 200

describe('run --exec', () => {
  const scene = new Scene()
  const storeUrl = `sqlite:${join(scene.folder, 'tidemark.db')}`
  let kafka: KafkaCluster
  let admin: LabAdmin
  let log: Log
  let store: Store

  before(async () => {
    kafka = await startKafka()
    admin = new LabAdmin(kafka.bootstrapServers)
    log = await connect({ bootstrapServers: kafka.bootstrapServers })
    store = await openStore(storeUrl)
  })
  after(async () => {
    await store.close()
    await log.close()
    await admin.close()
    await kafka.close()
    await scene[Symbol.asyncDispose]()
  })

  /** A topic of 4 partitions, its values `partition.offset`. */
  async function filled(topic: string): Promise<string> {
    await admin.createTopic(topic, { partitions: 4 })
    const records = ids().map((value) => ({ topic, partition: Number(value.split('.')[0]), value }))
    await admin.produce(records)
    return topic
  }

  function ids(): string[] {
    return [0, 1, 2, 3].flatMap((partition) => Array.from({ length: perPartition }, (_, offset) => `${partition}.${offset}`))
  }

  async function committed(topic: string): Promise<(number | null)[]> {
    const custody = await store.load(topic)
    return custody.map(({ stored }) => (stored.state === 'position' ? stored.position.offset : null))
  }

  /** Tidemark's own command line; `line` is what its shell would be given. */
  function start(topic: string, command: string, more: string[] = []) {
    const args = ['run', '--bootstrap-server', kafka.bootstrapServers, '--store', storeUrl, '--group', topic, '--topic', topic]
    const child = spawn(process.execPath, [tidemark, ...args, '--exec', command, ...more], { detached: true })
    let stderr = ''
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    return { child, pid: child.pid ?? 0, exited: once(child, 'exit'), stderr: () => stderr }
  }

  it('has each record in the file of the Python example once, three processes and two runs together', async () => {
    const topic = await filled('python')
    const file = join(scene.folder, 'python.txt')
    const command = `python3 ${join(examples, 'handler.py')} ${file}`
    const more = ['--processes', '3', '--max-records', '50', '--until-end']
    const first = start(topic, command, more)
    assert.deepEqual(await first.exited, [0, null], first.stderr())
    await admin.produce([{ topic, partition: 1, key: 'k', value: Buffer.from([0xff, 0x00]) }])
    const second = start(topic, command, more)
    assert.deepEqual(await second.exited, [0, null], second.stderr())
    const expected = ids().map((id) => `python ${id.replace('.', ' ')} ${id}`)
    const written = readFileSync(file, 'latin1').split('\n').slice(0, -1)
    assert.deepEqual(written.toSorted(), [...expected, `python 1 ${perPartition} \u00ff\u0000`].toSorted())
    assert.deepEqual(await committed(topic), [200, 201, 200, 200])
  })

  it('has each record in the file of the shell example once', async () => {
    const topic = await filled('shell')
    const file = join(scene.folder, 'shell.jsonl')
    const { exited, stderr } = start(topic, `sh ${join(examples, 'handler.sh')} ${file}`, ['--max-records', '100', '--until-end'])
    assert.deepEqual(await exited, [0, null], stderr())
    const values = linesOf(file).flatMap((line) => (JSON.parse(line) as { records: { value: string }[] }).records.map(({ value }) => value))
    assert.deepEqual(values.toSorted(), ids().toSorted())
  })

  it('runs the batch again when a process is killed with -9 in the middle of it, and that batch only', async () => {
    const topic = await filled('killed')
    const { command, notes } = scene.script(`
      import { randomInt } from 'node:crypto'
      for await (const batch of batches) {
        note('pid ' + process.pid + ' ' + batch.records.length)
        for (const [index, { value }] of batch.records.entries()) {
          note(value)
          if (index === 20 && !existsSync(process.argv[2] + '.killed')) {
            writeFileSync(process.argv[2] + '.killed', '')
            process.kill(process.pid, 'SIGKILL')
          }
        }
        done(batch)
      }`)
    const retries: string[] = []
    const exec = scene.exec(command)
    const onNotice = ({ kind, text }: { kind: string; text: string }): unknown => kind === 'retrying' && retries.push(text)
    const summary = await run(log, store, {
      group: topic,
      topics: [topic],
      maxRecords: 100,
      untilEnd: true,
      handler: exec.handler,
      onNotice,
    })
    await exec.close()
    assert.equal(summary.records, 4 * perPartition)
    const values = notes().filter((note) => !note.startsWith('pid'))
    assert.deepEqual([...new Set(values)].toSorted(), ids().toSorted())
    const twice = values.filter((id, index) => values.indexOf(id) !== index)
    assert.deepEqual(twice, values.slice(0, 21), 'only what the killed process had written before it was killed')
    assert.match(retries.join('\n'), /^the handler threw "process 1 .*SIGKILL.*attempt 2 of 4$/)
    assert.deepEqual(await committed(topic), [200, 200, 200, 200])
  })

  it('refuses a command that is not there before it takes any partition', async () => {
    const topic = await filled('nothing')
    const { exited, stderr } = start(topic, 'no-such-program')
    assert.deepEqual(await exited, [2, null])
    assert.match(stderr(), /HANDLER_INVALID: the handler's command "no-such-program" is not to be found/)
    assert.deepEqual(await committed(topic), [])
  })

  /** Writes its process ID, and waits with the first batch until the test lets it go. */
  function waiting() {
    return scene.script(`
      note(process.pid)
      for await (const batch of batches) {
        note('has ' + batch.records.length)
        while (!existsSync(process.argv[2] + '.go')) await new Promise((resolve) => setTimeout(resolve, 20))
        done(batch)
      }
      note('end of input')`)
  }

  it('finishes the batch in hand at a Ctrl-C, which the processes do not see', async () => {
    const topic = await filled('interrupted')
    const { command, notes } = waiting()
    const { pid, exited, stderr } = start(topic, command, ['--max-records', '100'])
    await waitFor('a batch in hand', () => notes().length === 2)
    process.kill(-pid, 'SIGINT')
    await waitFor('the signal to be heard', () => stderr().includes('SIGINT'))
    writeFileSync(`${command.split(' ').at(-1)}.go`, '')
    assert.deepEqual(await exited, [0, null], stderr())
    assert.deepEqual(notes().slice(1), ['has 100', 'end of input'])
    assert.deepEqual(
      (await committed(topic)).reduce<number>((sum, offset) => sum + (offset ?? 0), 0),
      100,
    )
  })

  it('leaves no process behind when it is killed with -9, even where they ignore the end of their input', async () => {
    const topic = await filled('orphaned')
    const { command, notes } = scene.script(`
      import { spawn } from 'node:child_process'
      note(process.pid)
      note(spawn('sleep', ['1000']).pid)
      process.on('SIGTERM', () => {})
      setInterval(() => {}, 1000)
      for await (const batch of batches) done(batch)`)
    const { child, exited } = start(topic, `${command}; true`, ['--processes', '2'])
    await waitFor('two processes and what they started', () => notes().length === 4)
    const pids = notes().map(Number)
    assert.ok(pids.every(runs))
    child.kill('SIGKILL')
    await exited
    await waitFor('all of them to end', () => !pids.some(runs))
  })
})
