import { group } from '../stage.ts'
import { runToTheEnd, table, type Story } from '../story.ts'
import { heading, say } from '../tell.ts'
import { tidemark } from '../tidemark.ts'

const typed = '9000'

/** Somebody's hand puts an offset beyond the log's end. */
export async function ahead(story: Story): Promise<void> {
  const { stage, orders } = story
  heading("3 of 6: an offset beyond the log's end")
  const { length } = await orders.produce(4)
  say(`${length} orders wait.`)
  await table()

  await stage.setByHand(1, typed)
  say('Somebody sets an offset by hand, and mistypes it:')
  await table('ahead')

  say(
    `At ${typed} ${stage.words.log} has nothing to read. Many a consumer then jumps to the end and leaves out what waits; the article's rule goes back to the earliest offset and handles all of it again. ` +
      'Neither says a word.',
  )
  say(
    'Tidemark looks a second time, two seconds later, since just after an election a log may seem shorter than it is. Then it goes back as well, because that number proves nothing of what was read; ' +
      'but it says how many orders are handled again (REREAD), and the ledger keeps it:',
  )
  await tidemark(`repair --group ${group} --policy earliest --execute`)
  await runToTheEnd(story)
  await table()
}
