import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { servers } from '../cli/servers.ts'

const dag = fileURLToPath(new URL('../../examples/airflow_dag.py', import.meta.url))
const bin = fileURLToPath(new URL('../../src/bin/tidemark.ts', import.meta.url))

/** As much of Airflow as the DAG names: its operator says its command, which is then run by a real bash. docs/spark.md tells of a run with Airflow itself. */
const airflow = {
  'airflow/sdk.py': 'from contextlib import nullcontext\ndef DAG(**settings): return nullcontext()\n',
  'airflow/providers/standard/operators/bash.py': 'def BashOperator(task_id, bash_command): print(bash_command)\n',
  'pendulum.py': 'def datetime(*when): pass\ndef duration(minutes): pass\n',
}

describe('the task of the Airflow example', () => {
  const at = servers()

  function put(name: string, text: string, mode = 0o644): void {
    const file = join(at().directory, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { mode })
  }

  /** Runs the task's command, with this for spark-submit. Its exit code, and what it wrote to stderr. */
  function task(sparkSubmit: string): { readonly code: number | null; readonly stderr: string } {
    for (const [name, text] of Object.entries(airflow)) put(name, text)
    put('bin/tidemark', `#!/bin/sh\nexec ${process.execPath} ${bin} "$@"\n`, 0o755)
    put('bin/spark-submit', `#!/bin/sh\n${sparkSubmit}\n`, 0o755)
    const python = { ...process.env, PYTHONPATH: at().directory, PYTHONDONTWRITEBYTECODE: '1' }
    const command = execFileSync('python3', [dag], { env: python, encoding: 'utf8' })
      .trim()
      .replace('zk:2181', at().zooKeeper.connectString)
    const path = [join(at().directory, 'bin'), process.env['PATH']].join(delimiter)
    const env = { BROKERS: at().kafka.bootstrapServers, PATH: path }
    const { status, stderr } = spawnSync('bash', ['-c', command], { cwd: at().directory, env, encoding: 'utf8' })
    return { code: status, stderr }
  }

  it('fails as its job does, and does the same ranges when Airflow tries it again', async () => {
    await at().filled('orders', { partitions: 2, records: 30 })
    const failed = task('echo "$@" >> jobs; exit 7')
    assert.equal(failed.code, 7, failed.stderr)
    const again = task('echo "$@" >> jobs')
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, /doing again what was planned before the last stop: 60 offsets: orders-0 \[0, 30\), orders-1 \[0, 30\)/)
    const job = `/jobs/batch.py ${at().kafka.bootstrapServers} s3a://lake/orders`
    assert.deepEqual(readFileSync(join(at().directory, 'jobs'), 'utf8').trim().split('\n'), [job, job])
    const { stdout } = await at().tidemark('check', '--group', 'billing', '-o', 'csv')
    assert.match(stdout, /^billing,orders,0,30,0,30,0,valid,.*\r\nbilling,orders,1,30,0,30,0,valid,/m)
  })
})
