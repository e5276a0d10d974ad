import { Admin, alterUserScramCredentialsV0, Connection, Producer } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import type { TidemarkError } from '../../src/errors.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Log } from '../../src/kafka/log.ts'
import { Authority, convert, run, type Issued } from './certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidemark-mtls-'))
const password = 'secret-store'

const stores: Record<string, string[]> = {}
let kafka: KafkaCluster
let authority: Authority
let topicId = ''
let files = 0

before(async () => {
  authority = new Authority(folder)
  const client = authority.issue('client')
  makeStores(client)
  kafka = await startKafka({ properties: securedBy(authority.pkcs12(authority.issue('broker'), 'broker', password)) })
  topicId = await prepare(client)
})

after(async () => {
  await kafka?.close()
  rmSync(folder, { recursive: true })
})

/** The same key and the same authority in each of the forms that a properties file can name. */
function makeStores(client: Issued): void {
  const pkcs12 = authority.pkcs12(client, 'client', password)
  const jks = convert(pkcs12, join(folder, 'client.jks'), 'JKS', password)
  const otherKey = join(folder, 'client-2.jks')
  convert(pkcs12, otherKey, 'JKS', password, '-srcalias', 'client', '-destkeypass', 'secret-key')
  const encrypted = join(folder, 'client-encrypted.pem')
  run('openssl', 'pkcs8', '-topk8', '-in', client.key, '-out', encrypted, '-v2', 'aes256', '-passout', 'pass:secret-key')
  const pem = join(folder, 'client.pem')
  writeFileSync(pem, `${readFileSync(encrypted, 'utf8')}${readFileSync(client.certificate, 'utf8')}`)
  const inline = (file: string): string => readFileSync(file, 'utf8').replaceAll('\n', '\\n')
  const trustPem = ['ssl.truststore.type=PEM', `ssl.truststore.location=${authority.certificate}`]
  stores['PKCS12'] = [...named('truststore', 'PKCS12', authority.truststore('PKCS12', password)), ...named('keystore', 'PKCS12', pkcs12)]
  stores['JKS'] = [...named('truststore', 'JKS', authority.truststore('JKS', password)), ...named('keystore', 'JKS', jks)]
  stores['JKS with a password of its own for the key'] = [...trustPem, ...named('keystore', 'JKS', otherKey), 'ssl.key.password=secret-key']
  stores['PKCS12 under the name of JKS, which is the default'] = [...trustPem, ...named('keystore', undefined, pkcs12)]
  stores['PEM'] = [...trustPem, 'ssl.keystore.type=PEM', `ssl.keystore.location=${pem}`, 'ssl.key.password=secret-key']
  stores['PEM in the properties'] = [
    'ssl.truststore.type=PEM',
    `ssl.truststore.certificates=${inline(authority.certificate)}`,
    'ssl.keystore.type=PEM',
    `ssl.keystore.key=${inline(client.key)}`,
    `ssl.keystore.certificate.chain=${inline(client.certificate)}`,
  ]
}

function named(kind: 'truststore' | 'keystore', type: string | undefined, path: string): string[] {
  const typed = type === undefined ? [] : [`ssl.${kind}.type=${type}`]
  return [...typed, `ssl.${kind}.location=${path}`, `ssl.${kind}.password=${password}`]
}

function securedBy(keystore: string): Record<string, string> {
  const module = (name: string): string => `org.apache.kafka.common.security.${name} required`
  return {
    'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.plaintext.plain.sasl.jaas.config': `${module('plain.PlainLoginModule')} username="admin" password="secret-1" user_admin="secret-1";`,
    'listener.name.plaintext.scram-sha-256.sasl.jaas.config': `${module('scram.ScramLoginModule')};`,
    'listener.name.plaintext.scram-sha-512.sasl.jaas.config': `${module('scram.ScramLoginModule')};`,
    'ssl.enabled.protocols': 'TLSv1.3',
    // Both a certificate and a password (KIP-684).
    'listener.name.plaintext.ssl.client.auth': 'required',
    'ssl.keystore.location': keystore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': password,
    'ssl.truststore.location': authority.certificate,
    'ssl.truststore.type': 'PEM',
  }
}

/** A topic with one record, and the user in all three ways of proving it. Returns the topic's ID. */
async function prepare({ key, certificate }: Issued): Promise<string> {
  const tls = { ca: readFileSync(authority.certificate), key: readFileSync(key), cert: readFileSync(certificate) }
  const security = { tls, sasl: { mechanism: 'PLAIN', username: 'admin', password: 'secret-1' } } as const
  const { port } = kafka.broker()
  const client = { clientId: 'lab', bootstrapBrokers: [`127.0.0.1:${port}`], ...security }
  const admin = new Admin(client)
  const [created] = await admin.createTopics({ topics: ['orders'], partitions: 1, replicas: 1 })
  await admin.close()
  const producer = new Producer({ ...client, retries: 20, retryDelay: 100 })
  await producer.send({ messages: [{ topic: 'orders', partition: 0, value: Buffer.from('a record') }], acks: -1 })
  await producer.close()
  const connection = new Connection('lab', security)
  await connection.connect('127.0.0.1', port)
  const salt = randomBytes(16)
  for (const [index, digest] of ['sha256', 'sha512'].entries()) {
    const saltedPassword = pbkdf2Sync('secret-1', salt, 4096, digest === 'sha256' ? 32 : 64, digest)
    const credential = { name: 'admin', mechanism: index + 1, iterations: 4096, salt, saltedPassword }
    await alterUserScramCredentialsV0.api.async(connection, [], [credential])
  }
  await connection.close()
  return created?.id ?? ''
}

function logWith(lines: readonly string[], bootstrapServers = kafka.bootstrapServers, mechanism = 'SCRAM-SHA-512'): Promise<Log> {
  const path = join(folder, `${files++}.properties`)
  const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
  const jaas = `org.apache.kafka.common.security.${module} required username="admin" password="secret-1";`
  writeFileSync(path, ['security.protocol=SASL_SSL', `sasl.mechanism=${mechanism}`, `sasl.jaas.config=${jaas}`, ...lines].join('\n'))
  return connect({ bootstrapServers, properties: path, timeoutMs: 6000 })
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
  assert.doesNotMatch(failure.message, /secret-|\n/)
  return failure
}

/** The record, by a connection of the kind that fetches: facts go by the other kind. */
async function readAll(log: Log): Promise<string[]> {
  const [facts] = await log.facts([{ topic: 'orders', partition: 0 }])
  assert.equal(facts?.state, 'known')
  const reader = log.reader({ isolation: 'read_committed', maxBufferedBytes: 1 << 20 })
  reader.assign({ topic: 'orders', partition: 0, topicId, offset: 0 })
  const { slices } = await reader.take({ maxRecords: 10, maxBytes: 1 << 20, maxWaitMs: 10_000 })
  const values = slices.flatMap(({ records }) => [...records].map(({ value }) => String(value)))
  await reader.close()
  return values
}

describe('a cluster that wants a certificate and a password', { timeout: 120_000 }, () => {
  for (const form of [
    'PKCS12',
    'JKS',
    'JKS with a password of its own for the key',
    'PKCS12 under the name of JKS, which is the default',
    'PEM',
    'PEM in the properties',
  ]) {
    it(`is asked and read from with key and authority as ${form}`, async () => {
      await using log = await logWith(stores[form] as string[])
      assert.deepEqual(await readAll(log), ['a record'])
    })
  }

  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256']) {
    it(`is asked and read from with ${mechanism}`, async () => {
      await using log = await logWith(stores['PKCS12'] as string[], kafka.bootstrapServers, mechanism)
      assert.deepEqual(await readAll(log), ['a record'])
    })
  }

  it('refuses a client without a certificate', async () => {
    const trust = (stores['PKCS12'] as string[]).filter((line) => line.includes('truststore'))
    const failure = await failureOf(logWith(trust))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /TLS failed: ERR_SSL_/)
  })

  it("refuses another authority's certificate, and is refused where another authority is trusted", async () => {
    const stranger = new Authority(mkdtempSync(join(folder, 'stranger-')), 'stranger')
    const [trust, own] = [stores['PEM']?.slice(0, 2) ?? [], stores['PEM']?.slice(2) ?? []]
    const foreign = named('keystore', 'PKCS12', stranger.pkcs12(stranger.issue('client'), 'client', password))
    assert.equal((await failureOf(logWith([...trust, ...foreign]))).code, 'KAFKA_DENIED')
    const failure = await failureOf(logWith([...own, ...named('truststore', 'JKS', stranger.truststore('JKS', password))]))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /TLS failed: (UNABLE_TO|SELF_SIGNED)/)
  })

  it('is refused under a name that its certificate does not have, unless names are not compared', async () => {
    const servers = `localhost:${kafka.broker().port}`
    const lines = stores['PKCS12'] as string[]
    const failure = await failureOf(logWith(lines, servers))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /TLS failed: ERR_TLS_CERT_ALTNAME_INVALID/)
    await using log = await logWith([...lines, 'ssl.endpoint.identification.algorithm='], servers)
    assert.deepEqual(await readAll(log), ['a record'])
  })

  it('is spoken to in the versions of TLS that the properties name', async () => {
    const lines = stores['PEM'] as string[]
    const failure = await failureOf(logWith([...lines, 'ssl.enabled.protocols=TLSv1.2']))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /TLS failed: ERR_SSL_/)
    await using log = await logWith([...lines, 'ssl.enabled.protocols=TLSv1.2,TLSv1.3'])
    assert.deepEqual(await readAll(log), ['a record'])
  })

  it('trusts a certificate that is named by itself, whoever issued it', async () => {
    const own = (stores['PEM'] as string[]).slice(2)
    const broker = ['ssl.truststore.type=PEM', `ssl.truststore.location=${join(folder, 'broker-certificate.pem')}`]
    await using log = await logWith([...broker, ...own])
    assert.deepEqual(await readAll(log), ['a record'])
  })
})
