import { TidemarkError } from '../errors.ts'

/** The scheme of a store's URL, in lower case and without the colon. @throws TidemarkError USAGE where there is none. */
export function schemeOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]
  if (scheme === undefined) {
    // What stands before an @ or after a colon may be a password, of what else one can't know here.
    const shown = url.replace(/^.*@/s, '…@').replace(/:.*$/s, ':…')
    throw new TidemarkError('USAGE', `${shown} is no store's URL`, { hint: 'A store is named like sqlite:./tidemark.db' })
  }
  return scheme.toLowerCase()
}

/** A scheme, after `spark-checkpoint:` that of its files too. */
const SCHEME = String.raw`[a-z][a-z0-9+.-]*:(?:[a-z0-9+.-]+:(?=//)|(?![a-z0-9+.-]+://))`
const HOST = String.raw`(?:\[[^\]/?#@]*\]|[^:,/?#@[\]]*)`
const PORT = String.raw`\d{1,5}(?=[,/?#]|$)`

/** From the first colon to the last @: an unescaped one in a password must not show its rest. */
const password = new RegExp(String.raw`^(${SCHEME}/{0,2})([^/?#:@]*):.*@`, 'is')
/** A password may lack its @, and then stands where a port should: where there is none, nothing is shown from there on. */
const noPort = new RegExp(String.raw`^(${SCHEME}//(?:[^:/?#@]*@)?(?:${HOST}(?::${PORT})?,)*${HOST}:)(?!${PORT}).*`, 'is')
/** The value of any parameter that no store has. */
const unknownValue = /([?&](?!(?:layout|path|topic|session-timeout|command-config)=)[^=&#]*=)[^&#]*/gi

/** The URL as it may be shown: without what is a password, or may be one. */
export function withoutPassword(url: string): string {
  return url.replace(password, '$1$2@').replace(noPort, '$1…').replace(unknownValue, '$1…')
}
