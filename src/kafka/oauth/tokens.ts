/** A bearer token, and until when it is good if that is known, ms. */
export interface Token {
  readonly text: string
  readonly expiresAt: number | undefined
}

/** How much of a token's life is over when the next one is asked for, as in Java. */
const RENEWED_AFTER = 0.8

/**
 * Hands out one token for as long as it is good, and asks for the next before it is not; whoever comes meanwhile shares the answer.
 * While no new token can be had, the old one serves until it expires.
 */
export function renewed(request: () => Promise<Token>, now: () => number = Date.now): () => Promise<string> {
  let held: (Token & { readonly renewAt: number }) | undefined
  let asking: Promise<string> | undefined

  const ask = async (): Promise<string> => {
    const asked = now()
    try {
      const token = await request()
      held = { ...token, renewAt: asked + ((token.expiresAt ?? asked) - asked) * RENEWED_AFTER }
    } catch (error) {
      if (held?.expiresAt === undefined || held.expiresAt <= now()) throw error
    }
    return held.text
  }

  return async () => {
    if (held !== undefined && now() < held.renewAt) return held.text
    asking ??= ask().finally(() => (asking = undefined))
    return asking
  }
}

/** When a JSON web token says that it expires (its claim `exp`), ms; undefined where it does not, or is none. Nothing of it is verified: that is the broker's to do. */
export function expiryOf(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const { exp } = claims as { readonly exp?: unknown }
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined
  } catch {
    // An opaque token.
    return undefined
  }
}
