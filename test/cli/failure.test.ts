import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodeOf, printFailure, withoutSecrets, worst } from '../../src/cli/failure.ts'
import { colourOf, evidenceCell, exitCodeFor } from '../../src/cli/verdicts.ts'
import { VERDICTS } from '../../src/core/verdict.ts'
import { TidemarkError } from '../../src/errors.ts'

test('a failure is one line with its code, whatever its message holds', () => {
  const error = new TidemarkError('STORE_CORRUPT', 'first line\n  second line\u001B[31m', { group: 'a\nb', hint: 'Look' })
  assert.equal(printFailure(error, false), 'tidemark: STORE_CORRUPT: first line second line (group a b). Look\n')
  assert.equal(printFailure('thrown text', false), 'tidemark: INTERNAL: thrown text\n')
})

test('only --verbose shows where it was thrown, and what caused it', () => {
  const error = new TidemarkError('INTERNAL', 'outer', { cause: new Error('inner') })
  assert.doesNotMatch(printFailure(error, false), /at |inner/)
  assert.match(printFailure(error, true), /failure\.test\.ts[^]*inner/)
})

for (const [text, shown] of [
  ['postgres://me:s3cr3t@host/db failed', 'postgres://me:***@host/db failed'],
  ['zookeeper://u:p@ss/w0rd@h1:2181,h2:2181/kafka', 'zookeeper://u:***@h1:2181,h2:2181/kafka'],
  ['sasl.jaas.config=x required username="me" password="s3cr3t";', 'sasl.jaas.config=x required username="me" password=***;'],
  ['ssl.keystore.password=s3cr3t', 'ssl.keystore.password=***'],
  ['?token=abc&x=1', '?token=***&x=1'],
  ['It reads like: password="…" clientSecret="…";', 'It reads like: password="…" clientSecret="…";'],
  ['http://localhost:9092/ is fine, so is a@b', 'http://localhost:9092/ is fine, so is a@b'],
  ['orders-0 [100, 900): broker 127.0.0.1:9092', 'orders-0 [100, 900): broker 127.0.0.1:9092'],
] as const) {
  test(`secrets are taken out of ${text}`, () => assert.equal(withoutSecrets(text), shown))
}

test('secrets are taken out of stack traces too', () => {
  const error = new TidemarkError('STORE_DENIED', 'refused', { cause: new Error('redis://me:s3cr3t@host') })
  assert.doesNotMatch(printFailure(error, true), /s3cr3t/)
})

test('errors end with the exit code of their kind', () => {
  const codes = (
    [
      'USAGE',
      'GROUP_NAME',
      'HANDLER_INVALID',
      'POLICY_FAIL',
      'LIMIT_EXCEEDED',
      'KAFKA_UNREACHABLE',
      'STORE_UNREACHABLE',
      'FACTS_UNKNOWN',
      'STORE_OUTCOME_UNKNOWN',
      'TOPIC_NOT_FOUND',
      'GROUP_ACTIVE',
      'HANDLER_FAILED',
    ] as const
  ).map((code) => exitCodeOf(new TidemarkError(code, '')))
  assert.deepEqual(codes, [2, 2, 2, 3, 3, 4, 4, 4, 4, 1, 1, 1])
  assert.equal(exitCodeOf(new Error('a bug')), 1)
})

test('verdicts end with 0, 3 or 4, and 4 wins over 3', () => {
  assert.deepEqual(
    VERDICTS.filter((verdict) => exitCodeFor(verdict) === 0),
    ['missing', 'valid'],
  )
  assert.deepEqual(
    VERDICTS.filter((verdict) => exitCodeFor(verdict) === 4),
    ['unknown'],
  )
  assert.deepEqual([worst([0, 3, 4, 3]), worst([3, 0, 1]), worst([])], [4, 3, 0])
})

test('what is well is green, what is a finding red, the rest yellow', () => {
  assert.deepEqual(
    VERDICTS.filter((verdict) => colourOf(verdict) !== 'red').map((verdict) => [verdict, colourOf(verdict)]),
    [
      ['unknown', 'yellow'],
      ['missing', 'yellow'],
      ['valid', 'green'],
    ],
  )
})

test('a valid offset has nothing to say but what could not be proven', () => {
  assert.equal(evidenceCell('valid', ['within']), null)
  assert.equal(evidenceCell('valid', ['within', 'identity not stored']), 'identity not stored')
  assert.equal(evidenceCell('expired', ['below', 'x']), 'below; x')
})
