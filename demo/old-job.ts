import { partitions } from './stage.ts'
import type { Story } from './story.ts'
import { during, heading, output, say, verdict } from './tell.ts'

/** The article's job, without anything of Tidemark's: reads the stored numbers and fetches from there. Returns whether it got exactly the next orders. */
export async function oldJobGoesOn({ stage, orders }: Story): Promise<boolean> {
  const { words, oldJob } = stage
  heading('And without Tidemark')
  const next = await orders.produce(2 * partitions.length)
  say(
    `Nobody is locked in: ${words.bare}. ${next.length} more orders arrive, and this time the article's old job reads them, in a few lines ` +
      `${words.plainly}:`,
  )
  const stored = await oldJob.stored()
  output(['', ...stored.map(({ place, offset }) => `${place}  ${offset}`)].join('\n'))
  const reading = oldJob.read(
    stored.map(({ offset }) => offset),
    next.length,
  )
  const got = await during('the old job reads', reading)
  output(`fetched from there: ${got.join(' ')}`)
  const wanted = next.map(({ id }) => id)
  const exact = got.toSorted().join() === wanted.toSorted().join()
  verdict(exact, exact ? 'Those are exactly the next orders.' : `THE NEXT ORDERS ARE OTHERS: ${wanted.join(' ')}`)
  return exact
}
