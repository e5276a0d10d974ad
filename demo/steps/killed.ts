import type { OffsetRange } from '../../src/index.ts'
import { handledSoFar } from '../closing.ts'
import { committed, plannedRanges, printRanges, runToTheEnd, table, type Story } from '../story.ts'
import { event, heading, say } from '../tell.ts'
import { Worker } from '../worker.ts'

/** The job is killed with -9 after the work of a batch and before its offsets are stored. */
export async function killed(story: Story): Promise<void> {
  const { stage, orders, replanned } = story
  const { words } = stage
  heading(`1 of 6: the job is killed between its work and its ${words.store} write`)
  const { length } = await orders.produce(40)
  say(
    `This is how it stands, before each accident and after it: CURRENT-OFFSET is what ${words.store} holds, the next order to read; from LOG-START-OFFSET to LOG-END-OFFSET is what ${words.log} holds; ` +
      `the verdict says what that means. ${length} orders have arrived, and the job has never run:`,
  )
  await table('missing')
  await killInThirdBatch(story)
  const saved = (await committed(story)).reduce((sum, offset) => sum + offset, 0)
  say(
    `The job takes ten orders at a time. It did the work for ${handledSoFar(stage).length} of them, and ${words.store} knows of ${saved}. The offsets look quite in order:`,
  )
  await table()

  const planned = await plannedRanges(story)
  replanned.push(
    ...planned.map((range) => ({
      ...range,
      topicId: orders.topicId,
      why: `the job was killed with the planned range ${printRanges([range])}`,
    })),
  )
  say("The article's job would go on from these offsets, handle a second time what was not saved yet, and never know.")
  say(
    `Tidemark stores what it plans before the work, and finds it there: ${printRanges(planned)}, which is the offsets ${inWords(planned)}. The next run takes over from the dead one at once and runs just these ranges first. ` +
      'So it is known which orders are handled twice, and a sink that remembers the ranges can leave them out.',
  )
  await runToTheEnd(story)
  await table()
}

/** What `[15, 20)` means. */
function inWords(planned: readonly OffsetRange[]): string {
  return planned.map(({ fromOffset, untilOffset }) => `${fromOffset} to ${untilOffset - 1}`).join(' and ')
}

/** Lets two batches be saved, and kills the job in the third. */
async function killInThirdBatch({ stage }: Story): Promise<void> {
  const worker = new Worker(stage, { gated: true })
  for (let batch = 1; batch <= 2; batch++) {
    await worker.worked()
    worker.goOn()
  }
  const ranges = await worker.worked()
  event('job', `has done the work of ${printRanges(ranges)}, and is about to save the offsets`)
  await worker.kill()
  event('kill -9', 'the job is gone')
}
