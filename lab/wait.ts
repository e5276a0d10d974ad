import { setTimeout as sleep } from 'node:timers/promises'

/** Asks `probe` again and again until it answers something other than undefined or false; after `timeoutMs` it fails, saying `what` was waited for. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T> | T,
  timeoutMs = 30_000,
  everyMs = 25,
): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + timeoutMs
  let reason = ''
  for (;;) {
    try {
      const answer = await probe()
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
    } catch (error) {
      reason = `: ${String(error)}`
    }
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}${reason}`)
    await sleep(everyMs)
  }
}
