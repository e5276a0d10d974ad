import { Admin, AclOperations, AclPermissionTypes, Producer, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import type { TidemarkError } from '../../src/errors.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Log } from '../../src/kafka/log.ts'
import { unsecuredTokens } from '../../src/kafka/oauth/unsecured.ts'
import { Authority } from './certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidemark-oauth-'))
const module = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required'
const handler = 'sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler'
const credentials = 'clientId="tide mark" clientSecret="secret-client" scope="kafka" extension_traceId="7 up"'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

let kafka: KafkaCluster
let topicId = ''
let issuer: Server
/** What the end point does with the next requests. */
let answer: Answer
let asked: { authorization: string | undefined; body: string }[] = []
let files = 0

before(async () => {
  kafka = await startKafka({
    properties: {
      'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'sasl.enabled.mechanisms': 'OAUTHBEARER',
      'sasl.mechanism.inter.broker.protocol': 'OAUTHBEARER',
      'listener.name.plaintext.oauthbearer.sasl.jaas.config': `${module} unsecuredLoginStringClaim_sub="admin";`,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:admin;User:ANONYMOUS',
      'connections.max.reauth.ms': 60_000,
    },
  })
  await prepare(kafka.bootstrapServers)
  issuer = createServer((request, response) => void receive(request, response))
  issuer.listen(0, '127.0.0.1')
  await once(issuer, 'listening')
})

after(async () => {
  issuer?.close()
  await kafka?.close()
  rmSync(folder, { recursive: true })
})

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
  asked.push({ authorization: request.headers.authorization, body: await text(request) })
  answer(request, response)
}

function json(status: number, body: object): Answer {
  return (_request, response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** An unsigned token, good from now on for so many seconds. */
function tokenFor(sub: string, seconds: number): string {
  const options = { unsecuredLoginStringClaim_sub: sub, unsecuredLoginLifetimeSeconds: String(seconds) }
  return unsecuredTokens(options, 'test')(Date.now())
}

/** As admin: a topic with one record that alice may read, and one that she may not see. */
async function prepare(bootstrapServers: string): Promise<void> {
  const sasl = { mechanism: 'OAUTHBEARER', token: () => tokenFor('admin', 3600) } as const
  const client = { clientId: 'lab', bootstrapBrokers: bootstrapServers.split(','), sasl }
  const admin = new Admin(client)
  const created = await admin.createTopics({ topics: ['open', 'closed'], partitions: 1, replicas: 1 })
  topicId = created.find(({ name }) => name === 'open')?.id ?? ''
  const alice = { principal: 'User:alice', host: '*', operation: AclOperations.READ, permissionType: AclPermissionTypes.ALLOW }
  const open = { resourceType: ResourceTypes.TOPIC, resourceName: 'open', resourcePatternType: ResourcePatternTypes.LITERAL }
  await admin.createAcls({ creations: [{ ...open, ...alice }] })
  await admin.close()
  const producer = new Producer({ ...client, retries: 20, retryDelay: 100 })
  await producer.send({ messages: [{ topic: 'open', partition: 0, value: Buffer.from('a record') }], acks: -1 })
  await producer.close()
}

function endpoint(path = '/token'): string {
  return `http://127.0.0.1:${(issuer.address() as AddressInfo).port}${path}`
}

function logWith(...lines: string[]): Promise<Log> {
  asked = []
  const path = join(folder, `${files++}.properties`)
  writeFileSync(path, ['security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=OAUTHBEARER', ...lines].join('\n'))
  return connect({ bootstrapServers: kafka.bootstrapServers, properties: path })
}

function withEndpoint(url = endpoint(), options = credentials): Promise<Log> {
  return logWith(handler, `sasl.oauthbearer.token.endpoint.url=${url}`, `sasl.jaas.config=${module} ${options};`)
}

async function isLetIn(log: Log): Promise<void> {
  const states = async (): Promise<string[]> => {
    const facts = await log.facts(['open', 'closed'].map((topic) => ({ topic, partition: 0 })))
    return facts.map((each) => (each.state === 'unknown' ? each.reason : each.state))
  }
  await waitFor('the rights to be known', async () => (await states())[0] === 'known')
  // As alice, and nobody else.
  assert.deepEqual(await states(), ['known', 'TOPIC_AUTHORIZATION_FAILED'])
}

async function isRead(log: Log): Promise<void> {
  const reader = log.reader({ isolation: 'read_committed', maxBufferedBytes: 1 << 20 })
  reader.assign({ topic: 'open', partition: 0, topicId, offset: 0 })
  const { slices } = await reader.take({ maxRecords: 10, maxBytes: 1 << 20, maxWaitMs: 10_000 })
  assert.deepEqual(
    slices.flatMap(({ records }) => [...records].map(({ value }) => String(value))),
    ['a record'],
  )
  await reader.close()
}

/** What asking fails with; it holds no secret. */
async function failureOf(opening: Promise<Log>): Promise<TidemarkError> {
  const failure = await opening
    .then(async (log) => {
      await using open = log
      await open.topics()
      return assert.fail('it was let in')
    })
    .catch((error: TidemarkError) => error)
  assert.doesNotMatch(`${failure.message} ${failure.stack}`, /secret[-./\n]|eyJ/)
  return failure
}

describe('OAUTHBEARER with unsigned tokens', { timeout: 120_000 }, () => {
  it('is let in as who it says it is', async () => {
    await using log = await logWith(`sasl.jaas.config=${module} unsecuredLoginStringClaim_sub="alice";`)
    await isLetIn(log)
    await isRead(log)
  })

  it('is not let in with a token that has expired, and says what the broker said', async () => {
    const jaas = `${module} unsecuredLoginStringClaim_sub="alice" unsecuredLoginLifetimeSeconds="-10";`
    const failure = await failureOf(logWith(`sasl.jaas.config=${jaas}`))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /the broker refused the token \(invalid_token\)/)
  })
})

describe('OAUTHBEARER with a token end point', { timeout: 120_000 }, () => {
  it('asks it by client credentials, once for all connections', async () => {
    answer = json(200, { access_token: tokenFor('alice', 3600), token_type: 'Bearer', expires_in: 3600 })
    await using log = await withEndpoint()
    await isLetIn(log)
    await isRead(log)
    assert.deepEqual(asked, [
      {
        authorization: `Basic ${Buffer.from('tide mark:secret-client').toString('base64')}`,
        body: 'grant_type=client_credentials&scope=kafka',
      },
    ])
  })

  it('takes ID, secret and scope from the properties of Kafka 4.1 too, URL-encoded where that is asked for', async () => {
    answer = json(200, { access_token: tokenFor('alice', 3600) })
    await using log = await logWith(
      handler,
      `sasl.oauthbearer.token.endpoint.url=${endpoint()}`,
      'sasl.oauthbearer.client.credentials.client.id=tide mark',
      'sasl.oauthbearer.client.credentials.client.secret=secret/client',
      'sasl.oauthbearer.scope=a b',
      'sasl.oauthbearer.header.urlencode=true',
    )
    await isLetIn(log)
    assert.deepEqual(asked, [
      {
        authorization: `Basic ${Buffer.from('tide+mark:secret%2Fclient').toString('base64')}`,
        body: 'grant_type=client_credentials&scope=a+b',
      },
    ])
  })

  it('stays connected for longer than a token is good, with new ones', async () => {
    answer = (request, response) => json(200, { access_token: tokenFor('alice', 2) })(request, response)
    await using log = await withEndpoint()
    const end = Date.now() + 5000
    while (Date.now() < end) {
      assert.equal((await log.facts([{ topic: 'open', partition: 0 }]))[0]?.state, 'known')
      await sleep(50)
    }
    await isRead(log)
    assert.ok(asked.length >= 3, `${asked.length} tokens`)
  })

  it('reads a token out of a file, each time that one is needed', async () => {
    const file = join(folder, 'a token')
    writeFileSync(file, `${tokenFor('alice', 3600)}\n`)
    await using log = await logWith(handler, `sasl.oauthbearer.token.endpoint.url=file://${file.replaceAll(' ', '%20')}`)
    await isLetIn(log)
  })

  it('trusts whom sasl.jaas.config says, where the end point has TLS', async (test) => {
    const authority = new Authority(folder)
    const { key, certificate } = authority.issue('idp')
    const secure = createTlsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
      json(200, { access_token: tokenFor('alice', 3600) })(request, response)
    })
    secure.listen(0, '127.0.0.1')
    test.after(() => secure.close())
    await once(secure, 'listening')
    const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/token`
    const failure = await failureOf(withEndpoint(url))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /the token end point https:.* can't be asked: TLS failed: /)
    const trust = `ssl.truststore.location="${authority.truststore('PKCS12', 'secret-trust')}" ssl.truststore.password="secret-trust"`
    await using log = await withEndpoint(url, `${credentials} ${trust}`)
    await isLetIn(log)
  })
})

describe('a token end point that gives none', { timeout: 120_000 }, () => {
  for (const [what, respond, code, message] of [
    [
      'refuses the client',
      json(401, { error: 'invalid_client', error_description: 'secret-client is wrong' }),
      'KAFKA_DENIED',
      /answered 401 invalid_client/,
    ],
    ['refuses, and quotes the secret as its error', json(400, { error: 'secret-client' }), 'KAFKA_DENIED', /answered 400/],
    ['is not there', json(404, {}), 'KAFKA_DENIED', /answered 404/],
    ['sends on to another', json(302, {}), 'KAFKA_DENIED', /answered 302/],
    ['is overloaded', json(503, {}), 'KAFKA_UNREACHABLE', /answered 503/],
    ['gives no token', json(200, { token: 'secret-token' }), 'KAFKA_DENIED', /gave no token/],
    ['gives one with a line break', json(200, { access_token: 'secret\ntoken' }), 'KAFKA_DENIED', /gave no token/],
    ['speaks no JSON', (_, response) => response.end('<html>secret-page'), 'KAFKA_DENIED', /gave no token/],
    ['gives one that the broker refuses', json(200, { access_token: 'secret.token.x' }), 'KAFKA_DENIED', /the broker refused the token/],
    ['hangs up', (_, response) => response.destroy(), 'KAFKA_UNREACHABLE', /the connection was lost/],
    ['is silent', () => {}, 'KAFKA_UNREACHABLE', /no answer in time/],
  ] as readonly [string, Answer, string, RegExp][]) {
    it(`because it ${what}`, async () => {
      answer = respond
      const failure = await failureOf(withEndpoint(endpoint('/token?key=secret-parameter')))
      assert.equal(failure.code, code)
      assert.match(failure.message, message)
    })
  }

  it('because it is down', async () => {
    const failure = await failureOf(withEndpoint('http://127.0.0.1:1/token'))
    assert.equal(failure.code, 'KAFKA_UNREACHABLE')
    assert.match(failure.message, /the token end point http:\/\/127\.0\.0\.1:1\/token can't be asked: connection refused/)
  })

  it('because its file is not there', async () => {
    const failure = await failureOf(logWith(handler, 'sasl.oauthbearer.token.endpoint.url=file:///nowhere'))
    assert.equal(failure.code, 'USAGE')
    assert.match(failure.message, /\/nowhere can't be read: ENOENT/)
  })
})
