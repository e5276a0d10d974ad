// The package as a user gets it: built, packed, installed into an empty project, on every Node that it promises to run on.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import manifest from '../package.json' with { type: 'json' }
import { fetchNode } from '../scripts/nodes.mjs'
import { node24, root } from '../scripts/paths.mjs'

// The oldest that `engines` allows, the one that development uses, and the newest.
const nodes = { '22.22.0': fetchNode, [process.versions.node]: () => Promise.resolve(node24), '26.10.0': fetchNode }

/** Runs a program; when it fails, what it said is in the error. */
async function run(command: string, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, options)).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

const tool = (path: string): string => join(root, 'node_modules', path)

/** A module that uses the package as its users do, for the compiler and for Node. */
const consumer = `
import * as tidemark from 'tidemark'
import * as testing from 'tidemark/testing'
if (Object.keys(tidemark).length === 0 || Object.keys(testing).length === 0) throw new Error('nothing is exported')
`

const compilerOptions = {
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  types: ['node'],
  module: 'nodenext',
  strict: true,
  noEmit: true,
  skipLibCheck: false,
}

describe('the published package', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-package-'))
  const tarball = join(folder, `tidemark-${manifest.version}.tgz`)
  const project = join(folder, 'project')

  before(async () => {
    await run(node24, [join(root, 'scripts/build.mjs')])
    await run('npm', ['pack', '--loglevel=error', '--pack-destination', folder], { cwd: root })
    await run('mkdir', [project])
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n')
    writeFileSync(join(project, 'consumer.ts'), consumer)
    writeFileSync(join(project, 'consumer.js'), consumer)
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    // The cache first, so that a second run needs no network.
    await run(
      'npm',
      [
        'install',
        '--prefer-offline',
        '--no-progress',
        '--loglevel=error',
        tarball,
        `@types/node@${manifest.devDependencies['@types/node']}`,
      ],
      { cwd: project },
    )
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  it('is described as its files are', async () => {
    const { messages, pkg } = await publint({ pkgDir: root, pack: 'npm', strict: true })
    assert.deepEqual(
      messages.map((message) => formatMessage(message, pkg)),
      [],
    )
  })

  it('has types that every resolver finds', async () => {
    await run(node24, [tool('@arethetypeswrong/cli/dist/index.js'), tarball, '--profile', 'esm-only'])
  })

  it('has types that compile in a strict project', async () => {
    await run(node24, [tool('typescript/bin/tsc'), '-p', project])
  })

  for (const [version, find] of Object.entries(nodes)) {
    it(`imports and runs on Node ${version}`, async () => {
      const node = await find(version)
      const options = { cwd: project, env: { ...process.env, PATH: dirname(node) + delimiter + process.env['PATH'] } }
      assert.equal((await run('node', ['--version'], options)).trim(), `v${version}`)
      await run('node', ['consumer.js'], options)
      assert.match(await run('npx', ['--offline', 'tidemark', '--help'], options), /Usage: tidemark/)
      assert.equal((await run('npx', ['--offline', 'tidemark', '--version'], options)).trim(), manifest.version)
      const tell = '--import=data:text/javascript,console.log(process.execArgv.join())'
      const job = await run('node', [tell, 'node_modules/tidemark/dist/bin/tidemark.js', 'run', '--help'], options)
      assert.match(job, /^--import.*\n--min-semi-space-size=.*\nUsage: tidemark run/, 'a job begins once more, with a steady heap')
    })
  }
})
