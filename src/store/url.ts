import { TidemarkError } from '../errors.ts'

/** The scheme of a store's URL, in lower case and without the colon. @throws TidemarkError USAGE where there is none. */
export function schemeOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]
  if (scheme === undefined) {
    // What stands before an @ may be a password, of what else one can't know here.
    throw new TidemarkError('USAGE', `${url.replace(/^.*@/s, '***@')} is no store's URL`, {
      hint: 'A store is named like sqlite:./tidemark.db',
    })
  }
  return scheme.toLowerCase()
}

/**
 * The URL as it may be shown: what stands between the first colon and the last @ of its authority is taken out, and so
 * are the values of parameters that are named like secrets. The last @, because an unescaped one in a password must not show its rest.
 */
export function withoutPassword(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/?#:@]*):.*@/i, '$1$2@')
    .replace(/([?&][^=&#]*(?:pass|secret|token|auth)[^=&#]*=)[^&#]*/gi, '$1***')
}
