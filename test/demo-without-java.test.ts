import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { waitFor } from '../lab/wait.ts'
import { root } from '../scripts/paths.mjs'

describe('npm run demo where no Java is to be had', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-demo-without-java-'))
  const temporary = join(folder, 'tmp')
  const bin = join(folder, 'bin')
  // Nothing but the shell is found by name; npm's own scripts find Node beside themselves.
  const env = { HOME: folder, TMPDIR: temporary, PATH: bin, TIDEMARK_SETUP_INSTALLS: 'no' }
  const setup = join(root, 'scripts/with-setup.mjs')

  before(() => {
    mkdirSync(temporary)
    mkdirSync(bin)
    for (const name of ['sh', 'uname', 'hostname']) {
      const path = execFileSync('/bin/sh', ['-c', `command -v ${name} || true`], { encoding: 'utf8' }).trim()
      if (path !== '') symlinkSync(path, join(bin, name))
    }
    symlinkSync(process.execPath, join(bin, 'node'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** What package.json says, run as npm does. */
  function demo(...args: string[]) {
    return spawn('/bin/sh', ['-c', `exec node ${setup} --servers-if-possible demo/main.ts ${args.join(' ')}`], { env, cwd: root })
  }

  async function ended(child: ReturnType<typeof demo>): Promise<{ code: unknown; stdout: string; stderr: string }> {
    const written = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (written.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text))
    const [code] = (await once(child, 'close')) as unknown[]
    return { code, ...written }
  }

  it('tells the same story in memory, says so in its first line, and accounts for every id', async () => {
    const { code, stdout, stderr } = await ended(demo())
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout.split('\n')[0] ?? '', /Without Kafka and ZooKeeper/)
    assert.match(stderr, /^tidemark: going on without servers: .*needs Java 17 or newer.*\n$/)
    for (let step = 1; step <= 6; step++) assert.match(stdout, new RegExp(`── ${step} of 6: `))
    const words = stdout.replaceAll(/\s+/g, ' ')
    const [, produced, handled, removed] =
      /The account balances: (\d+) produced = (\d+) handled \+ (\d+) removed before they could be read; 0 missing, 0 extra, 0/.exec(
        words,
      ) ?? []
    assert.equal(Number(produced), Number(handled) + Number(removed), stdout)
    assert.ok(Number(removed) > 0)
    for (const verdict of ['missing', 'valid', 'expired', 'ahead', 'recreated', 'unknown'])
      assert.match(stdout, new RegExp(`  ${verdict}\n`))
    assert.match(stdout, /the job was killed with the planned range orders-/)
    assert.match(words, /the job sent the same write again \(2 in all\)\. The second time it was, and that settled it \(1 in all\)/)
    assert.match(stdout.trimEnd(), /Those are exactly the next orders\.$/)
    assert.deepEqual(readdirSync(temporary), [])
  })

  it('has nothing to keep', async () => {
    const { code, stderr } = await ended(demo('--without-servers', '--keep'))
    assert.equal(code, 1)
    assert.match(stderr, /^\ndemo: --keep is for real servers/)
  })

  it('ends with its job, and leaves nothing, at a Ctrl-C', async () => {
    const child = demo('--without-servers')
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    const closed = once(child, 'close')
    await waitFor('the job to be at work', () => stdout.includes('job: '), 60_000)
    child.kill('SIGINT')
    assert.deepEqual(await closed, [130, null])
    assert.deepEqual(readdirSync(temporary), [])
  })

  it('is the only command that goes on: those that need servers say what to install', () => {
    const { status, stderr } = spawnSync(process.execPath, [setup, '--servers', 'lab/main.ts'], { env, cwd: root, encoding: 'utf8' })
    assert.equal(status, 1)
    assert.match(
      stderr,
      /^tidemark: this command starts real servers and needs Java 17 or newer(, Maven)?: install openjdk-17-jre-headless or .*\n$/,
    )
  })

  it('is followed by an npm test that names all that is missing in one line, before it fetches anything', () => {
    const options = { env, cwd: root, encoding: 'utf8', timeout: 60_000 } as const
    const { status, stdout, stderr } = spawnSync(process.execPath, [setup, 'scripts/test.mjs'], options)
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(
      stderr,
      /^tidemark: .*: install openjdk-17-jdk-headless or default-jdk-headless, maven, python3-pip, openssl, zsh, fish \(Debian's .*\n$/,
    )
  })
})
