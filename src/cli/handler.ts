import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TidemarkError } from '../errors.ts'
import type { Handler } from '../job/handling.ts'

/** Loads a handler's module, as seen from the working directory. @throws TidemarkError HANDLER_INVALID */
export async function loadHandler(path: string): Promise<Handler> {
  const file = resolve(path)
  if (!existsSync(file)) throw invalid(`there is no handler ${path}`)
  const handler = (await importFrom(path, file))['default']
  if (typeof handler !== 'function') throw invalid(`the handler ${path} has no default export that is a function`)
  return handler as Handler
}

async function importFrom(path: string, file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    throw invalid(
      `the handler ${path} can't be loaded: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
      error,
    )
  }
}

function invalid(what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('HANDLER_INVALID', what, { hint: 'Its module says: export default async (batch) => { … }', cause })
}
