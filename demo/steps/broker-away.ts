import { caughtUp, table, type Story } from '../story.ts'
import { during, event, heading, say } from '../tell.ts'
import { Worker } from '../worker.ts'

/** The broker stops for some seconds under a running job. */
export async function brokerAway(story: Story): Promise<void> {
  const { stage, orders } = story
  const { broker, words } = stage
  heading('6 of 6: the broker is stopped for some seconds')
  const worker = new Worker(stage)
  const { length } = await orders.produce(10)
  await caughtUp(story)
  say(`The job is running, and has handled ${length} more orders.`)
  await table()

  await during('stopping the broker', broker.stop())
  event(words.log, 'the broker is down')
  await table('unknown', ' --timeout 2s')
  say("The article's code catches the exception, prints it, and goes on with the offsets that it has: none, or the 0 that they began with.")
  say(
    'To Tidemark a broker that is away says nothing about any offset. The verdict is unknown, which no policy can act on: nothing is written, and the job waits. Now the broker comes back, with more orders:',
  )
  await during('starting the broker', broker.start())
  event(words.log, 'the broker is up')
  await orders.produce(10)
  await caughtUp(story)
  await worker.stop()
  say('The job went on by itself, from where it was:')
  await table()
}
