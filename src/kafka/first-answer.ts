/**
 * Asks one after the other until one answers: the next as soon as one fails, or when one was silent for `patienceMs`,
 * so that a broker that hangs costs moments and not the whole time-out. The first answer counts.
 * @throws AggregateError of all failures, once everyone failed.
 */
export function firstAnswer<Candidate, Answer>(
  candidates: readonly Candidate[],
  ask: (candidate: Candidate) => Promise<Answer>,
  patienceMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const failures: unknown[] = []
    let asked = 0
    let over = false
    let timer: NodeJS.Timeout | undefined
    const end = (): void => {
      over = true
      clearTimeout(timer)
    }
    const fail = (error: unknown): void => {
      failures.push(error)
      if (failures.length < candidates.length) return askNext()
      end()
      reject(new AggregateError(failures))
    }
    const askNext = (): void => {
      clearTimeout(timer)
      if (over || asked >= candidates.length) return
      const candidate = candidates[asked++] as Candidate
      timer = setTimeout(askNext, patienceMs)
      ask(candidate).then((answer) => (end(), resolve(answer)), fail)
    }
    askNext()
  })
}
