/** The signals that ask for an end, and the exit code of a process that each of them ended. */
const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const

/** Aborts at the first SIGINT or SIGTERM, for an end in good order; a second one ends the process at once. */
export function stopSignal(onFirst: (name: string) => void = () => {}): AbortSignal {
  const stop = new AbortController()
  for (const [name, code] of SIGNALS) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(code)
      onFirst(name)
      stop.abort(new Error(`ended by ${name}`))
    })
  }
  return stop.signal
}
