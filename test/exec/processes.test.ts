import assert from 'node:assert/strict'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { waitFor } from '../../lab/wait.ts'
import { TidemarkError } from '../../src/index.ts'
import { batchOf, failureOf, runs, Scene } from './scene.ts'

const scene = new Scene()
after(() => scene[Symbol.asyncDispose]())

describe('a process that ends', () => {
  it('fails its batch with its exit code and the last lines of its stderr, and is followed by another', async () => {
    const { command, notes } = scene.script(`
      for await (const batch of batches) {
        note(process.pid)
        if (batch.ranges[0].fromOffset === 0) {
          for (let line = 1; line <= 8; line++) console.error('line ' + line)
          process.exit(3)
        }
        done(batch)
      }`)
    const { handler } = scene.exec(command)
    const error = await failureOf(handler(batchOf([0])))
    assert.equal(error.message, 'process 1 ended with exit code 3; its last lines: line 4 | line 5 | line 6 | line 7 | line 8')
    await handler(batchOf([0], 3, 3))
    assert.equal(new Set(notes()).size, 2)
  })

  it('by a signal says which', async () => {
    const { command } = scene.script(`for await (const batch of batches) process.kill(process.pid, 'SIGKILL')`)
    assert.match(
      (await failureOf(scene.exec(`${command}; exit $?`).handler(batchOf([0])))).message,
      /^process 1 ended with exit code 137 \(SIGKILL\)/,
    )
    const direct = scene.exec(`exec ${command}`)
    assert.equal((await failureOf(direct.handler(batchOf([0])))).message, 'process 1 was ended by SIGKILL')
  })

  it('at once, each time, fails each batch', async () => {
    const { handler } = scene.exec('echo no such luck >&2; exit 7')
    for (let attempt = 0; attempt < 3; attempt++)
      assert.equal((await failureOf(handler(batchOf([0])))).message, 'process 1 ended with exit code 7; its last lines: no such luck')
  })

  it('between two batches is said, and followed by another', async () => {
    const { command } = scene.script(
      `for await (const batch of batches) { done(batch); if (batch.ranges[0].fromOffset === 0) process.exitCode = 9, process.stdin.destroy() }`,
    )
    const lines: string[] = []
    const { handler } = scene.exec(command, { onLine: (line) => lines.push(line) })
    await handler(batchOf([0]))
    await waitFor('its end to be said', () => lines.length > 0)
    assert.deepEqual(lines, ['exec 1: the process ended with exit code 9, between two batches; the next one starts another'])
    await handler(batchOf([0], 3, 3))
  })

  it('counts as done where it acknowledged first, even if what it started holds its pipes', async () => {
    const { handler } = scene.exec(`read -r line; sleep 1000 & printf '%s}\\n' "\${line%%,\\"records\\":*}"`)
    await handler(batchOf([0]))
  })

  it('or only closes its standard input fails a batch that it can no longer read', async () => {
    const { handler } = scene.exec('exec 0<&-; sleep 1000')
    assert.match((await failureOf(handler(batchOf([0], 100_000)))).message, /^process 1 closed its standard input/)
  })
})

describe('a command that can not be started', () => {
  async function codeOf(work: () => unknown): Promise<string> {
    const error = await failureOf((async () => work())())
    assert.ok(error instanceof TidemarkError, String(error))
    return `${error.code}: ${error.what}`
  }

  it('is refused before anything is read, where its name is plain', async () => {
    assert.equal(
      await codeOf(() => scene.exec('no-such-program --verbose')),
      `HANDLER_INVALID: the handler's command "no-such-program" is not to be found`,
    )
    assert.equal(await codeOf(() => scene.exec('  ')), `HANDLER_INVALID: the handler's command is empty`)
    assert.equal(await codeOf(() => scene.exec('cat', { processes: 0 })), 'USAGE: the number of processes is 0')
  })

  it('is told from one that fails, where only the shell knows', async () => {
    const file = join(scene.folder, 'not-executable')
    writeFileSync(file, '', { mode: 0o644 })
    assert.match(
      await codeOf(() => scene.exec('"./no-such-program"').handler(batchOf([0]))),
      /^HANDLER_INVALID: the handler's command ended with exit code 127; its last lines: .*not found/,
    )
    assert.match(await codeOf(() => scene.exec(`A=1 ${file}`).handler(batchOf([0]))), /^HANDLER_INVALID: .*126/)
  })

  it('takes a shell line as it is', async () => {
    const { command } = scene.script(`for await (const batch of batches) done(batch)`)
    await scene.exec(`cd / && A=1 ${command} 2>/dev/null`).handler(batchOf([0]))
  })
})

describe('standard error', () => {
  it('comes line by line, with the number of the process', async () => {
    const { command } = scene.script(`for await (const batch of batches) { process.stderr.write('one\\ntwo'); done(batch) }`)
    const lines: string[] = []
    const exec = scene.exec(command, { onLine: (line) => lines.push(line) })
    await exec.handler(batchOf([0]))
    await exec.close()
    assert.deepEqual(lines, ['exec 1: one', 'exec 1: two'])
  })

  for (const [what, write] of [
    ['50 MB in lines', `yes 0123456789012345678901234567890123456789012345678 | head -c 50000000`],
    ['50 MB in one line', `head -c 50000000 /dev/zero | tr '\\0' x`],
  ] as const) {
    it(`of ${what} holds nothing up, and no more than a piece of it is kept`, async () => {
      let bytes = 0
      let longest = 0
      const onLine = (line: string): void => {
        bytes += line.length - 'exec 1: '.length
        longest = Math.max(longest, line.length)
      }
      const exec = scene.exec(`read -r line; { ${write}; } >&2; printf '%s}\\n' "\${line%%,\\"records\\":*}"`, { onLine })
      await exec.handler(batchOf([0]))
      await exec.close()
      assert.ok(bytes >= 49_000_000 && bytes <= 50_000_000, `${bytes} bytes`)
      assert.ok(longest < 20_000, `a line of ${longest} characters`)
    })
  }
})

describe('several processes', () => {
  it('share a batch: a partition always goes to the same one, in order, and nothing goes twice', async () => {
    const { command, notes } = scene.script(`
      for await (const batch of batches) {
        for (const { partition, offset } of batch.records) note(process.pid + ' ' + partition + ' ' + offset)
        done(batch)
      }`)
    const { handler } = scene.exec(command, { processes: 3 })
    for (let from = 0; from < 50; from += 10) await handler(batchOf(from === 20 ? [2, 4] : [0, 1, 2, 3, 4, 5, 6], 10, from))
    const seen = notes().map((line) => line.split(' ').map(Number) as [number, number, number])
    assert.equal(new Set(seen.map(([pid]) => pid)).size, 3)
    for (let partition = 0; partition < 7; partition++) {
      const its = seen.filter((one) => one[1] === partition)
      assert.equal(new Set(its.map(([pid]) => pid)).size, 1, `partition ${partition} stays with one process`)
      const expected = Array.from({ length: 50 }, (_, offset) => offset).filter(
        (offset) => [2, 4].includes(partition) || offset < 20 || offset >= 30,
      )
      assert.deepEqual(
        its.map(([, , offset]) => offset),
        expected,
      )
    }
  })

  it('must all succeed; a batch fails when all have answered, with what each said', async () => {
    const { command, notes } = scene.script(`
      for await (const { batch, ranges } of batches) {
        const [{ partition }] = ranges
        if (partition === 2) await new Promise((resolve) => setTimeout(resolve, 300))
        note(partition)
        if (partition === 2) done({ batch, ranges })
        else say({ batch, error: 'no ' + partition })
      }`)
    const { handler } = scene.exec(command, { processes: 3 })
    const { message } = await failureOf(handler(batchOf([0, 1, 2])))
    assert.deepEqual(message.split('; ').toSorted(), ['no 0', 'no 1'])
    assert.deepEqual(notes().toSorted(), ['0', '1', '2'], 'none is left at work')
  })
})

describe('the end', () => {
  it('comes by the end of the input, and what is in hand is finished', async () => {
    const { command, notes } = scene.script(`
      for await (const batch of batches) done(batch)
      note('flushed')`)
    const exec = scene.exec(command)
    await exec.handler(batchOf([0]))
    await exec.close()
    assert.deepEqual(notes(), ['flushed'])
    assert.equal((await failureOf(exec.handler(batchOf([0])))).message, 'the handler was closed')
  })

  it('comes by SIGTERM or SIGKILL for those that will not, and for all that they started', async () => {
    const { command, notes } = scene.script(`
      import { spawn } from 'node:child_process'
      process.on('SIGTERM', () => note('asked'))
      note(spawn('sleep', ['1000']).pid)
      setInterval(() => {}, 1000)
      process.stdin.once('data', (chunk) => done(JSON.parse(chunk)))`)
    const exec = scene.exec(`trap '' TERM; ${command}; true`)
    await exec.handler(batchOf([0]))
    await exec.close()
    const [sleeper, asked] = notes()
    assert.equal(asked, 'asked')
    await waitFor('the grandchild to be gone', () => !runs(Number(sleeper)))
  })

  it('of a batch that the runner gave up comes with the next one', async () => {
    const { command, notes } = scene.script(`
      for await (const batch of batches) {
        note(process.pid)
        if (batch.ranges[0].fromOffset > 0) done(batch)
      }`)
    const { handler } = scene.exec(command)
    const given = failureOf(handler(batchOf([0])))
    await waitFor('the first one to be in hand', () => notes().length === 1)
    await handler(batchOf([0], 3, 3))
    assert.equal((await given).message, 'the batch was given up before it was acknowledged')
    await waitFor('the first process to be gone', () => !runs(Number(notes()[0])))
  })
})
