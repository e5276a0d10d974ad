import { setTimeout as sleep } from 'node:timers/promises'
import type { Watchdog } from '../exec/watchdog.ts'
import { Child } from '../exec/child.ts'
import type { CommandConfig, ReceiverConfig, WebhookConfig } from './config.ts'

/** Tells a receiver something. Rejects with what is wrong, in words that hold no secret. */
export type Tell = (json: string, signal: AbortSignal) => Promise<void>

/** Answers by which a server says that the same request may succeed later. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

/** How often a receiver is tried for one message, and the pause before the second try, ms; each further one is twice as long. */
const TRIES = 3
const FIRST_PAUSE_MS = 500

/** A failure that another try does not mend. */
class Refused extends Error {}

/** How a receiver is told, three times where that may help. */
export function tellerOf(config: ReceiverConfig, watchdog: Watchdog, say: (line: string) => void): Tell {
  const once: Tell =
    config.kind === 'webhook'
      ? (json, signal) => post(config, json, signal)
      : (json, signal) => runCommand(config, json, signal, watchdog, say)
  return async (json, signal) => {
    for (let tries = 1; ; tries++) {
      try {
        return await once(json, signal)
      } catch (error) {
        if (tries === TRIES || error instanceof Refused || signal.aborted) throw error
      }
      await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1), undefined, { signal })
    }
  }
}

async function post({ url, headers, timeoutMs }: WebhookConfig, json: string, signal: AbortSignal): Promise<void> {
  const target = new URL(url)
  const authorization = basicAuthorization(target)
  const options = {
    method: 'POST',
    // A redirect would turn it into a GET.
    redirect: 'manual' as const,
    headers: { 'content-type': 'application/json', 'user-agent': 'tidemark', ...authorization, ...headers },
    body: json,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }
  const response = await fetch(target, options).catch((error: unknown) => {
    throw new Error(reasonOf(error, timeoutMs), { cause: error })
  })
  await response.body?.cancel()
  if (response.ok) return
  const answered = `it answered ${response.status}`
  throw response.status < 500 && !PASSING.has(response.status) ? new Refused(answered) : new Error(answered)
}

/** fetch takes no URL with a user in it. */
function basicAuthorization(target: URL): Record<string, string> {
  if (target.username === '' && target.password === '') return {}
  const user = `${decodeURIComponent(target.username)}:${decodeURIComponent(target.password)}`
  target.username = ''
  target.password = ''
  return { authorization: `Basic ${Buffer.from(user).toString('base64')}` }
}

/** The URL is a secret, and messages of fetch may hold it: only codes are passed on. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if ((error as Error).name === 'TimeoutError') return `it did not answer in ${timeoutMs} ms`
  const code = ((error as Error).cause as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? `it could not be reached: ${code}` : 'it could not be reached'
}

async function runCommand(
  { command, timeoutMs }: CommandConfig,
  json: string,
  signal: AbortSignal,
  watchdog: Watchdog,
  say: (line: string) => void,
): Promise<void> {
  const child = new Child(command, { onAnswer: say, onError: say }, watchdog)
  const late = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const kill = (): void => child.kill('SIGKILL')
  late.addEventListener('abort', kill, { once: true })
  try {
    await Promise.race([child.send([json]), child.ended])
    child.finish()
    const { how, well, notStarted } = await child.ended
    if (well) return
    throw notStarted ? new Refused(how) : new Error(late.aborted ? `it did not end in ${timeoutMs} ms` : how)
  } finally {
    late.removeEventListener('abort', kill)
  }
}
