/** How long to wait, and what for. */
export interface Patience {
  readonly timeoutMs: number
  /** Rejects with its reason when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** The error to reject with when the time is over. */
  readonly late: () => Error
}

/** Waits for a promise, but not forever. The promise itself goes on, unheard. */
export function within<T>(promise: Promise<T>, { timeoutMs, signal, late }: Patience): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    // An AbortSignal's reason may be anything; callers compare it, so it is passed on as it is.
    const onAbort = (): void => (end(), reject(signal?.reason as Error))
    const timer = setTimeout(() => (end(), reject(late())), timeoutMs)
    promise.then(
      (value) => (end(), resolve(value)),
      (error: Error) => (end(), reject(error)),
    )
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}
