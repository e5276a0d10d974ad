import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createProgram } from '../../src/cli/program.ts'
import { applyProfile } from '../../src/cli/settings.ts'
import { tidemark } from './command.ts'

const verbs = ['check', 'explain', 'repair', 'reset', 'ledger', 'run', 'step', 'guard', 'watch']

/** What a command line comes to, without doing it. */
async function optionsOf(...args: string[]): Promise<Record<string, unknown>> {
  let found: Record<string, unknown> = {}
  const program = createProgram('1.2.3', async (command) => {
    applyProfile(command)
    found = command.opts()
  })
  await program.parseAsync(args, { from: 'user' })
  return found
}

describe('the options', () => {
  it('have every verb that works, and no other', () => {
    assert.deepEqual(
      createProgram('1', async () => {}).commands.map((command) => command.name()),
      [...verbs, 'completion', 'complete'],
    )
  })

  for (const verb of verbs) {
    it(`let ${verb} accept what every verb accepts`, () => {
      const program = createProgram('1', async () => {})
      const longs = program.commands.find((command) => command.name() === verb)?.options.map(({ long }) => long)
      for (const long of ['--bootstrap-server', '--command-config', '--store', '--group', '--output', '--timeout', '--verbose'])
        assert.ok(longs?.includes(long), long)
    })
  }

  it('read durations, times and counts', async () => {
    const reset = await optionsOf(
      'reset',
      '--group',
      'g',
      '--by-duration',
      'P1DT2H',
      '--timeout',
      '5m',
      '--max-skip',
      '0',
      '--topic',
      'a:0,1',
      '--topic',
      'b',
    )
    assert.deepEqual([reset['byDuration'], reset['timeout'], reset['maxSkip'], reset['topic']], [93_600_000, 300_000, 0, ['a:0,1', 'b']])
    assert.equal((await optionsOf('reset', '--shift-by', '-10'))['shiftBy'], -10)
    assert.equal((await optionsOf('reset', '--to-datetime', '1970-01-01T00:00:01.000'))['toDatetime'], 1_000)
    assert.deepEqual((await optionsOf('run', '--handler', 'x', '--on-failure', 'dead-letter:dlq'))['onFailure'], { deadLetter: 'dlq' })
  })

  it('have the defaults of the conventions', async () => {
    const { store, output, dryRun, execute } = await optionsOf('repair')
    assert.deepEqual(
      { store, output, dryRun, execute },
      { store: 'sqlite:./tidemark.db', output: 'text', dryRun: undefined, execute: undefined },
    )
    assert.equal((await optionsOf('run', '--handler', 'x'))['isolation'], 'read_committed')
  })
})

describe('settings', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-settings-'))
  const file = join(directory, 'settings.json')
  after(() => rmSync(directory, { recursive: true }))
  const ours = ['TIDEMARK_STORE', 'TIDEMARK_GROUP', 'TIDEMARK_TIMEOUT', 'TIDEMARK_CONFIG', 'TIDEMARK_PROFILE']

  async function withSettings(profiles: unknown, env: Record<string, string>, ...args: string[]): Promise<Record<string, unknown>> {
    writeFileSync(file, typeof profiles === 'string' ? profiles : JSON.stringify(profiles))
    Object.assign(process.env, { TIDEMARK_CONFIG: file, ...env })
    try {
      return await optionsOf(...args)
    } finally {
      for (const name of ours) delete process.env[name]
    }
  }

  it('come from the flag, then the environment, then the profile, then the default', async () => {
    const profiles = { profiles: { default: { store: 'from-profile:', group: 'from-profile', timeout: '3s', 'max-records': 7 } } }
    const found = await withSettings(profiles, { TIDEMARK_GROUP: 'from-environment', TIDEMARK_TIMEOUT: '2s' }, 'check', '--timeout', '1s')
    const { timeout, group, store, output } = found
    assert.deepEqual(
      { timeout, group, store, output },
      { timeout: 1_000, group: 'from-environment', store: 'from-profile:', output: 'text' },
    )
  })

  it('come from the profile that is named', async () => {
    const profiles = { profiles: { default: { group: 'a' }, prod: { group: 'b' } } }
    assert.equal((await withSettings(profiles, { TIDEMARK_PROFILE: 'prod' }, 'check'))['group'], 'b')
    assert.equal((await withSettings(profiles, { TIDEMARK_PROFILE: 'prod' }, 'check', '--profile', 'default'))['group'], 'a')
  })

  for (const [what, profiles, message] of [
    ['a value of the wrong form', { profiles: { default: { timeout: '5' } } }, /--timeout in the profile default of .* is "5"/],
    ['what is no setting', { profiles: { default: { execute: 'true' } } }, /"execute" in the profile default .* is no setting/],
    ['what no verb has', { profiles: { default: { storr: 'x' } } }, /"storr"/],
    ['no profiles', { store: 'x' }, /holds no profiles/],
    ['half a file', '{ "profiles": {', /holds no profiles/],
  ] as const) {
    it(`refuse ${what}`, async () => {
      await assert.rejects(withSettings(profiles, {}, 'repair'), { code: 'USAGE', message })
    })
  }

  it('refuse a profile that is not there', async () => {
    await assert.rejects(withSettings({ profiles: { a: {} } }, {}, 'check', '--profile', 'b'), {
      code: 'USAGE',
      message: /no profile b .* There are a/,
    })
  })
})

describe('the real command', () => {
  it('prints its version', async () => {
    const { code, stdout } = await tidemark(['--version'])
    assert.deepEqual([code, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true])
  })

  for (const verb of [...verbs, 'completion']) {
    it(`shows two real examples in the help of ${verb}`, async () => {
      const { code, stdout, stderr } = await tidemark([verb, '--help'])
      assert.deepEqual([code, stderr], [0, ''])
      assert.equal(stdout.match(new RegExp(`^ {2}tidemark ${verb} .+$`, 'gm'))?.length, 2)
    })
  }

  for (const [what, args, more] of [
    ['nothing but commander for its help', ['--help'], /^$/],
    [
      'no client and no store to complete a line',
      ['complete', '--', 'repair', '--policy', ''],
      /\/src\/(?:core|store\/(?:backends|url)\.ts$)/,
    ],
  ] as const) {
    it(`loads ${what}`, async () => {
      const hook =
        'import{registerHooks}from"node:module";registerHooks({resolve(s,c,n){const r=n(s,c);process.stderr.write(r.url+"\\n");return r}})'
      const { stderr } = await tidemark(args, { nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(hook)}`] })
      const loaded = stderr.split('\n').filter((url) => url.startsWith('file:'))
      assert.ok(loaded.some((url) => url.includes('/src/cli/program.ts')))
      const expected = /\/src\/(?:bin|cli)\/|\/src\/(?:durations|errors)\.ts$|\/node_modules\/commander\//
      assert.deepEqual(
        loaded.filter((url) => !expected.test(url) && !more.test(url)),
        [],
      )
    })
  }

  for (const [args, message] of [
    [[], /no verb/],
    [['chek'], /unknown command 'chek' \(Did you mean check\?\)/],
    [['--nope'], /unknown option '--nope'/],
    [['check'], /no group is named/],
    [['check', '--group', ''], /no group is named/],
    [['check', '--group', 'g', '--grop', 'x'], /unknown option '--grop'/],
    [['check', '--group', 'g', 'more'], /too many arguments/],
    [['check', '--group', 'g', '--all-groups'], /cannot be used with/],
    [['check', '--group', 'g', '-o', 'yaml'], /Allowed choices are text, json, csv/],
    [['check', '--group', 'g', '--timeout', '5'], /'5' is invalid. Write 500ms/],
    [['check', '--group', 'g', '--timeout', '0s'], /more than 0/],
    [['check', '--group', 'g', '--timeout', '30d'], /at most 24d/],
    [['check', '--group', 'g'], /no bootstrap server is named/],
    [['check', '--group', 'g', '--bootstrap-server', 'nowhere'], /"nowhere" is not host:port/],
    [['check', '--group', 'g', '--bootstrap-server', 'h:1', '--command-config', '/no/such.properties'], /\/no\/such\.properties/],
    [['check', '--group', 'g', '--bootstrap-server', 'h:1', '--topic', 'a:x'], /"x" in "a:x" is no partition/],
    [['check', '--group', 'g', '--bootstrap-server', 'h:1', '--store', 'nosuch:x'], /there is no store nosuch:/],
    [['check', '--group', 'g', '--bootstrap-server', 'h:1', '--store', 'x'], /is no store's URL/],
    [['explain', 'g', 't'], /missing required argument 'partition'/],
    [['explain', 'g', 't', 'first'], /"first" is no partition/],
    [['repair', '--group', 'g', '--dry-run', '--execute'], /cannot be used with/],
    [['repair', '--group', 'g', '--policy', 'sometimes'], /"sometimes" in the policy is no action/],
    [['repair', '--group', 'g', '--policy', 'unknown=earliest'], /No policy covers unknown/],
    [['repair', '--group', 'g', '--max-skip', '-1'], /whole number, 0 or more/],
    [['reset', '--group', 'g'], /no target is named/],
    [['reset', '--group', 'g', '--to-latest', '--to-offset', '5'], /2 targets are named/],
    [['reset', '--group', 'g', '--to-offset', '-1'], /whole number, 0 or more/],
    [['reset', '--group', 'g', '--to-offset', '9007199254740993'], /whole number, 0 or more/],
    [['reset', '--group', 'g', '--to-datetime', '2026-02-30T00:00:00.000'], /Write 2026-11-30T18:00:00.000/],
    [['reset', '--group', 'g', '--shift-by', 'x'], /such as 10 or -10/],
    [['ledger', '--since', 'long ago'], /is invalid/],
    [['run', '--group', 'g'], /no handler is named/],
    [['run', '--group', 'g', '--handler', './no-such-handler.mjs'], /there is no handler \.\/no-such-handler\.mjs/],
    [['run', '--group', 'g', '--handler', 'x', '--max-records', '0'], /1 or more/],
    [['run', '--group', 'g', '--handler', 'x', '--on-failure', 'ignore'], /Write stop, skip, or dead-letter/],
    [['run', '--group', 'g', '--handler', 'x', '--isolation', 'none'], /Allowed choices are/],
  ] as const) {
    it(`refuses "${args.join(' ')}" with one line and exit code 2`, async () => {
      const directory = mkdtempSync(join(tmpdir(), 'tidemark-usage-'))
      try {
        const { code, stdout, stderr } = await tidemark(args, { cwd: directory })
        assert.match(stderr, /^tidemark: (?:USAGE|HANDLER_INVALID): [^\n]+\n$/)
        assert.match(stderr, message)
        assert.deepEqual([code, stdout], [2, ''])
      } finally {
        rmSync(directory, { recursive: true })
      }
    })
  }
})
