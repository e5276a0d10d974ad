import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sparkEnvironment } from '../../lab/spark.ts'
import type { SparkVersion } from '../../lab/spark.ts'
import { start } from '../cli/command.ts'
import type { Ended } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

const batch = join(import.meta.dirname, '../../examples/spark/batch.py')

describe('tidemark step with a PySpark batch', () => {
  const at = servers()

  /** A step whose command is what a shell makes of this line, in one version of Spark. */
  async function step(version: SparkVersion, options: readonly string[], line: string): Promise<Ended> {
    const settings = { TIDEMARK_BOOTSTRAP_SERVER: at().kafka.bootstrapServers, TIDEMARK_STORE: at().store }
    const words = ['step', '--group', 'lake', '--topic', 'orders', ...options, '--', 'sh', '-c', line]
    return start(words, { cwd: at().directory, env: { ...settings, ...(await sparkEnvironment(version)) } }).ended
  }

  /** What the sink holds: the values of all folders. */
  function ids(): string[] {
    const sink = join(at().directory, 'lake')
    const files = readdirSync(sink, { recursive: true, encoding: 'utf8' }).filter((file) => /part-[^/]*\.txt$/.test(file))
    return files.flatMap((file) => readFileSync(join(sink, file), 'utf8').split('\n').slice(0, -1))
  }

  it('has each id in its sink once: killed before the save, done again, and finished by another version of Spark', async () => {
    await at().filled('orders', { partitions: 3, records: 40 })
    // Transactions leave offsets without records, and an aborted one records that are none.
    const inTransaction = (value: string) => [{ topic: 'orders', partition: 1, value }]
    await at().admin.transact('kept', inTransaction('1.kept'), 'commit')
    await at().admin.transact('dropped', inTransaction('1.dropped'), 'abort')
    const job = `python3 ${batch} ${at().kafka.bootstrapServers} lake`

    const killed = await step('4.1.1', ['--max-records', '60'], `${job} && kill -9 $PPID`)
    assert.equal(killed.signal, 'SIGKILL', killed.stderr)
    assert.equal(ids().length, 60)
    const again = await step('4.1.1', ['--max-records', '1000'], job)
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, /doing again what was planned before the last stop: 60 offsets/)
    assert.equal(ids().length, 60)

    const rest = await step('4.2.0', ['--until-end', '--max-records', '1000'], job)
    assert.equal(rest.code, 0, rest.stderr)
    const produced = [0, 1, 2].flatMap((partition) => Array.from({ length: 40 }, (_, offset) => `${partition}.${offset}`))
    assert.deepEqual(ids().toSorted(), [...produced, '1.kept'].toSorted())
    const { stdout } = await at().tidemark('check', '--group', 'lake')
    assert.match(stdout, /orders +1 +44 +0 +44 +0 +valid/)
  })
})
