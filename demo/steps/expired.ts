import { group } from '../stage.ts'
import { membersGone, runToTheEnd, table, type Story } from '../story.ts'
import { during, heading, say } from '../tell.ts'
import { tidemark } from '../tidemark.ts'

/** While the job is away retention removes what it has not read. */
export async function expired(story: Story): Promise<void> {
  const { stage, orders } = story
  heading('2 of 6: records are removed by retention while the job is away')
  const gone = await orders.produce(20)
  say(`The job is not running, and ${gone.length} orders arrive.`)
  await table()

  await during('retention removes the orders', stage.letRetentionPass())
  const left = await orders.produce(6)
  say(
    `It stays away for too long: ${stage.words.retention}, and ${left.length} more orders arrive. ` +
      'The stored offsets now point below the start of the log:',
  )
  await table('expired')

  say(
    "The article's rule is right: below the earliest offset, go to the earliest. Its code makes that 0, which is gone too: it compares a broker's host name with a partition's number, " +
      'takes no broker for the leader, and keeps the 0 that every offset began with. And nobody hears of the orders that were removed.',
  )
  say(
    `Tidemark shows the plan and its cost first. It moves the offsets when it is told to, and writes that into its ledger, in one ${stage.words.store} transaction with the move:`,
  )
  await tidemark(`repair --group ${group} --policy earliest`)
  await membersGone(story)
  await tidemark(`repair --group ${group} --policy earliest --execute`)
  await tidemark(`ledger --group ${group}`)
  say('The job runs again, and handles what is left:')
  await runToTheEnd(story)
  await table()
}
