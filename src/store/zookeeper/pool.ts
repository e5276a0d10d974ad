/** How many requests are in flight at once unless the caller says otherwise: enough to keep the server busy, few enough to bound memory and what a lost connection takes along. */
const IN_FLIGHT = 256

/** Maps with `work`, many at a time, in order. After the first failure no further one is started. */
export async function mapInFlight<T, R>(items: readonly T[], work: (item: T) => Promise<R>, limit = IN_FLIGHT): Promise<R[]> {
  const results: R[] = []
  let next = 0
  let failed = false
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        results[index] = await work(items[index] as T)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return results
}
