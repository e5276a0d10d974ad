import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { root } from '../../scripts/paths.mjs'
import { BUGS } from '../../simulate/bugs/planted.ts'
import { runSeeds } from '../../simulate/crew.ts'
import { report } from '../../simulate/report.ts'
import { simulate } from '../../simulate/simulation.ts'
import { INVARIANTS } from '../../simulate/witness.ts'

/** What `npm run simulate -- ARGS` runs. */
function main(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'simulate/main.ts'), ...args], { cwd: root, encoding: 'utf8' })
}

describe('the simulation', () => {
  it('finds every invariant kept in 4,000 seeds', async () => {
    const failed = await runSeeds({ from: 1, count: 4_000 })
    assert.equal(failed.map((outcome) => report(outcome)).join('\n'), '')
  })

  it('does the same for the same seed, in this process and in another one', async () => {
    for (const seed of [7, 8, 9]) {
      const first = await simulate(seed, { isTraced: true })
      await simulate(seed + 100)
      const second = await simulate(seed, { isTraced: true })
      assert.deepEqual(second, first)
      assert.ok(first.trace.length > 20)
      const { stdout, status } = main('--seed', String(seed))
      assert.equal(status, 0)
      assert.deepEqual(stdout.split('\n').slice(0, first.trace.length), first.trace)
    }
  })

  it('says of a seed that breaks an invariant which, how, and the command that shows it', () => {
    const many = main('--seeds', '20', '--bug', 'works-afterwards')
    assert.equal(many.status, 1)
    assert.equal(many.stderr, '', 'no progress bar where there is no terminal')
    assert.match(many.stdout, /^seed \d+ breaks saved-after-work/)
    assert.match(many.stdout, /saved-after-work: \S+ moved t\d-\d from \d+ to \d+, and record \d+ at or above \d+ was never handled/)
    const [, args = ''] = /npm run simulate -- (--seed \d+ --bug works-afterwards)/.exec(many.stdout) ?? []
    const replayed = main(...args.split(' '))
    assert.equal(replayed.status, 1)
    assert.match(replayed.stdout, /VIOLATION {2}saved-after-work/)
    assert.equal(main('--seeds', 'many').status, 2)
    assert.match(main('--bug', 'none-such').stderr, /bugs: works-afterwards/)
  })
})

describe('a planted bug is found within 1,000 seeds:', () => {
  for (const [name, { breaks }] of Object.entries(BUGS)) {
    it(`${name} breaks ${breaks}`, async () => {
      const isFound = ({ violations }: Awaited<ReturnType<typeof simulate>>): boolean =>
        violations.some(({ invariant }) => invariant === breaks)
      const failed = await runSeeds({ from: 1, count: 1_000, bug: name }, undefined, (portion) => portion.failed.some(isFound))
      assert.ok(failed.some(isFound))
    })
  }

  it('there is one for each invariant', () => {
    const broken = new Set(Object.values(BUGS).map(({ breaks }) => breaks))
    assert.deepEqual(
      INVARIANTS.filter((invariant) => !broken.has(invariant)),
      [],
    )
  })
})
