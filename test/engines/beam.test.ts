import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { exampleCommand } from '../../lab/engines.ts'
import { waitFor } from '../../lab/wait.ts'
import { servers } from '../cli/servers.ts'
import { pidOfJob } from './reporting-job.ts'

const BEAM_MS = 180_000

describe('a Beam pipeline, its offsets in ZooKeeper', () => {
  const at = servers()
  let command: readonly string[]

  before(async () => {
    const [java = '', ...words] = await exampleCommand('beam', 'OrdersBatch', join(at().directory, 'classes'))
    // KafkaIO says when it begins to read.
    const saysMore = '-Dorg.slf4j.simpleLogger.log.org.apache.beam.sdk.io.kafka.ReadFromKafkaDoFn=info'
    command = [java, saysMore, ...words, at().kafka.bootstrapServers, 'lake']
  })

  const words = ['step', '--group', 'lake', '--topic', 'orders', '--max-records', '100000', '--']

  /** What the sink holds. */
  function ids(): string[] {
    const sink = join(at().directory, 'lake')
    const files = readdirSync(sink).filter((file) => file.endsWith('.txt'))
    return files.flatMap((file) => readFileSync(join(sink, file), 'utf8').split('\n').slice(0, -1))
  }

  it('has each id in its sink once: killed -9 in the middle, then before the save, and done again, up to a marker that no record follows', async () => {
    await at().filled('orders', { partitions: 3, records: 5_000 })
    const inTransaction = (value: string) => [{ topic: 'orders', partition: 1, value }]
    await at().admin.transact('kept', inTransaction('1.kept'), 'commit')
    await at().admin.transact('dropped', inTransaction('1.dropped'), 'abort')

    const running = at().start(...words, ...command)
    await waitFor('the pipeline to read', () => /Creating Kafka consumer/.test(running.written.stderr), BEAM_MS)
    process.kill(pidOfJob(running), 'SIGKILL')
    const { code, stderr } = await running.ended
    assert.equal(code, 137, stderr)
    const killed = await at().tidemark(...words, 'sh', '-c', `${command.join(' ')} && kill -9 $PPID`)
    assert.equal(killed.signal, 'SIGKILL', killed.stderr)
    const again = await at().tidemark(...words, ...command)
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, /doing again what was planned before the last stop: 15004 offsets/)

    const produced = [0, 1, 2].flatMap((partition) => Array.from({ length: 5_000 }, (_, offset) => `${partition}.${offset}`))
    assert.deepEqual(ids().toSorted(), [...produced, '1.kept'].toSorted())
  })
})
