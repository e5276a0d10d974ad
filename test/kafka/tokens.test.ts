import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { TidemarkError } from '../../src/errors.ts'
import { expiryOf, renewed, type Token } from '../../src/kafka/oauth/tokens.ts'
import { unsecuredTokens } from '../../src/kafka/oauth/unsecured.ts'
import { loadProperties } from '../../src/kafka/properties.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidemark-tokens-'))
after(() => rmSync(folder, { recursive: true }))

/** A clock to be moved by hand, and an end point whose answers are numbered. */
function scene(): { at: { now: number }; count: () => number; fail: (yes: boolean) => void; token: () => Promise<string> } {
  const at = { now: 0 }
  let [requests, failing] = [0, false]
  const request = async (): Promise<Token> => {
    requests++
    if (failing) throw new Error('down')
    return { text: `token ${requests}`, expiresAt: at.now + 100 }
  }
  return { at, count: () => requests, fail: (yes) => (failing = yes), token: renewed(request, () => at.now) }
}

describe('a token', () => {
  it('is asked for once by all who come at once, and kept until four fifths of its life are over', async () => {
    const { at, count, token } = scene()
    assert.deepEqual(await Promise.all([token(), token()]), ['token 1', 'token 1'])
    at.now = 79
    assert.equal(await token(), 'token 1')
    at.now = 80
    assert.equal(await token(), 'token 2')
    assert.equal(count(), 2)
  })

  it('serves while no new one can be had, until it expires', async () => {
    const { at, fail, token } = scene()
    await token()
    fail(true)
    at.now = 99
    assert.equal(await token(), 'token 1')
    at.now = 100
    await assert.rejects(token(), /down/)
    fail(false)
    assert.equal(await token(), 'token 4')
  })

  it('is asked for each time where nobody knows how long it is good', async () => {
    let requests = 0
    const token = renewed(async () => ({ text: `${++requests}`, expiresAt: undefined }))
    assert.deepEqual([await token(), await token()], ['1', '2'])
  })

  it('says when it expires if it is a JSON web token', () => {
    const claims = (text: string): string => `x.${Buffer.from(text).toString('base64url')}.x`
    assert.equal(expiryOf(claims('{"exp":12.5}')), 12_500)
    assert.deepEqual(['opaque', '', claims('{"exp":"12"}'), claims('null'), claims('{}')].map(expiryOf), Array(5).fill(undefined))
  })

  it('without a signature is like those that Java makes', () => {
    const make = unsecuredTokens(
      {
        unsecuredLoginStringClaim_sub: 'alice',
        unsecuredLoginNumberClaim_level: '1.5',
        unsecuredLoginListClaim_roles: '|a|b',
        unsecuredLoginLifetimeSeconds: '60',
        other: 'x',
      },
      'client.properties',
    )
    const [header, claims, signature] = make(5_500).split('.')
    const decoded = [header, claims].map((part = '') => JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown)
    assert.deepEqual(decoded, [{ alg: 'none' }, { iat: 5, exp: 65, sub: 'alice', level: 1.5, roles: ['a', 'b'] }])
    assert.equal(signature, '')
  })
})

describe('properties for OAUTHBEARER', () => {
  const handler = 'sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler'
  const url = (text: string): string => `sasl.oauthbearer.token.endpoint.url=${text}`
  const jaas = (options: string): string => `sasl.jaas.config=M required ${options};`
  const client = jaas('clientId="a" clientSecret="hush"')

  function load(...lines: string[]): ReturnType<typeof loadProperties> {
    const path = join(folder, 'client.properties')
    writeFileSync(path, ['security.protocol=SASL_SSL', 'sasl.mechanism=OAUTHBEARER', ...lines].join('\n'))
    return loadProperties(path)
  }

  it('may name what goes beside the token', async () => {
    const { sasl } = await load(handler, url('https://idp/token'), jaas('clientId=a clientSecret=b extension_traceId="7 up"'))
    assert.deepEqual(sasl?.oauthBearerExtensions, { traceId: '7 up' })
    const unsecured = await load(jaas('unsecuredLoginStringClaim_sub=a unsecuredLoginExtension_x=y'))
    assert.deepEqual(unsecured.sasl?.oauthBearerExtensions, { x: 'y' })
  })

  for (const [why, lines, message] of [
    ['nobody named', [], /says neither who logs in nor where to get a token.*OAuthBearerLoginCallbackHandler/],
    [
      'a life that is no number',
      [jaas('unsecuredLoginStringClaim_sub=a unsecuredLoginLifetimeSeconds=hush')],
      /LifetimeSeconds .*is no number/,
    ],
    [
      "another's class",
      ['sasl.login.callback.handler.class=software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler'],
      /IAMOAuthBearerLoginCallbackHandler is not supported/,
    ],
    [
      'assertions',
      [handler, 'sasl.oauthbearer.jwt.retriever.class=org.apache.kafka.common.security.oauthbearer.JwtBearerJwtRetriever'],
      /JwtBearerJwtRetriever is not supported/,
    ],
    ['no end point', [handler, client], /token\.endpoint\.url is not set/],
    ['an end point that is none', [handler, url('hush'), client], /is no URL of the kind https: or file:/],
    [
      'a secret sent in the clear',
      [handler, url('http://u:hush@idp/token?x=hush'), client],
      /http:\/\/idp\/token would be sent .*unencrypted/,
    ],
    ['no client', [handler, url('https://idp/token'), jaas('clientId="hush"')], /names no clientId and clientSecret/],
    [
      'an extension that is none',
      [handler, url('https://idp/token'), jaas('clientId=a clientSecret=b extension_auth=hush')],
      /extension_auth/,
    ],
    [
      'trust that can not be read',
      [handler, url('https://idp/token'), jaas('clientId=a clientSecret=hush ssl.truststore.location=/nowhere')],
      /\/nowhere can't be read/,
    ],
  ] as const) {
    it(`are refused for ${why}`, async () => {
      await assert.rejects(load(...lines), (error: TidemarkError) => {
        assert.equal(error.code, 'USAGE')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /hush/)
        return true
      })
    })
  }
})
