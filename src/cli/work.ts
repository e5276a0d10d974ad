import { TidemarkError } from '../errors.ts'
import type { RunOptions as VerbOptions } from '../verbs/run.ts'
import { loadHandler } from './handler.ts'
import type { RunOptions } from './run.ts'

/** What does the work of a run, and how long it may take. */
type Work = Pick<VerbOptions, 'handler' | 'handlerTimeoutMs' | 'overlap'> & AsyncDisposable

/** The handler that is named, by its module or by its command. @throws TidemarkError USAGE, HANDLER_INVALID */
export async function workOf({ handler, exec, processes, handlerTimeout }: RunOptions): Promise<Work> {
  if (exec !== undefined) {
    const { execHandler } = await import('../exec/handler.ts')
    return execHandler({ command: exec, processes, timeoutMs: handlerTimeout, onLine: passOn })
  }
  if (processes !== undefined) throw new TidemarkError('USAGE', '--processes is for --exec', { hint: 'A module runs in this process' })
  if (handler === undefined) {
    throw new TidemarkError('USAGE', 'no handler is named', { hint: 'Add --handler ./handler.mjs, or --exec "python3 handler.py"' })
  }
  return { handler: await loadHandler(handler), handlerTimeoutMs: handlerTimeout, [Symbol.asyncDispose]: async () => {} }
}

function passOn(line: string): void {
  process.stderr.write(`${line}\n`)
}
