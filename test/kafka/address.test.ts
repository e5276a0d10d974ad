import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseAddresses, printAddress } from '../../src/kafka/address.ts'

describe('bootstrap servers', () => {
  it('are host:port, in one list or several, with IPv6 in brackets', () => {
    assert.deepEqual(parseAddresses('a:9092, b.example:9093,'), [
      { host: 'a', port: 9092 },
      { host: 'b.example', port: 9093 },
    ])
    assert.deepEqual(parseAddresses(['[::1]:9092', '127.0.0.1:1']).map(printAddress), ['[::1]:9092', '127.0.0.1:1'])
  })

  for (const bad of [
    '',
    ' , ',
    'localhost',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    'localhost:abc',
    '::1:9092',
    'http://localhost:9092',
    'a b:9092',
  ]) {
    it(`refuse ${JSON.stringify(bad)}`, () => {
      assert.throws(() => parseAddresses(bad), { code: 'USAGE' })
    })
  }
})
