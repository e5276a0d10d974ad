import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { waitFor } from '../lab/wait.ts'
import type { TidemarkError } from '../src/errors.ts'
import { connect } from '../src/kafka/connect.ts'
import { openStore } from '../src/store/store.ts'
import type { Ended } from './cli/command.ts'
import { formsOf, leaked } from './secrets/forms.ts'
import { Scene, secret, secrets } from './secrets/scene.ts'

let scene: Scene

before(async () => {
  scene = await Scene.open()
  // What stands in the PEM file of a key is a secret too, line by line.
  const lines = readFileSync(scene.client.key, 'utf8').split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.length > 20 && !line.startsWith('-----')) secrets[`private key, line ${index}`] = line
  }
  assert.ok(Object.keys(secrets).some((name) => name.startsWith('private key')))
})
after(() => scene?.[Symbol.asyncDispose]())

const group = ['--group', 'demo']

/** Runs the command with stack traces, and finds no secret in anything that it writes. */
async function discreet(properties: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const [verb = '', ...rest] = args
  const ended = await scene.tidemark(properties, [verb, '--verbose', ...rest], env)
  const output = ended.stdout + ended.stderr
  assert.deepEqual(leaked(output, secrets), [], `${args.join(' ')}: ${output}`)
  // The command's last guard had nothing to take out.
  assert.doesNotMatch(output, /\*\*\*/)
  return ended
}

/** As {@link discreet}, of what a library's user has: an error with all that it was caused by. */
async function discreetly(work: () => Promise<unknown>): Promise<Error> {
  const failure: unknown = await work().catch((error: unknown) => error)
  assert.ok(failure instanceof Error, 'it did not fail')
  assert.deepEqual(leaked(`${inspect(failure, { depth: 10, showHidden: true })} ${JSON.stringify(failure)}`, secrets), [])
  return failure
}

it('a secret is found in every form in which it may get out', () => {
  const found = 'pl41n/S3cret+One'
  for (const text of [
    `x${found}x`,
    `password=${encodeURIComponent(found)}`,
    Buffer.from(found).toString('hex'),
    ...['', 'a', 'ab', 'abc'].flatMap((before) => {
      const bytes = Buffer.from(`${before}${found}:after`)
      return [bytes.toString('base64'), bytes.toString('base64url')]
    }),
  ]) {
    assert.deepEqual(leaked(text, { it: found }), ['it'], text)
  }
  assert.deepEqual(leaked('pl41n and S3cret', { it: found }), [])
  assert.ok(formsOf(found).every((form) => form.length > 10))
})

describe('no secret gets out where all is well', { timeout: 300_000 }, () => {
  const ways = {
    'PLAIN and JKS': () => scene.properties(scene.plain(), scene.keystore('JKS')),
    'SCRAM and PEM': () => scene.properties(scene.scram(), scene.keystore('PEM')),
    'OAUTHBEARER and PKCS12': () => scene.properties(scene.oauth()),
  }

  it('by PLAIN: every verb that says what is wrong and mends it, and the ledger', async () => {
    const file = ways['PLAIN and JKS']()
    const reset = ['reset', ...group, '--topic', 'orders', '--to-offset', '0', '--execute']
    assert.equal((await discreet(file, reset)).code, 0)
    await scene.expire(2)
    for (const [args, code] of [
      [['check', ...group], 3],
      [['check', ...group, '-o', 'json'], 3],
      [['explain', 'demo', 'orders', '0'], 3],
      [['repair', ...group, '-o', 'json'], 3],
      [['repair', ...group, '--execute'], 0],
    ] as const) {
      const ended = await discreet(file, args)
      assert.equal(ended.code, code, `${args.join(' ')}: ${ended.stderr}`)
    }
    assert.match((await discreet(file, ['ledger', ...group])).stdout, /expired +earliest/)
    assert.match((await discreet(file, ['ledger', ...group, '-o', 'json'])).stdout, /"verdict": ?"expired"/)
  })

  for (const [way, properties] of Object.entries(ways)) {
    it(`by ${way}: check and run`, async () => {
      const file = properties()
      const handler = scene.file('.mjs', 'export default async () => {}')
      const ran = await discreet(file, ['run', ...group, '--topic', 'orders', '--handler', handler, '--until-end'])
      assert.equal(ran.code, 0, ran.stderr)
      const checked = await discreet(file, ['check', ...group])
      assert.equal(checked.code, 0, checked.stderr)
    })
  }

  it('by watch: its lines, its metrics, and its webhook that nobody hears', async () => {
    const clusters = (store: string, password?: string): object => ({
      prod: {
        'bootstrap-server': scene.kafka.bootstrapServers,
        'command-config': scene.properties(scene.scram(password)),
        stores: { zk: { store, groups: ['demo'] } },
      },
    })
    const watched = (one: object, listen: string | boolean): string => {
      const webhook = `http://u:${encodeURIComponent(secret('password of a URL'))}@127.0.0.1:1/${encodeURIComponent(secret('token of a webhook'))}`
      const alerts = { hook: { webhook, headers: { authorization: `Bearer ${secret('token of a webhook')}` } } }
      return scene.file('.json', JSON.stringify({ listen, interval: '200ms', clusters: one, alerts }))
    }
    const properties = scene.properties(scene.plain())
    const well = await discreet(properties, ['watch', watched(clusters(scene.store()), false), '--once'])
    assert.equal(well.code, 0, well.stderr)
    const denied = await discreet(properties, ['watch', watched(clusters(scene.store(), secret('wrong password')), false), '--once'])
    assert.equal(denied.code, 4, denied.stderr)
    const down = `zookeeper://u:${encodeURIComponent(secret('wrong ZooKeeper password'))}@127.0.0.1:1`
    const { process: child, written, ended } = scene.start(properties, ['watch', watched(clusters(down), '127.0.0.1:0')])
    const address = await waitFor(
      'the metrics to be served',
      () => /127\.0\.0\.1:(?!0\b|1\b)\d+/.exec(written.stderr + written.stdout)?.[0],
    )
    const metrics = await waitFor('a round', async () => {
      const text = await (await fetch(`http://${address}/metrics`)).text()
      return text.includes('demo') || text.includes('zk') ? text : undefined
    })
    const health = await (await fetch(`http://${address}/healthz`)).text()
    child.kill('SIGTERM')
    const { stdout, stderr } = await ended
    assert.deepEqual(leaked([metrics, health, stdout, stderr].join('\n'), secrets), [])
  })
})

describe('no secret gets out where something is wrong', { timeout: 300_000 }, () => {
  const wrong = (): string => secret('wrong password')
  const ways: Record<string, [() => string, RegExp]> = {
    'a wrong PLAIN password': [() => scene.properties(scene.plain(wrong())), /KAFKA_DENIED/],
    'a wrong SCRAM password': [() => scene.properties(scene.scram(wrong())), /KAFKA_DENIED/],
    'a wrong client secret': [() => scene.properties(scene.oauth(wrong())), /KAFKA_DENIED: .*answered 401 invalid_client/],
    'a token end point that is down': [
      () =>
        scene.properties(
          scene.oauth(wrong(), `http://u:${encodeURIComponent(wrong())}@127.0.0.1:1/token?key=${encodeURIComponent(wrong())}`),
        ),
      /UNREACHABLE: .*the token end point http:\/\/127\.0\.0\.1:1\/token can't be asked: connection refused/,
    ],
    'a wrong key store password': [() => scene.properties(scene.plain(), scene.keystore('PKCS12', wrong())), /USAGE: .*password is wrong/],
    'a wrong key password': [
      () => scene.properties(scene.plain(), scene.keystore('JKS', secret('key store password'), wrong())),
      /USAGE: .*password is wrong/,
    ],
    'a damaged PEM key': [
      () =>
        scene.properties(
          scene.plain(),
          scene.keystore('PEM').map((line) => line.replace(/(key=.{80})./s, '$1!')),
        ),
      /USAGE: .*can't be used/,
    ],
    'a key for which no password is given': [
      () => scene.properties(scene.plain(), [`ssl.keystore.location=${scene.pkcs12}`, `ssl.truststore.password=${wrong()}`]),
      /USAGE: .*no password is given/,
    ],
    Kerberos: [() => scene.properties([...scene.plain(), 'sasl.mechanism=GSSAPI']), /USAGE: .*Kerberos/],
    'a password in the wrong place': [
      () => scene.properties(['sasl.mechanism=PLAIN', `sasl.jaas.config=x required user="u" passwort="${wrong()}";`]),
      /USAGE: .*names no username and password/,
    ],
    'an escape that is none beside a password': [
      () => scene.properties(['sasl.mechanism=PLAIN', `sasl.jaas.config=x required username=u password=${wrong()}\\u12;`]),
      /USAGE: line 3 of /,
    ],
  }
  for (const [what, [properties, message]] of Object.entries(ways)) {
    it(`as ${what}`, async () => {
      const file = properties()
      const ended = await discreet(file, ['check', ...group, '--topic', 'orders'])
      assert.match(ended.stderr + ended.stdout, message)
      await discreetly(async () => {
        await using log = await connect({ bootstrapServers: scene.kafka.bootstrapServers, properties: file, timeoutMs: 6000 })
        await log.topics()
      })
    })
  }

  it('as a job that is not let in', async () => {
    const handler = scene.file('.mjs', 'export default async () => {}')
    const args = ['run', ...group, '--topic', 'orders', '--handler', handler, '--until-end']
    for (const lines of [scene.plain(wrong()), scene.scram(wrong()), scene.oauth(wrong())]) {
      assert.match((await discreet(scene.properties(lines), args)).stderr, /KAFKA_DENIED/)
    }
  })

  it('as servers that are out of reach', async () => {
    const properties = scene.properties(scene.scram())
    const noKafka = await discreet(properties, ['check', ...group, '--topic', 'orders'], { TIDEMARK_BOOTSTRAP_SERVER: '127.0.0.1:1' })
    assert.match(noKafka.stderr + noKafka.stdout, /UNREACHABLE/)
    const away = scene.store().replace(scene.zooKeeper.connectString, '127.0.0.1:1')
    assert.match((await discreet(properties, ['check', ...group], { TIDEMARK_STORE: away })).stderr, /STORE_UNREACHABLE/)
  })

  it('as a ZooKeeper that refuses the password', async () => {
    const properties = scene.properties(scene.plain())
    const args = ['reset', ...group, '--topic', 'orders', '--to-latest', '--execute']
    const mine = await discreet(properties, args)
    assert.equal(mine.code, 0, mine.stderr)
    const refused = await discreet(properties, ['reset', ...group, '--topic', 'orders', '--to-offset', '7', '--execute'], {
      TIDEMARK_STORE: scene.store('wrong ZooKeeper password'),
    })
    assert.match(refused.stderr + refused.stdout, /STORE_DENIED/)
  })

  it("as a store's URL that can't be used", async () => {
    const password = encodeURIComponent(secret('password of a URL'))
    const properties = scene.properties(scene.plain())
    for (const store of [
      `postgres://u:${password}@h/db`,
      `postgres://h/db?password=${password}`,
      `u:${password}@h`,
      `kafka://u:${password}@h:9092`,
      `kafka://h:9092?password=${password}`,
      `kafka://h:9092?command-config=x&token=${password}`,
      `sqlite://u:${password}@h/x`,
      `sqlite:x?password=${password}`,
      `//u:${password}@h`,
      `zookeeper://u:${password}@h?layout=none`,
      `zookeeper://u:${secret('password of a URL')}@h`,
      `spark-checkpoint:s3://key:${password}@bucket/x`,
      `spark-checkpoint:hdfs://u:${password}@h:9870/x`,
      `spark-checkpoint:ftp://u:${password}@h/x`,
      `spark-checkpoint:file://u:${password}@h/x`,
      // Without an @.
      `zookeeper://u:${password}`,
      `zookeeper://u:${password}/kafka?layout=classic`,
      `kafka://u:${password}`,
      `kafka://u:${password}?layout=none`,
      `//u:${password}`,
      `sqlite://u:${password}`,
      `spark-checkpoint:s3://key:${password}/x`,
      `spark-checkpoint:hdfs://u:${password}/x`,
      `spark-checkpoint:file://u:${password}/x`,
      // As parameters that there are not.
      `zookeeper://h?digest=u:${password}`,
      `kafka://h:9092?credentials=${password}`,
      `sqlite:x?key=${password}`,
    ]) {
      // The command has a second guard, a library has none: the error itself must not hold it.
      assert.equal(((await discreetly(() => openStore(store))) as TidemarkError).code, 'USAGE', store)
    }
    const ended = await discreet(properties, ['check', ...group], { TIDEMARK_STORE: `zookeeper://u:${password}@h?layout=none` })
    assert.equal(ended.code, 2, ended.stderr)
    const lacksAt = await discreet(properties, ['check', ...group], { TIDEMARK_STORE: `zookeeper://u:${password}` })
    assert.equal(lacksAt.code, 2, lacksAt.stderr)
  })

  it('as a bootstrap server with a password', async () => {
    const password = secret('password of a URL')
    for (const server of [
      `u:${password}@h:9092`,
      `https://u:${password}@h:9092`,
      `u:${password}`,
      `https://u:${password}`,
      `h:1,u:${password}`,
    ]) {
      const failure = await discreetly(() => connect({ bootstrapServers: server }))
      assert.equal((failure as TidemarkError).code, 'USAGE')
    }
  })

  it('as options that are none, or have no such value', async () => {
    const properties = scene.properties(scene.plain())
    for (const option of ['--stroe', '--output', '--timeout']) {
      const { code, stdout, stderr } = await scene.tidemark(properties, ['check', ...group, `${option}=${scene.store()}`])
      assert.equal(code, 2, stderr)
      assert.deepEqual(leaked(stdout + stderr, secrets), [], stderr)
    }
  })

  it('as S3 that refuses, or is out of reach', async () => {
    const properties = scene.properties(scene.plain())
    for (const endpoint of ['http://127.0.0.1:1', scene.tokenEndpoint]) {
      const env = { TIDEMARK_STORE: 'spark-checkpoint:s3://bucket/checkpoint', AWS_ENDPOINT_URL: endpoint }
      const ended = await discreet(properties, ['check', ...group], env)
      assert.match(ended.stderr, /STORE_(UNREACHABLE|DENIED)/)
    }
  })

  it('as a profile with a wrong setting', async () => {
    const [password, store] = [secret('password of a URL'), `postgres://u:${encodeURIComponent(secret('password of a URL'))}@h/db`]
    for (const profiles of [
      JSON.stringify({ profiles: { default: { store, password } } }),
      `{ "profiles": { "default": { "store": "${store}" `,
    ]) {
      const ended = await discreet(scene.properties(scene.plain()), ['check', ...group, '--config', scene.file('.json', profiles)])
      assert.equal(ended.code, 2, ended.stderr)
    }
  })
})
