import type { offsetFetchV9 } from '@platformatic/kafka'
import { offsetFetch } from './group-calls.ts'
import type { Send } from './leaders.ts'

/** What is asked about one group, and what its coordinator answers. */
export type GroupQuestion = Parameters<typeof offsetFetchV9.createRequest>[0][number]
export type GroupAnswer = ReturnType<typeof offsetFetchV9.parseResponse>['groups'][number]

/** More groups are asked about in several requests: an answer holds all that they have committed. */
const MAX_GROUPS = 100

/** Questions for one broker that wait for the end of the turn. */
interface Waiting {
  readonly questions: GroupQuestion[]
  readonly answers: Promise<readonly GroupAnswer[]>
}

/** Asks brokers for committed offsets; what is asked of one broker in one turn of the event loop goes there as one request (KIP-709). */
export class GroupsTogether {
  readonly #waiting = new Map<number, Waiting>()

  /** A group's answer; undefined where the broker left it out. @throws as `send` does, for all that were asked about in one request */
  async ask(nodeId: number, send: Send, question: GroupQuestion): Promise<GroupAnswer | undefined> {
    const open = this.#waiting.get(nodeId)
    const waiting = open === undefined || isClosedTo(open, question) ? this.#open(nodeId, send) : open
    waiting.questions.push(question)
    return (await waiting.answers).find(({ groupId }) => groupId === question.groupId)
  }

  #open(nodeId: number, send: Send): Waiting {
    const questions: GroupQuestion[] = []
    const turn = new Promise<void>((resolve) => setImmediate(resolve))
    const answers = turn.then(async () => {
      if (this.#waiting.get(nodeId) === waiting) this.#waiting.delete(nodeId)
      return (await send(offsetFetch, [questions, true])).groups
    })
    const waiting = { questions, answers }
    this.#waiting.set(nodeId, waiting)
    return waiting
  }
}

/** A group's answer is known by its name, so no request names one twice. */
function isClosedTo({ questions }: Waiting, { groupId }: GroupQuestion): boolean {
  return questions.length >= MAX_GROUPS || questions.some((question) => question.groupId === groupId)
}
