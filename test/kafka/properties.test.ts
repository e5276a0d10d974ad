import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { rootCertificates } from 'node:tls'
import type { TidemarkError } from '../../src/errors.ts'
import { loadProperties } from '../../src/kafka/properties.ts'
import { readProperties } from '../../src/kafka/properties-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidemark-properties-'))
after(() => rmSync(folder, { recursive: true }))

function fileWith(...lines: string[]): string {
  const path = join(folder, 'client.properties')
  writeFileSync(path, lines.join('\n'))
  return path
}

const plainModule = 'org.apache.kafka.common.security.plain.PlainLoginModule required'

describe('a properties file', () => {
  it('is read as Java reads it', () => {
    const text = [
      '# a comment with an escape that is none: \\u12',
      '  ! another',
      '',
      ' client.id = tide \\',
      '     mark',
      'a=1',
      'a=2',
      'colon:value',
      'empty=',
      String.raw`escaped=C\:\\dir\\ \u00fc \"quoted\" \# tab\tend`,
      'password=p%41${b}=c:d"e\'f',
      String.raw`even=ends in a backslash \\`,
      'last=1\\',
    ].join('\r\n')
    assert.deepEqual(Object.fromEntries(readProperties(text, 'x')), {
      'client.id': 'tide mark',
      a: '2',
      colon: 'value',
      empty: '',
      escaped: 'C:\\dir\\ ü "quoted" # tab\tend',
      password: 'p%41${b}=c:d"e\'f',
      even: 'ends in a backslash \\',
      last: '1',
    })
  })

  it('names the line of an escape that is none, and not what is in it', () => {
    const isDiscreet = (error: TidemarkError): boolean =>
      error.code === 'USAGE' && error.message.includes('line 2') && !error.message.includes('secret')
    assert.throws(() => readProperties('a=1\nsasl.jaas.config=secret \\u12', 'client.properties'), isDiscreet)
  })

  it('says which servers, which name and how long to wait; other keys are ignored', async () => {
    const path = fileWith('bootstrap.servers=a:1,b:2', 'client.id=audit', 'request.timeout.ms=5000', 'max.poll.records=5')
    assert.deepEqual(await loadProperties(path), { bootstrapServers: 'a:1,b:2', clientId: 'audit', timeoutMs: 5000 })
  })

  for (const [mechanism, module] of [
    ['PLAIN', plainModule],
    ['SCRAM-SHA-512', 'org.apache.kafka.common.security.scram.ScramLoginModule required'],
  ]) {
    it(`gives user and password for ${mechanism}`, async () => {
      const jaas = String.raw`${module} username="alice" \
        password="a \\"quoted\\" %41 = secret;" ;`
      const { sasl, tls } = await loadProperties(
        fileWith('security.protocol=SASL_PLAINTEXT', `sasl.mechanism=${mechanism}`, `sasl.jaas.config=${jaas}`),
      )
      assert.deepEqual(sasl, { mechanism, username: 'alice', password: 'a "quoted" %41 = secret;' })
      assert.equal(tls, undefined)
    })
  }

  it('gives user and password without quotes and in single ones', async () => {
    const { sasl } = await loadProperties(
      fileWith('security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=PLAIN', `sasl.jaas.config=${plainModule} username=bob password='s s';`),
    )
    assert.deepEqual(sasl, { mechanism: 'PLAIN', username: 'bob', password: 's s' })
  })

  it('takes certificates from a PEM file or from the properties themselves', async () => {
    const pem = rootCertificates[0] as string
    writeFileSync(join(folder, 'ca.pem'), pem)
    const named = await loadProperties(
      fileWith('security.protocol=ssl', 'ssl.truststore.type=PEM', `ssl.truststore.location=${join(folder, 'ca.pem')}`),
    )
    assert.equal(named.tls?.ca, pem)
    assert.equal(named.tls?.checkServerIdentity, undefined)
    const inline = `ssl.truststore.certificates=${pem.replaceAll('\n', '\\n')}`
    const given = await loadProperties(
      fileWith('security.protocol=SSL', 'ssl.truststore.type=PEM', inline, 'ssl.endpoint.identification.algorithm='),
    )
    assert.equal(given.tls?.ca, pem)
    assert.equal(typeof given.tls?.checkServerIdentity, 'function')
  })

  it('says which versions of TLS may be spoken', async () => {
    const versions = async (...lines: string[]): Promise<unknown> => {
      const { tls } = await loadProperties(fileWith('security.protocol=SSL', ...lines))
      return [tls?.minVersion, tls?.maxVersion]
    }
    assert.deepEqual(await versions(), [undefined, undefined])
    assert.deepEqual(await versions('ssl.enabled.protocols=TLSv1.3, TLSv1.2,TLSv1.1'), ['TLSv1.2', 'TLSv1.3'])
    assert.deepEqual(await versions('ssl.enabled.protocols=TLSv1.3'), ['TLSv1.3', 'TLSv1.3'])
    await assert.rejects(versions('ssl.enabled.protocols=SSLv3'), { code: 'USAGE', message: /names none of TLSv1\.2, TLSv1\.3/ })
  })

  for (const [why, lines, message] of [
    ['an unknown protocol', ['security.protocol=TLS'], /security\.protocol is TLS/],
    ['Kerberos', ['security.protocol=SASL_SSL', 'sasl.mechanism=GSSAPI'], /sasl\.mechanism GSSAPI \(Kerberos\) is not supported/],
    [
      'Kerberos where nothing is said',
      ['security.protocol=SASL_SSL'],
      /sasl\.mechanism is not set, .*GSSAPI \(Kerberos\) is not supported/,
    ],
    ["another's mechanism", ['security.protocol=SASL_SSL', 'sasl.mechanism=AWS_MSK_IAM'], /sasl\.mechanism AWS_MSK_IAM is not supported/],
    [
      "a class of Java's",
      ['security.protocol=SASL_SSL', 'sasl.mechanism=PLAIN', 'sasl.login.callback.handler.class=com.example.Vault'],
      /sasl\.login\.callback\.handler\.class is not supported/,
    ],
    [
      'a delegation token',
      [
        'security.protocol=SASL_SSL',
        'sasl.mechanism=SCRAM-SHA-256',
        'sasl.jaas.config=M required username=a password=secret tokenauth="true";',
      ],
      /delegation tokens .* are not supported/,
    ],
    [
      'a key store that is not there',
      ['security.protocol=SSL', 'ssl.keystore.location=/nowhere'],
      /ssl\.keystore\.location \/nowhere can't be read/,
    ],
    [
      'another kind of key store',
      ['security.protocol=SSL', 'ssl.truststore.location=/x', 'ssl.truststore.type=BCFKS'],
      /BCFKS is not supported/,
    ],
    [
      'a certificate that is none',
      ['security.protocol=SSL', 'ssl.keystore.type=PEM', 'ssl.keystore.key=secret'],
      /certificates or key can't be used/,
    ],
    [
      'a missing certificate file',
      ['security.protocol=SSL', 'ssl.truststore.type=PEM', 'ssl.truststore.location=/nowhere'],
      /\/nowhere can't be read: ENOENT/,
    ],
    ['a time-out that is no number', ['request.timeout.ms=soon'], /request\.timeout\.ms is "soon"/],
    [
      'no password',
      ['security.protocol=SASL_SSL', 'sasl.mechanism=PLAIN', 'sasl.jaas.config=M required username="secret";'],
      /names no username and password/,
    ],
  ] as const) {
    it(`refuses ${why}`, async () => {
      await assert.rejects(loadProperties(fileWith(...lines)), (error: TidemarkError) => {
        assert.equal(error.code, 'USAGE')
        assert.match(error.message, message)
        assert.doesNotMatch(error.message, /secret/)
        return true
      })
    })
  }

  it('refuses a file that is not there', async () => {
    await assert.rejects(loadProperties(join(folder, 'missing')), { code: 'USAGE', message: /missing can't be read: ENOENT/ })
  })
})
