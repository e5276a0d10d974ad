import { partitions, topic } from '../stage.ts'
import { committed, runToTheEnd, table, type Story } from '../story.ts'
import { during, event, heading, say } from '../tell.ts'

/** The topic is deleted and made anew, and grows beyond the stored offsets. */
export async function recreated(story: Story): Promise<void> {
  const { stage, orders } = story
  heading('5 of 6: the topic is deleted and recreated')
  const unread = await orders.produce(6)
  say(`${unread.length} orders wait.`)
  await table()

  const offsets = await committed(story)
  const making = stage.topics.recreateTopic(topic, { partitions: partitions.length })
  orders.topicMade(await during('deleting the topic and creating it again', making))
  event(stage.words.topicTool, `--delete --topic ${topic}`)
  event(stage.words.topicTool, `--create --topic ${topic} --partitions ${partitions.length}`)
  const fresh = await orders.produce(2 * Math.max(...offsets) + 10)
  say(
    `Before the job comes to them, somebody deletes the topic and creates it again. Then ${fresh.length} new orders arrive, so that the old offsets lie well within the new log. By the numbers alone all is well:`,
  )
  await table('recreated')

  const overlooked = offsets.reduce((sum, offset) => sum + offset, 0)
  say(
    `The article's rule looks at the numbers alone: ${offsets.join(' and ')} lie between earliest and latest, so the job reads on from there. The first ${overlooked} of the new orders would never be handled, and nobody would know.`,
  )
  say('Tidemark keeps the ID of the topic beside the number. This time the job itself does the repair, as its policy says, when it starts:')
  await runToTheEnd(story)
  await table()
}
