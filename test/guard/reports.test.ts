import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TidemarkError } from '../../src/errors.ts'
import { openDoneFile } from '../../src/guard/done-file.ts'
import { parseReport } from '../../src/guard/reports.ts'

describe('a line that a job reports', () => {
  it('is a range', () => {
    const range = { topic: 'orders', partition: 0, fromOffset: 100, untilOffset: 150 }
    assert.deepEqual(parseReport(JSON.stringify(range)), range)
  })

  for (const [what, line] of [
    ['garbage', 'done!'],
    ['nothing', ''],
    ['a number as text', '{"topic":"orders","partition":"0","fromOffset":100,"untilOffset":101}'],
    ['an offset below 0', '{"topic":"orders","partition":0,"fromOffset":-2,"untilOffset":101}'],
    ['an offset beyond 2^53', '{"topic":"orders","partition":0,"fromOffset":100,"untilOffset":9007199254740993}'],
    ['a key that nobody knows', '{"topic":"orders","partition":0,"fromOffset":100,"untilOffset":101,"count":1}'],
    ['half a line', '{"topic":"orders","partition":0,"fromOffs'],
  ] as const) {
    it(`is refused where it is ${what}, and shown`, () => {
      assert.throws(
        () => parseReport(line),
        (error: TidemarkError) => error.code === 'RANGE_REFUSED' && error.message.includes(JSON.stringify(line)),
      )
    })
  }
})

describe('the file that a job reports to', () => {
  it('gives each line once, and one only when it is whole', async () => {
    await using done = await openDoneFile()
    appendFileSync(done.path, 'a\nb')
    assert.deepEqual(await done.read(), ['a'])
    appendFileSync(done.path, 'c\nd\n')
    assert.deepEqual(await done.read(), ['bc', 'd'])
    assert.deepEqual(await done.read(), [])
    assert.equal(done.rest(), undefined)
  })

  it('says what was left without a newline', async () => {
    await using done = await openDoneFile()
    appendFileSync(done.path, 'a\nunfinished')
    assert.deepEqual(await done.read(), ['a'])
    assert.equal(done.rest(), 'unfinished')
  })

  it('begins at the end of a file that is there already: what an earlier job reported counts for nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-guard-'))
    const path = join(folder, 'done')
    appendFileSync(path, 'old\n')
    await using done = await openDoneFile(path)
    appendFileSync(path, 'new\n')
    assert.deepEqual(await done.read(), ['new'])
    rmSync(folder, { recursive: true })
  })

  it('may be a named pipe, which its writers open and close as they like', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-guard-'))
    const path = join(folder, 'done')
    execFileSync('mkfifo', [path])
    await using done = await openDoneFile(path)
    assert.deepEqual(await done.read(), [])
    for (const word of ['a', 'b']) execFileSync('sh', ['-c', `echo ${word} >> "$1"`, 'sh', path])
    assert.deepEqual(await done.read(), ['a', 'b'])
    assert.deepEqual(await done.read(), [])
    rmSync(folder, { recursive: true })
  })
})
