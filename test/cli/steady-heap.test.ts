import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { bin, tidemark } from './command.ts'

/** Says of each process that begins, or begins once more, what it is. */
const tell = '--import=data:text/javascript,console.log(`<${[process.pid,process.execArgv.slice(0,-1),process.argv.slice(3)].join("|")}>`)'

function beginnings(stdout: string): { pid: string | undefined; nodeArgs: string | undefined; args: string | undefined }[] {
  return [...stdout.matchAll(/<(\d+)\|(.*)\|(.*)>/g)].map(([, pid, nodeArgs, args]) => ({ pid, nodeArgs, args }))
}

describe("a job's process", () => {
  it('begins once more with a steady heap, as the same process with the same words, streams and end', async () => {
    const words = ['run', '--group', 'nächte, zwei', '--handler', '', '--nonsense']
    const { code, stdout, stderr } = await tidemark(words, { nodeArgs: ['--no-warnings', tell] })
    const [first, second, ...more] = beginnings(stdout)
    assert.deepEqual(more, [])
    assert.deepEqual(
      [first?.nodeArgs, second?.nodeArgs],
      ['--no-warnings', '--min-semi-space-size=16,--max-semi-space-size=16,--initial-old-space-size=8,--no-warnings'],
    )
    assert.equal(second?.pid, first?.pid)
    assert.deepEqual([first?.args, second?.args], [words.slice(1).join(), words.slice(1).join()])
    assert.equal(code, 2)
    assert.match(stderr, /^tidemark: USAGE: unknown option '--nonsense'/, 'no warning of Node’s before it')
  })

  for (const [where, nodeArgs, env] of [
    ['as an argument', ['--max_semi_space_size=32']],
    ['in the environment', [], { NODE_OPTIONS: '--max-semi-space-size=16' }],
  ] as const) {
    it(`is as whoever starts it chose ${where}`, async () => {
      const { stdout } = await tidemark(['run', '--help'], { nodeArgs: [...nodeArgs, tell], env })
      assert.deepEqual(
        beginnings(stdout).map((one) => one.nodeArgs),
        [nodeArgs.join()],
      )
    })
  }

  it('keeps its channel to the process that started it', async () => {
    const child = spawn(process.execPath, [tell, bin, 'run', '--help'], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    assert.equal(beginnings(await text(child.stdout as NodeJS.ReadableStream)).length, 1)
  })

  it("works under Node's permissions", async () => {
    const { code, stdout } = await tidemark(['run', '--help'], { nodeArgs: ['--permission', '--allow-fs-read=*', tell] })
    assert.deepEqual([code, beginnings(stdout).length], [0, 1])
  })

  it('is as Node makes it where nothing runs for long', async () => {
    const { stdout } = await tidemark(['check', '--help'], { nodeArgs: [tell] })
    assert.equal(beginnings(stdout).length, 1)
  })
})
