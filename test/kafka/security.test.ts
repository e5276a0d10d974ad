import {
  Admin,
  AclOperations,
  AclPermissionTypes,
  alterUserScramCredentialsV0,
  Connection,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import type { TidemarkError } from '../../src/errors.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Log } from '../../src/kafka/log.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidemark-security-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

function logWith(bootstrapServers: string, ...properties: string[]): Promise<Log> {
  const path = join(folder, `${files++}.properties`)
  writeFileSync(path, properties.join('\n'))
  return connect({ bootstrapServers, properties: path, timeoutMs: 6000 })
}

/** What asking fails with; it names the server and no secret. */
async function failureOf(opening: Promise<Log>): Promise<TidemarkError> {
  await using log = await opening
  const failure = await log.topics().then(
    () => assert.fail('it was let in'),
    (error: TidemarkError) => error,
  )
  assert.match(failure.message, /127\.0\.0\.1:\d+: /)
  assert.doesNotMatch(failure.message, /secret|\n/)
  return failure
}

describe('a cluster that wants SASL', { timeout: 120_000 }, () => {
  let kafka: KafkaCluster

  const as = (user: string, password: string, mechanism = 'PLAIN'): Promise<Log> => {
    const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
    const jaas = `org.apache.kafka.common.security.${module} required username="${user}" password="${password}";`
    return logWith(kafka.bootstrapServers, 'security.protocol=SASL_PLAINTEXT', `sasl.mechanism=${mechanism}`, `sasl.jaas.config=${jaas}`)
  }

  before(async () => {
    const module = 'org.apache.kafka.common.security.plain.PlainLoginModule'
    kafka = await startKafka({
      properties: {
        'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        'listener.name.plaintext.plain.sasl.jaas.config': `${module} required username="admin" password="secret-1" user_admin="secret-1" user_alice="secret-2";`,
        'listener.name.plaintext.scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'super.users': 'User:admin;User:ANONYMOUS',
        // So short that a connection has to authenticate again and again (KIP-368).
        'connections.max.reauth.ms': 1000,
      },
    })
    await prepare(kafka.broker().port)
  })

  after(async () => {
    await kafka?.close()
  })

  for (const [user, password, mechanism] of [
    ['alice', 'secret-2', 'PLAIN'],
    ['bob', 'secret-3', 'SCRAM-SHA-256'],
  ] as const) {
    it(`lets ${user} in by ${mechanism}, and says of each topic alone what is not allowed`, async () => {
      await using log = await as(user, password, mechanism)
      const states = async (): Promise<string[]> => {
        const facts = await log.facts(['open', 'closed', 'gone'].map((topic) => ({ topic, partition: 0 })))
        return facts.map((each) => (each.state === 'unknown' ? each.reason : each.state))
      }
      await waitFor('the rights to be known', async () => (await states())[0] === 'known')
      // The broker does not even tell whether a topic exists that one may not see.
      assert.deepEqual(await states(), ['known', 'TOPIC_AUTHORIZATION_FAILED', 'TOPIC_AUTHORIZATION_FAILED'])
    })
  }

  it('lets a connection stay for longer than one authentication lasts', async () => {
    await using log = await as('alice', 'secret-2')
    const end = Date.now() + 3000
    while (Date.now() < end) {
      assert.equal((await log.facts([{ topic: 'open', partition: 0 }]))[0]?.state, 'known')
      await sleep(5)
    }
  })

  it('refuses a wrong password', async () => {
    assert.equal((await failureOf(as('alice', 'secret-9'))).code, 'KAFKA_DENIED')
    assert.equal((await failureOf(as('bob', 'secret-9', 'SCRAM-SHA-256'))).code, 'KAFKA_DENIED')
  })

  it('refuses a mechanism that it does not offer', async () => {
    const failure = await failureOf(as('alice', 'secret-2', 'SCRAM-SHA-512'))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /sasl\.mechanism/)
  })

  it('closes the connection of a client without SASL, and the error says what that may mean', async () => {
    const failure = await failureOf(connect({ bootstrapServers: kafka.bootstrapServers, timeoutMs: 6000 }))
    assert.match(failure.message, /SASL/)
  })
})

/** As admin: two topics, one of which everybody may see, and a SCRAM user. */
async function prepare(port: number): Promise<void> {
  const sasl = { mechanism: 'PLAIN', username: 'admin', password: 'secret-1' } as const
  const admin = new Admin({ clientId: 'lab', bootstrapBrokers: [`127.0.0.1:${port}`], sasl })
  await admin.createTopics({ topics: ['open', 'closed'], partitions: 1, replicas: 1 })
  const everybody = { principal: 'User:*', host: '*', operation: AclOperations.DESCRIBE, permissionType: AclPermissionTypes.ALLOW }
  const open = { resourceType: ResourceTypes.TOPIC, resourceName: 'open', resourcePatternType: ResourcePatternTypes.LITERAL }
  await admin.createAcls({ creations: [{ ...open, ...everybody }] })
  await admin.close()
  const connection = new Connection('lab', { sasl })
  await connection.connect('127.0.0.1', port)
  const salt = randomBytes(16)
  const saltedPassword = pbkdf2Sync('secret-3', salt, 4096, 32, 'sha256')
  const sha256 = 1
  await alterUserScramCredentialsV0.api.async(connection, [], [{ name: 'bob', mechanism: sha256, iterations: 4096, salt, saltedPassword }])
  await connection.close()
}

describe('a cluster that wants TLS', { timeout: 120_000 }, () => {
  const keystore = join(folder, 'broker.p12')
  const certificate = join(folder, 'broker.pem')
  let kafka: KafkaCluster

  before(async () => {
    const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', 'secret-4', '-alias', 'broker']
    execFileSync(
      'keytool',
      ['-genkeypair', ...store, '-keyalg', 'RSA', '-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1', '-validity', '2'],
      { stdio: 'ignore' },
    )
    execFileSync('keytool', ['-exportcert', ...store, '-rfc', '-file', certificate], { stdio: 'ignore' })
    kafka = await startKafka({
      properties: {
        'listener.security.protocol.map': 'PLAINTEXT:SSL,CONTROLLER:PLAINTEXT',
        'inter.broker.listener.name': 'PLAINTEXT',
        'ssl.keystore.location': keystore,
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.password': 'secret-4',
        'ssl.truststore.location': keystore,
        'ssl.truststore.type': 'PKCS12',
        'ssl.truststore.password': 'secret-4',
      },
    })
  })

  after(async () => {
    await kafka?.close()
  })

  it('is talked to by whoever trusts its certificate', async () => {
    const trust = ['security.protocol=SSL', 'ssl.truststore.type=PEM', `ssl.truststore.location=${certificate}`]
    await using log = await logWith(kafka.bootstrapServers, ...trust)
    assert.deepEqual(await log.topics(), [])
  })

  it('is refused by whoever does not', async () => {
    const failure = await failureOf(logWith(kafka.bootstrapServers, 'security.protocol=SSL'))
    assert.equal(failure.code, 'KAFKA_DENIED')
    assert.match(failure.message, /TLS failed: .*SELF_SIGNED/)
  })

  it('tells a client without TLS to use it', async () => {
    const failure = await failureOf(connect({ bootstrapServers: kafka.bootstrapServers, timeoutMs: 6000 }))
    assert.match(failure.message, /TLS/)
  })

  it('is told from a plain one', async () => {
    await using plain = await startKafka()
    const failure = await failureOf(logWith(plain.bootstrapServers, 'security.protocol=SSL'))
    assert.equal(failure.code, 'KAFKA_UNREACHABLE')
    assert.match(failure.message, /does this port speak TLS/)
    const sasl = [
      'security.protocol=SASL_PLAINTEXT',
      'sasl.mechanism=PLAIN',
      'sasl.jaas.config=M required username="alice" password="secret-2";',
    ]
    const refused = await failureOf(logWith(plain.bootstrapServers, ...sasl))
    assert.equal(refused.code, 'KAFKA_DENIED')
    assert.match(refused.message, /expects no SASL/)
  })
})
