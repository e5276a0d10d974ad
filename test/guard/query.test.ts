import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { waitFor } from '../../lab/wait.ts'
import type { Running } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

/**
 * A query that only writes its checkpoint, as Spark does: `batch N OFFSETS` plans and commits one, `await_go NAME` waits for a file. What real
 * Spark does is in test/spark/guard.test.ts; here is what would take it minutes.
 */
const prelude = `
mkdir -p $checkpoint/offsets $checkpoint/commits
echo '{"id":"d37d5c0e-0000-4000-8000-000000000000"}' > $checkpoint/metadata
put() { printf "$2" > $checkpoint/.tmp && mv $checkpoint/.tmp $checkpoint/$1; }
batch() { put offsets/$1 'v1\\n{"batchWatermarkMs":0,"batchTimestampMs":1795367325738,"conf":{}}\\n'"$2"; put commits/$1 'v1\\n{"nextBatchWatermarkMs":0}'; }
await_go() { touch $checkpoint/ready.$1; while ! test -e $checkpoint/go.$1; do sleep 0.05; done; }
`

describe('guard follows a checkpoint', () => {
  const at = servers()

  function guard(name: string, body: string, ...options: string[]): Running {
    const checkpoint = join(at().directory, `${name}.checkpoint`)
    const file = join(at().directory, `${name}.sh`)
    writeFileSync(file, `checkpoint=${checkpoint}\n${prelude}${body}`)
    return at().start('guard', '--group', name, '--topic', name, '--checkpoint', checkpoint, ...options, '--', 'sh', file)
  }

  async function ready(name: string, what: string): Promise<void> {
    await waitFor(what, () => existsSync(join(at().directory, `${name}.checkpoint`, `ready.${what}`)))
  }

  function go(name: string, what: string): void {
    writeFileSync(join(at().directory, `${name}.checkpoint`, `go.${what}`), '')
  }

  async function stored(group: string, partition: number): Promise<string | undefined> {
    return (await at().stranger.get(`/consumers/${group}/offsets/${group}/${partition}`))?.data?.toString()
  }

  async function untilStored(group: string, partition: number, offset: string): Promise<void> {
    await waitFor(`${group}-${partition} to stand at ${offset}`, async () => (await stored(group, partition)) === offset)
  }

  it('takes a partition that a batch brings, and saves the last batch when the query ends at once after it', async () => {
    await at().filled('grows', { partitions: 2 })
    const running = guard(
      'grows',
      `batch 0 '{"grows":{"0":3}}'; await_go on; batch 1 '{"grows":{"0":5,"1":4}}'; batch 2 '{"grows":{"0":6,"1":9}}'; exit 4`,
    )
    await untilStored('grows', 0, '3')
    go('grows', 'on')
    const { code, stderr } = await running.ended
    assert.equal(code, 4, stderr)
    assert.deepEqual([await stored('grows', 0), await stored('grows', 1)], ['6', '9'])
  })

  it('that says one thing while the store says another: the checkpoint counts, and the query goes on', async () => {
    await at().filled('moved')
    const running = guard('moved', `batch 0 '{"moved":{"0":3}}'; await_go on; batch 1 '{"moved":{"0":7}}'; await_go end`)
    await untilStored('moved', 0, '3')
    await at().commit('moved', 'moved', 0, '9')
    go('moved', 'on')
    await untilStored('moved', 0, '7')
    go('moved', 'end')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.match(stderr, /another program moved the offset .* The checkpoint counts: the store is set to it again/)
  })

  it('of a topic that is made anew while the query runs: that is stopped, moved and started again', async () => {
    await at().filled('anew')
    const log = join(at().directory, 'anew.starts')
    const first = `batch 0 '{"anew":{"0":3}}'; await_go on; batch 1 '{"anew":{"0":8}}'; sleep 100`
    const running = guard(
      'anew',
      `echo "$TIDEMARK_STARTING_OFFSETS" >> ${log}; if test -e $checkpoint/commits/1; then exit 0; fi; ${first}`,
    )
    await untilStored('anew', 0, '3')
    await ready('anew', 'on')
    await at().admin.recreateTopic('anew')
    await at().admin.produce(Array.from({ length: 20 }, (_, index) => ({ topic: 'anew', partition: 0, value: `new.${index}` })))
    go('anew', 'on')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.match(stderr, /the command was stopped: .*was made anew.*; reconciling and starting it again, 1 of 3/)
    assert.match(stderr, /anew-0 was recreated: moved from 8 to 0/)
    assert.equal(readFileSync(log, 'utf8'), '{"anew":{"0":0}}\n{"anew":{"0":0}}\n')
    assert.equal(await stored('anew', 0), '0')
  })
})
