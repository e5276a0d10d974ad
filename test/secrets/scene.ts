import { Admin, alterUserScramCredentialsV0, Connection, Producer } from '@platformatic/kafka'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import { unsecuredTokens } from '../../src/kafka/oauth/unsecured.ts'
import { start, type Ended, type Running } from '../cli/command.ts'
import { Authority, convert, type Issued } from '../kafka/certificates.ts'

/** Each may be recognised wherever it gets out, and looks different in a URL and in base64. */
export const secrets: Record<string, string> = {
  'PLAIN password': 'pl41n/S3cret+One',
  'SCRAM password': 'scr4m/S3cret+Two',
  'wrong password': 'wr0ng/S3cret+Not',
  'key store password': 'st0re/S3cret+Three',
  'key password': 'k3y/S3cret+Four',
  'OAuth client secret': 'cl13nt/S3cret+Five',
  'ZooKeeper password': 'z00/S3cret+Six',
  'wrong ZooKeeper password': 'z00/S3cret+Seven',
  'AWS secret access key': 'aws/S3cret+Eight',
  'password of a URL': 'url/S3cret+Nine',
  'token of a webhook': 'h00k/S3cret+Ten',
}

/** Of a secret by its name. */
export function secret(name: keyof typeof secrets): string {
  return secrets[name] ?? ''
}

const LOGIN = 'org.apache.kafka.common.security'
const OAUTH = `${LOGIN}.oauthbearer.OAuthBearerLoginModule required`

/** A Kafka that wants certificates and passwords, a ZooKeeper, a token end point, and the real command with settings for them. */
export class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-secrets-'))
  readonly authority = new Authority(this.folder)
  readonly client: Issued = this.authority.issue('client')
  readonly pkcs12 = this.authority.pkcs12(this.client, 'client', secret('key store password'))
  kafka!: KafkaCluster
  zooKeeper!: ZooKeeperServer
  #issuer!: Server
  #admin!: Admin
  #files = 0

  static async open(): Promise<Scene> {
    const scene = new Scene()
    const keystore = scene.authority.pkcs12(scene.authority.issue('broker'), 'broker', 'of-the-broker')
    ;[scene.kafka, scene.zooKeeper] = await Promise.all([startKafka({ properties: scene.#securedBy(keystore) }), startZooKeeper()])
    await scene.#fill()
    scene.#issuer = createServer((request, response) => {
      const expected = `Basic ${Buffer.from(`tidemark:${secret('OAuth client secret')}`).toString('base64')}`
      const isWelcome = request.headers.authorization === expected
      const token = unsecuredTokens({ unsecuredLoginStringClaim_sub: 'tidemark' }, '')(Date.now())
      // An end point that says all that it heard.
      const refusal = { error: 'invalid_client', error_description: `not ${request.headers.authorization}` }
      response.writeHead(isWelcome ? 200 : 401).end(JSON.stringify(isWelcome ? { access_token: token } : refusal))
    })
    scene.#issuer.listen(0, '127.0.0.1')
    await once(scene.#issuer, 'listening')
    return scene
  }

  get tokenEndpoint(): string {
    return `http://127.0.0.1:${(this.#issuer.address() as AddressInfo).port}/token`
  }

  /** A store in ZooKeeper that is opened with a password. */
  store(name = 'ZooKeeper password'): string {
    return `zookeeper://tidemark:${encodeURIComponent(secret(name))}@${this.zooKeeper.connectString}`
  }

  /** A properties file of these lines, and those that name certificates. */
  properties(lines: readonly string[], certificates: readonly string[] = this.keystore('PKCS12')): string {
    return this.file('.properties', ['security.protocol=SASL_SSL', ...lines, ...certificates].join('\n'))
  }

  file(ending: string, text: string): string {
    const path = join(this.folder, `${this.#files++}${ending}`)
    writeFileSync(path, text)
    return path
  }

  /** The client's key and the authority in a form that Java knows. */
  keystore(form: 'PKCS12' | 'JKS' | 'PEM', password = secret('key store password'), keyPassword = secret('key password')): string[] {
    const trust = ['ssl.truststore.type=PEM', `ssl.truststore.location=${this.authority.certificate}`]
    const inline = (file: string): string => readFileSync(file, 'utf8').replaceAll('\n', '\\n')
    if (form === 'PEM') {
      const chain = `ssl.keystore.certificate.chain=${inline(this.client.certificate)}`
      return [...trust, 'ssl.keystore.type=PEM', `ssl.keystore.key=${inline(this.client.key)}`, chain]
    }
    if (form === 'PKCS12') return [...trust, `ssl.keystore.location=${this.pkcs12}`, `ssl.keystore.password=${password}`]
    const jks = join(this.folder, `${this.#files++}.jks`)
    const ofKey = ['-srcalias', 'client', '-destkeypass', secret('key password')]
    convert(this.pkcs12, jks, 'JKS', secret('key store password'), ...ofKey)
    return [...trust, `ssl.keystore.location=${jks}`, `ssl.keystore.password=${password}`, `ssl.key.password=${keyPassword}`]
  }

  plain(password = secret('PLAIN password')): string[] {
    return ['sasl.mechanism=PLAIN', `sasl.jaas.config=${LOGIN}.plain.PlainLoginModule required username="tidemark" password="${password}";`]
  }

  scram(password = secret('SCRAM password')): string[] {
    const jaas = `sasl.jaas.config=${LOGIN}.scram.ScramLoginModule required username="tidemark" password="${password}";`
    return ['sasl.mechanism=SCRAM-SHA-512', jaas]
  }

  oauth(clientSecret = secret('OAuth client secret'), endpoint = this.tokenEndpoint): string[] {
    return [
      'sasl.mechanism=OAUTHBEARER',
      `sasl.login.callback.handler.class=${LOGIN}.oauthbearer.OAuthBearerLoginCallbackHandler`,
      `sasl.oauthbearer.token.endpoint.url=${endpoint}`,
      `sasl.jaas.config=${OAUTH} clientId="tidemark" clientSecret="${clientSecret}";`,
    ]
  }

  /** Runs the real command with its settings in the environment. */
  tidemark(properties: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
    return this.start(properties, args, env).ended
  }

  start(properties: string, args: readonly string[], env: Record<string, string> = {}): Running {
    const settings = {
      TIDEMARK_BOOTSTRAP_SERVER: this.kafka.bootstrapServers,
      TIDEMARK_COMMAND_CONFIG: properties,
      TIDEMARK_STORE: this.store(),
      TIDEMARK_TIMEOUT: '6s',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: secret('AWS secret access key'),
      AWS_REGION: 'eu-central-1',
    }
    return start(args, { cwd: this.folder, env: { ...settings, ...env } })
  }

  /** Removes the records below an offset of orders-0. */
  async expire(offset: number): Promise<void> {
    await this.#admin.deleteRecords({ topics: [{ name: 'orders', partitions: [{ partition: 0, offset: BigInt(offset) }] }] })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#issuer?.close()
    await this.#admin?.close()
    await Promise.all([this.kafka?.close(), this.zooKeeper?.close()])
    rmSync(this.folder, { recursive: true })
  }

  #securedBy(keystore: string): Record<string, string> {
    const password = secret('PLAIN password')
    const plain = `${LOGIN}.plain.PlainLoginModule required username="tidemark" password="${password}" user_tidemark="${password}";`
    return {
      'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512,OAUTHBEARER',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'listener.name.plaintext.plain.sasl.jaas.config': plain,
      'listener.name.plaintext.scram-sha-512.sasl.jaas.config': `${LOGIN}.scram.ScramLoginModule required;`,
      'listener.name.plaintext.oauthbearer.sasl.jaas.config': `${OAUTH} unsecuredLoginStringClaim_sub="admin";`,
      'listener.name.plaintext.ssl.client.auth': 'required',
      'ssl.keystore.location': keystore,
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.password': 'of-the-broker',
      'ssl.truststore.location': this.authority.certificate,
      'ssl.truststore.type': 'PEM',
    }
  }

  /** Ten records, and the user with a SCRAM password. */
  async #fill(): Promise<void> {
    const { key, certificate } = this.client
    const tls = { ca: readFileSync(this.authority.certificate), key: readFileSync(key), cert: readFileSync(certificate) }
    const security = { tls, sasl: { mechanism: 'PLAIN', username: 'tidemark', password: secret('PLAIN password') } } as const
    const { port } = this.kafka.broker()
    const client = { clientId: 'lab', bootstrapBrokers: [`127.0.0.1:${port}`], ...security }
    this.#admin = new Admin(client)
    await this.#admin.createTopics({ topics: ['orders'], partitions: 1, replicas: 1 })
    const producer = new Producer({ ...client, retries: 20, retryDelay: 100 })
    const messages = Array.from({ length: 10 }, (_, index) => ({ topic: 'orders', partition: 0, value: Buffer.from(`record ${index}`) }))
    await producer.send({ messages, acks: -1 })
    await producer.close()
    const connection = new Connection('lab', security)
    await connection.connect('127.0.0.1', port)
    const salt = randomBytes(16)
    const saltedPassword = pbkdf2Sync(secret('SCRAM password'), salt, 4096, 64, 'sha512')
    const credential = { name: 'tidemark', mechanism: 2, iterations: 4096, salt, saltedPassword }
    await alterUserScramCredentialsV0.api.async(connection, [], [credential])
    await connection.close()
  }
}
