import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HeadwayMeter } from '../../src/cli/headway.ts'
import { LiveLines } from '../../src/cli/live-lines.ts'
import { linesOf, sentenceOf } from '../../src/cli/run-progress.ts'

const at = (partition: number, committedOffset: number, logEndOffset: number | undefined) => ({
  topic: 'orders',
  partition,
  committedOffset,
  logEndOffset,
})

describe('the headway of a run', () => {
  it('is lag, rate and time to catch up with a log that grows', () => {
    const meter = new HeadwayMeter()
    meter.note([at(0, 0, 1_000)], 0)
    meter.note([at(0, 1_000, 1_500)], 5_000)
    assert.deepEqual(meter.partitions, [{ name: 'orders-0', lag: 500, perSecond: 200, secondsLeft: 5 }])
  })

  it('never catches up where the log grows faster, and is there where nothing is left', () => {
    const meter = new HeadwayMeter()
    meter.note([at(0, 0, 100), at(1, 5, 5)], 0)
    meter.note([at(0, 10, 200), at(1, 5, 5)], 1_000)
    assert.deepEqual(
      meter.partitions.map(({ secondsLeft }) => secondsLeft),
      [undefined, 0],
    )
  })

  it('goes by the last ten seconds', () => {
    const meter = new HeadwayMeter()
    for (let second = 0; second <= 30; second++) meter.note([at(0, second < 15 ? second * 1_000 : 15_000, 20_000)], second * 1_000)
    assert.deepEqual(meter.sum('all'), { name: 'all', lag: 5_000, perSecond: 0, secondsLeft: undefined })
  })

  it('leaves out what is not known, and calls a move back no rate', () => {
    const meter = new HeadwayMeter()
    meter.note([at(0, 100, 200), at(1, 0, undefined)], 0)
    meter.note([at(0, 50, 200), at(1, 0, undefined)], 1_000)
    assert.deepEqual(meter.partitions, [{ name: 'orders-0', lag: 150, perSecond: 0, secondsLeft: undefined }])
  })
})

describe('the lines of a run', () => {
  it('are one for each partition', () => {
    const meter = new HeadwayMeter()
    meter.note([at(0, 0, 1_000), at(1, 7, 7)], 0)
    meter.note([at(0, 100, 1_000), at(1, 7, 7)], 1_000)
    assert.deepEqual(linesOf(meter, 24), [
      'PARTITION  LAG  RECORDS/S  CAUGHT-UP',
      'orders-0   900        100  in 9 s',
      'orders-1     0          0  now',
    ])
  })

  it('are never more than there is room for: the furthest behind, and the rest summed', () => {
    const meter = new HeadwayMeter()
    meter.note(
      Array.from({ length: 40 }, (_, partition) => at(partition, 0, partition)),
      0,
    )
    const lines = linesOf(meter, 5)
    assert.deepEqual(
      lines.map((line) => line.split(/\s{2,}/).slice(0, 2)),
      [
        ['PARTITION', 'LAG'],
        ['orders-39', '39'],
        ['orders-38', '38'],
        ['orders-37', '37'],
        ['37 others', '666'],
      ],
    )
    for (let room = 1; room < 50; room++) assert.ok(linesOf(meter, room).length <= room)
  })

  it('are one line for the job in a log', () => {
    const meter = new HeadwayMeter()
    meter.note([at(0, 0, 90_000)], 0)
    meter.note([at(0, 100, 90_000)], 1_000)
    assert.equal(sentenceOf(meter.sum('all'), 3), '3 partitions: 89900 records behind, 100 records/s, caught up in 15 min')
    meter.note([at(0, 90_000, 90_000)], 2_000)
    assert.equal(sentenceOf(meter.sum('all'), 1), '1 partition: 45000 records/s, caught up')
  })
})

/** A terminal of some size, and what is on it. It knows text, ends of lines, and going up some lines and erasing all from there. */
class Screen {
  readonly columns = 30
  readonly rows = 10
  lines = ['']

  readonly write = (text: string): boolean => {
    const [first = '', ...others] = text.split('\u001B[')
    this.#type(first)
    for (const other of others) {
      const up = Number.parseInt(other, 10)
      if (other.startsWith(`${up}F`)) this.lines = [...this.lines.slice(0, this.lines.length - 1 - up), '']
      else this.#type(other.slice('0J'.length))
    }
    return true
  }

  #type(text: string): void {
    const [first = '', ...others] = text.split('\n')
    this.lines = [...this.lines.slice(0, -1), (this.lines.at(-1) ?? '') + first, ...others]
  }
}

describe('live lines', () => {
  it('are redrawn in place, below what others write, and leave nothing behind', () => {
    const screen = new Screen()
    {
      using lines = new LiveLines(screen as unknown as NodeJS.WriteStream)
      lines.draw(['one', 'two'])
      lines.draw(['uno', 'due'])
      assert.deepEqual(screen.lines, ['uno', 'due', ''])
      screen.write('a notice\n')
      lines.draw(['ena', 'dio', 'x'.repeat(99)])
      assert.deepEqual(screen.lines, ['a notice', 'ena', 'dio', 'x'.repeat(29), ''])
      screen.write('not finished')
      lines.draw(['in between'])
      screen.write(' yet\n')
      lines.draw(['last'])
      assert.deepEqual(screen.lines, ['a notice', 'not finished yet', 'last', ''])
    }
    screen.write('end\n')
    assert.deepEqual(screen.lines, ['a notice', 'not finished yet', 'end', ''])
  })

  it('are at most as many as the terminal has', () => {
    const screen = new Screen()
    using lines = new LiveLines(screen as unknown as NodeJS.WriteStream)
    lines.draw(Array.from({ length: 99 }, (_, index) => String(index)))
    assert.equal(screen.lines.length, 10)
  })
})
