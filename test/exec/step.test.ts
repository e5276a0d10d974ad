import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { stepCommand, type Step } from '../../src/index.ts'
import { failureOf, linesOf, Scene } from './scene.ts'

/** A step of so many partitions. */
function stepOf(partitions: number): Step {
  const ranges = Array.from({ length: partitions }, (_, partition) => ({ topic: 't', partition, fromOffset: 0, untilOffset: 1 }))
  const offsets = (offset: number) => `{"t":{${ranges.map(({ partition }) => `"${partition}":${offset}`).join(',')}}}`
  return { ranges, startingOffsets: offsets(0), endingOffsets: offsets(1), isReplay: false }
}

describe('the command of a step', () => {
  it('finds the offsets in files where they are too many for its environment, and is not started where they are in its arguments', async () => {
    await using scene = new Scene()
    const { command, notes } = scene.script(`
      import { readFileSync } from 'node:fs'
      const [starting, ending] = ['STARTING', 'ENDING'].map((name) => readFileSync(process.env['TIDEMARK_' + name + '_OFFSETS_FILE'], 'utf8'))
      note(Object.keys(JSON.parse(starting).t).length + ' ' + Object.values(JSON.parse(ending).t).every((offset) => offset === 1))
      note(String(process.env.TIDEMARK_STARTING_OFFSETS))
    `)
    using many = stepCommand({ command: ['sh', '-c', command] })
    assert.equal(await many.work(stepOf(20_000)), true)
    assert.deepEqual(notes(), ['20000 true', 'undefined'])
    using placed = stepCommand({ command: ['echo', '{startingOffsets}'] })
    const error = await failureOf(placed.work(stepOf(20_000)))
    assert.match(error.message, /too long for an argument.*TIDEMARK_STARTING_OFFSETS_FILE/)
  })

  it('leaves none of its files behind', async () => {
    await using scene = new Scene()
    const { command, notes } = scene.script('note(process.env.TIDEMARK_ENDING_OFFSETS_FILE)')
    using work = stepCommand({ command: ['sh', '-c', `${command}; exit 3`] })
    assert.deepEqual([await work.work(stepOf(1)), work.exitCode], [false, 3])
    assert.equal(existsSync(notes()[0] ?? ''), false)
    work.kill('SIGTERM') // nobody is there to hear it
  })

  it('takes what is in its arguments as it stands', async () => {
    await using scene = new Scene()
    const out = `${scene.folder}/words`
    using work = stepCommand({
      command: ['sh', '-c', `printf '%s\\n' "$@" > ${out}`, 'sh', '{endingOffsets}', '--from={startingOffsets}', '$&'],
    })
    await work.work(stepOf(1))
    assert.deepEqual(linesOf(out), ['{"t":{"0":1}}', '--from={"t":{"0":0}}', '$&'])
  })
})
