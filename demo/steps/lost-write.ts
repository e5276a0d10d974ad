import { waitFor } from '../../lab/wait.ts'
import { caughtUp, printRanges, table, type Story } from '../story.ts'
import { event, heading, say } from '../tell.ts'
import { Worker } from '../worker.ts'

/** The job's write to the store is lost, once on its way there and once its answer on the way back. */
export async function lostWrite(story: Story): Promise<void> {
  const { stage, orders } = story
  const { words } = stage
  heading(`4 of 6: a write to ${words.store} is lost`)
  // All into one partition, so that they make one batch, and one write.
  const { length } = await orders.produce(10, [0])
  say(`${length} orders wait. The job will do the work, and ${words.willBreak}, before ${words.store} has seen the write.`)
  await table()
  const worker = new Worker(stage, { gated: true })
  const lost = await saveUnder(worker, story, 'request', `lost on its way to ${words.store}`)

  const more = await orders.produce(10, [0])
  say(`${more.length} more orders. This time ${words.store} carries the write out, and its answer is lost.`)
  const done = await saveUnder(worker, story, 'reply', 'carried out, and the answer was lost')
  await worker.stop()

  say(
    "The article's job hears of a broken connection, and can't know whether its offset is stored. If it is not, the orders are handled again after the next start, and nobody notices.",
  )
  say(
    'Tidemark knows that it does not know. Before anything else it reads what is stored, and looks for the ID of its own write. ' +
      `The first time that was not there, and the job sent the same write again (${lost} in all). The second time it was, and that settled it (${done} in all). Nothing was lost, and nothing was handled twice:`,
  )
  await table()
}

/** Lets the job save its batch while a trap waits for the write; returns how many writes that took. */
async function saveUnder(worker: Worker, story: Story, part: 'request' | 'reply', what: string): Promise<number> {
  const { stage } = story
  const ranges = await worker.worked()
  const before = stage.writesOf(worker)
  const sprung = stage.loseWrite(worker, part)
  worker.goOn()
  await sprung
  event(stage.words.breaker, `${stage.words.broke}: the write of ${printRanges(ranges)} was ${what}`)
  await caughtUp(story)
  // The offset may be seen in the store before the word of the write that put it there.
  const fewest = part === 'request' ? 2 : 1
  await waitFor('the count of the writes', () => stage.writesOf(worker) - before >= fewest)
  return stage.writesOf(worker) - before
}
