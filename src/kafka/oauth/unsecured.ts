import { TidemarkError } from '../../errors.ts'
import type { JaasOptions } from '../jaas.ts'

type Claims = Record<string, string | number | readonly string[]>

const OPTION = /^unsecuredLogin(String|Number|List)Claim_(.+)$/

/**
 * Makes tokens that nobody signed, as Java's OAuthBearerUnsecuredLoginCallbackHandler does: for development.
 * @returns what makes one that is good from a time on, ms
 * @throws TidemarkError USAGE where the options name nobody, or a number that is none
 */
export function unsecuredTokens(jaas: JaasOptions, path: string): (now: number) => string {
  const claims = readClaims(jaas, path)
  const principal = jaas['unsecuredLoginPrincipalClaimName'] ?? 'sub'
  if (claims[principal] === undefined) {
    throw new TidemarkError('USAGE', `${path}: sasl.jaas.config says neither who logs in nor where to get a token`, {
      hint:
        'Set sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler and ' +
        'sasl.oauthbearer.token.endpoint.url, or for development unsecuredLoginStringClaim_sub="…"',
    })
  }
  const lifetime = toNumber(jaas['unsecuredLoginLifetimeSeconds'] ?? '3600', 'unsecuredLoginLifetimeSeconds', path)
  return (now) => {
    const iat = Math.floor(now / 1000)
    return `${encode({ alg: 'none' })}.${encode({ iat, exp: iat + lifetime, ...claims })}.`
  }
}

function readClaims(jaas: JaasOptions, path: string): Claims {
  const claims: Claims = {}
  for (const [option, value = ''] of Object.entries(jaas)) {
    const [, type, name = ''] = OPTION.exec(option) ?? []
    if (type === 'String') claims[name] = value
    else if (type === 'Number') claims[name] = toNumber(value, option, path)
    // The first character is what stands between the others: `|a|b`.
    else if (type === 'List') claims[name] = value === '' ? [] : value.slice(1).split(value.slice(0, 1))
  }
  return claims
}

function toNumber(text: string, option: string, path: string): number {
  const number = Number(text)
  if (text.trim() !== '' && Number.isFinite(number)) return number
  throw new TidemarkError('USAGE', `${path}: ${option} in sasl.jaas.config is no number`)
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}
