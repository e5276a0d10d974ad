import { Admin, alterUserScramCredentialsV0, Connection, createAPI, Producer, Writer } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { connect } from '../../src/kafka/connect.ts'
import { openWire } from '../../src/kafka/wire.ts'

describe('a connection for fetches', () => {
  let server: Server
  let accepted: Socket[]

  before(async () => {
    accepted = []
    server = createServer((socket) => accepted.push(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })

  after(() => server.close())

  /** Asks for some bytes; the answer's header is its ID and, after it, no tagged fields. */
  const echo = createAPI<[], string>(
    99,
    0,
    () => Writer.create(),
    (_id, _key, _version, reader) => reader.buffer.buffer.toString('latin1', reader.position),
  )

  async function open(): Promise<{ wire: Connection; other: Socket; errors: Error[] }> {
    const wire = openWire({ clientId: 'test' })
    const errors: Error[] = []
    wire.on('error', (error) => errors.push(error))
    await wire.connect('127.0.0.1', (server.address() as AddressInfo).port)
    while (accepted.length === 0) await turn()
    return { wire, other: accepted.pop() as Socket, errors }
  }

  function answer(id: number, text: string): Buffer {
    const frame = Buffer.alloc(4 + 4 + 1 + text.length)
    frame.writeInt32BE(frame.length - 4, 0)
    frame.writeInt32BE(id, 4)
    frame.write(text, 9, 'latin1')
    return frame
  }

  it('reads answers of any size, however they are cut on their way', async () => {
    const { wire, other } = await open()
    const texts = ['', 'short', 'l'.repeat(70_000), 'L'.repeat(3_000_000), 'x'.repeat(20_000_000), 'last']
    const all = Buffer.concat(texts.map((text, index) => answer(index + 1, text)))
    const answers = texts.map(() => echo.async(wire))
    const cuts = [1, 3, 4, 9, 14, 60_000, 70_100, 70_103, 1_000_000, 3_070_000, 23_000_000, all.length - 15, all.length - 2, all.length]
    let from = 0
    for (const to of cuts) {
      other.write(all.subarray(from, to))
      from = to
      await sleep(2)
    }
    assert.deepEqual(
      (await Promise.all(answers)).map((text) => [text.length, text[0]]),
      texts.map((text) => [text.length, text[0]]),
    )
    wire.close(() => {})
  })

  it('fails what is under way when it is lost, and what is sent after that', async () => {
    const { wire, other } = await open()
    const closed = once(wire, 'close')
    const asked = echo.async(wire)
    other.write(answer(1, 'not all of it').subarray(0, 10))
    other.end()
    await assert.rejects(asked, /connection closed/)
    await closed
    await assert.rejects(echo.async(wire), /connection closed/)
  })

  it('closes where the other side does not speak the protocol', async () => {
    for (const nonsense of [
      Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      answer(77, 'nobody asked'),
      Buffer.from([0xff, 0xff, 0xff, 0xff]),
    ]) {
      const { wire, other, errors } = await open()
      const asked = echo.async(wire)
      other.write(nonsense)
      await assert.rejects(asked, /connection closed/)
      assert.equal(errors.length, 1)
    }
  })
})

describe('fetching from a cluster that wants TLS and SASL', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-wire-'))
  const [keystore, certificate] = [join(folder, 'broker.p12'), join(folder, 'broker.pem')]
  let kafka: KafkaCluster
  let topicId = ''

  before(async () => {
    makeCertificate(keystore, certificate)
    kafka = await startKafka({ properties: securedBy(keystore) })
    topicId = await prepare(kafka.broker().port, readFileSync(certificate))
  })

  after(async () => {
    await kafka?.close()
    rmSync(folder, { recursive: true })
  })

  for (const [module, mechanism] of [
    ['plain.PlainLoginModule', 'PLAIN'],
    ['scram.ScramLoginModule', 'SCRAM-SHA-256'],
    ['scram.ScramLoginModule', 'SCRAM-SHA-512'],
  ] as const) {
    it(`works with ${mechanism}, and beyond the time that an authentication lasts`, async () => {
      const properties = join(folder, `${mechanism}.properties`)
      const jaas = `org.apache.kafka.common.security.${module} required username="admin" password="secret-1";`
      const lines = ['security.protocol=SASL_SSL', `sasl.mechanism=${mechanism}`, `sasl.jaas.config=${jaas}`]
      writeFileSync(properties, [...lines, 'ssl.truststore.type=PEM', `ssl.truststore.location=${certificate}`].join('\n'))
      await using log = await connect({ bootstrapServers: kafka.bootstrapServers, properties })
      const reader = log.reader({ isolation: 'read_committed', maxBufferedBytes: 1 << 20 })
      for (let round = 0; round < 3; round++) {
        reader.assign({ topic: 'orders', partition: 0, topicId, offset: round })
        const { slices } = await reader.take({ maxRecords: 10, maxBytes: 1 << 20, maxWaitMs: 10_000 })
        assert.deepEqual(
          slices.flatMap(({ records }) => [...records].map(({ value }) => String(value))),
          ['a', 'b', 'c', 'd'].slice(round),
        )
        await sleep(700)
      }
      await reader.close()
    })
  }
})

function makeCertificate(keystore: string, certificate: string): void {
  const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', 'secret-4', '-alias', 'broker']
  const subject = ['-keyalg', 'RSA', '-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1', '-validity', '2']
  execFileSync('keytool', ['-genkeypair', ...store, ...subject], { stdio: 'ignore' })
  execFileSync('keytool', ['-exportcert', ...store, '-rfc', '-file', certificate], { stdio: 'ignore' })
}

function securedBy(keystore: string): Record<string, string | number> {
  const [plain, scram] = ['plain.PlainLoginModule', 'scram.ScramLoginModule'].map(
    (name) => `org.apache.kafka.common.security.${name} required`,
  )
  return {
    'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.plaintext.plain.sasl.jaas.config': `${plain} username="admin" password="secret-1" user_admin="secret-1";`,
    'listener.name.plaintext.scram-sha-256.sasl.jaas.config': `${scram};`,
    'listener.name.plaintext.scram-sha-512.sasl.jaas.config': `${scram};`,
    'ssl.keystore.location': keystore,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': 'secret-4',
    'ssl.truststore.location': keystore,
    'ssl.truststore.type': 'PKCS12',
    'ssl.truststore.password': 'secret-4',
    // The broker closes a connection that is used for longer without authenticating again (KIP-368).
    'connections.max.reauth.ms': 1000,
  }
}

/** A topic with four records, and the user in all three ways of proving it. Returns the topic's ID. */
async function prepare(port: number, ca: Buffer): Promise<string> {
  const security = { tls: { ca }, sasl: { mechanism: 'PLAIN', username: 'admin', password: 'secret-1' } } as const
  const client = { clientId: 'lab', bootstrapBrokers: [`127.0.0.1:${port}`], ...security }
  const admin = new Admin(client)
  const [created] = await admin.createTopics({ topics: ['orders'], partitions: 1, replicas: 1 })
  await admin.close()
  const producer = new Producer({ ...client, retries: 20, retryDelay: 100 })
  await producer.send({
    messages: ['a', 'b', 'c', 'd'].map((value) => ({ topic: 'orders', partition: 0, value: Buffer.from(value) })),
    acks: -1,
  })
  await producer.close()
  const connection = new Connection('lab', security)
  await connection.connect('127.0.0.1', port)
  const salt = randomBytes(16)
  // One request for each: a user twice in one is refused.
  for (const [index, digest] of ['sha256', 'sha512'].entries()) {
    const saltedPassword = pbkdf2Sync('secret-1', salt, 4096, digest === 'sha256' ? 32 : 64, digest)
    const credential = { name: 'admin', mechanism: index + 1, iterations: 4096, salt, saltedPassword }
    await alterUserScramCredentialsV0.api.async(connection, [], [credential])
  }
  await connection.close()
  return created?.id ?? ''
}
