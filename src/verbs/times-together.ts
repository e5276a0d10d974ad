import type { AskOptions, Log, TimeAnswer, TimeQuestion } from '../kafka/log.ts'

interface Asked {
  readonly questions: readonly TimeQuestion[]
  readonly options: AskOptions
  readonly resolve: (answers: TimeAnswer[]) => void
  readonly reject: (error: unknown) => void
}

/** Asks for offsets at times; what several ask for in one turn of the event loop is put to the cluster as one question. */
export function timesTogether(log: Log): Log['offsetsAt'] {
  let asked: Asked[] = []
  const askAll = async (): Promise<void> => {
    const all = asked
    asked = []
    try {
      const answers = await log.offsetsAt(
        all.flatMap(({ questions }) => questions),
        { signal: all[0]?.options.signal },
      )
      let next = 0
      for (const { questions, resolve } of all) resolve(answers.slice(next, (next += questions.length)))
    } catch (error) {
      for (const { reject } of all) reject(error)
    }
  }
  return (questions, options = {}) =>
    new Promise((resolve, reject) => {
      asked.push({ questions, options, resolve, reject })
      if (asked.length === 1) setImmediate(() => void askAll())
    })
}
