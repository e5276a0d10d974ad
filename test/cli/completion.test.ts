// Completion as people have it: real shells on a terminal, Tab pressed.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { requireTools } from '../../scripts/tools.mjs'
import { printCandidates } from '../../src/cli/completion/candidates.ts'
import { createProgram } from '../../src/cli/program.ts'
import { toOnFailure } from '../../src/cli/values.ts'
import { toPolicy } from '../../src/core/policy.ts'
import { tidemark } from './command.ts'
import { Shell, shellNames } from './shell.ts'

/** What is typed before Tab, and the last word that comes of it. */
const lines = [
  ['a verb', 'tidemark chec', 'check'],
  ['a verb to be helped with', 'tidemark help led', 'ledger'],
  ['an argument', 'tidemark completion f', 'fish'],
  ['an option', 'tidemark repair --dry', '--dry-run'],
  ['an option after values', 'tidemark reset --group check --topic a:0,1 --to-off', '--to-offset'],
  ['a value', 'tidemark check -o c', 'csv'],
  ['a value in the same word', 'tidemark run --isolation=read_c', '--isolation=read_committed'],
  ['an action of a policy', 'tidemark repair --policy expired=n', 'expired=nearest'],
  ['a verdict of a policy, without a space', 'tidemark repair --policy expired=fail,ah', 'expired=fail,ahead='],
  ['the beginning of a value, without a space', 'tidemark run --on-failure d', 'dead-letter:'],
  ["a store's scheme", 'tidemark check --store zoo', 'zookeeper:'],
  ['a file', 'tidemark check --command-config cl', 'client.properties'],
  ['a file in the same word', 'tidemark check --command-config=cl', '--command-config=client.properties'],
  ['a file after other words', 'tidemark watch --once wat', 'watch.json'],
  ["a command's file", 'tidemark step --topic orders -- spark-submit bat', 'batch.py'],
] as const

for (const name of shellNames) {
  describe(`completion in ${name}`, { timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), `tidemark-${name}-`))
    let shell: Shell
    before(async () => {
      await requireTools('zsh', 'fish')
      for (const file of ['client.properties', 'watch.json', 'batch.py']) writeFileSync(join(folder, file), '')
      mkdirSync(join(folder, 'checkpoint'))
      // Neither the settings nor what is wrong in them keeps a shell from completing.
      shell = await Shell.start(name, folder, { TIDEMARK_OUTPUT: 'json', TIDEMARK_CONFIG: '/no/such.json', TIDEMARK_TIMEOUT: 'x' })
    })
    after(async () => {
      await shell.end()
      rmSync(folder, { recursive: true })
    })

    for (const [what, line, word] of lines) {
      it(`completes ${what}`, async () => assert.equal((await shell.complete(line)).at(-1), word))
    }

    it('completes a folder, and no file', async () => {
      assert.match((await shell.complete('tidemark guard --checkpoint c')).at(-1) ?? '', /^checkpoint\/?$/)
    })

    it('runs nothing of what is on the line', async () => {
      await shell.type('tidemark check --group "$(touch ran)" --outp\t', /--output/)
      await shell.do('\x15:')
      assert.ok(!existsSync(join(folder, 'ran')))
    })
  })
}

describe('completion', () => {
  /** The words that may stand at the end of a line. */
  function wordsAfter(...words: string[]): string[] {
    const lines = printCandidates(
      createProgram('1', async () => {}),
      words,
    ).split('\n')
    return lines.slice(0, -2).map((line) => line.split('\t')[0] ?? '')
  }

  it('offers every policy that there is for one verdict, and none that is refused', () => {
    const offered = wordsAfter('repair', '--policy', '')
    const bare = offered.filter((word) => !word.endsWith('='))
    const named = offered.filter((word) => word.endsWith('=')).flatMap((verdict) => wordsAfter('repair', '--policy', verdict))
    assert.ok(named.includes('truncated=truncation-point') && bare.includes('earliest'))
    for (const policy of [...named, ...bare]) assert.doesNotThrow(() => toPolicy(policy), policy)
  })

  it('offers the part of a policy that is left', () => {
    const offered = wordsAfter('repair', '--policy', 'latest,expired=fail,')
    assert.deepEqual(
      offered.filter((word) => !/^latest,expired=fail,\w+=$/.test(word) || word.endsWith(',expired=')),
      [],
    )
    assert.ok(offered.includes('latest,expired=fail,ahead='))
  })

  it('offers what becomes of failed records, and nothing that is refused', () => {
    const offered = wordsAfter('run', '--on-failure', '')
    assert.deepEqual(
      offered.map((word) => toOnFailure(word.endsWith(':') ? `${word}dlq` : word)),
      ['stop', 'skip', { deadLetter: 'dlq' }],
    )
  })

  it('offers options where nothing is known of an argument', () => {
    assert.ok(wordsAfter('explain', '').includes('--clock-skew'))
    assert.deepEqual(wordsAfter('check', '--group', ''), [])
  })

  it('says of every word what it is', async () => {
    const { code, stdout, stderr } = await tidemark(['complete', '--', 'ledger', '--s'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^--since\tmoves since then: 2h/m)
    assert.match(stdout, /\n:4\n$/)
  })
})
