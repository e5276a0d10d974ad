import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseRevision, formatRevision } from '../../src/store/zookeeper/revision.ts'
import { parseUrl } from '../../src/store/zookeeper/url.ts'
import { code } from '../../src/testing/conformance/harness.ts'

describe('a zookeeper: URL', () => {
  it('names several servers, a chroot and parameters', () => {
    assert.deepEqual(parseUrl('zookeeper://h1,h2:2182,[::1]:2183,[fe80::1]/kafka/x%20y/?layout=classic&session-timeout=6000'), {
      servers: [
        { host: 'h1', port: 2181 },
        { host: 'h2', port: 2182 },
        { host: '::1', port: 2183 },
        { host: 'fe80::1', port: 2181 },
      ],
      credentials: undefined,
      chroot: '/kafka/x y',
      sessionTimeout: 6_000,
      perTopic: undefined,
    })
  })

  it('with layout=per-topic says where the strings are, and whose', () => {
    const perTopic = (query: string) => parseUrl(`zookeeper://h/kafka?layout=per-topic${query}`).perTopic
    assert.deepEqual(perTopic(''), { path: '/spark/offsets/{group}', topic: undefined })
    assert.deepEqual(perTopic('&path=/a%20b/{group}/offsets'), { path: '/a b/{group}/offsets', topic: undefined })
    assert.deepEqual(perTopic('&path=/{group}&topic=orders'), { path: '/{group}', topic: 'orders' })
  })

  it('without a path means the root', () => {
    for (const url of ['zookeeper://h', 'zookeeper://h/', 'ZooKeeper://h/?layout=classic', 'zookeeper://h?layout=classic']) {
      assert.deepEqual([parseUrl(url).chroot, parseUrl(url).servers], ['', [{ host: 'h', port: 2181 }]], url)
    }
  })

  it('takes a password with any characters, percent-encoded, and an unencoded @ or colon too', () => {
    assert.equal(parseUrl('zookeeper://anna:p%2Fw%40%3A%25@h').credentials, 'anna:p/w@:%')
    assert.equal(parseUrl('zookeeper://anna:p@w:x@h:2181').credentials, 'anna:p@w:x')
  })

  const bad = [
    'zookeeper:',
    'zookeeper://',
    'zookeeper:///kafka',
    'zookeeper://h:port',
    'zookeeper://h:0',
    'zookeeper://h:70000',
    'zookeeper://h1,,h2',
    'zookeeper://h 1',
    'zookeeper://::1:2181',
    'zookeeper://h//kafka',
    'zookeeper://h/a/../b',
    'zookeeper://h/a%00b',
    'zookeeper://h/a%',
    'zookeeper://h#part',
    'zookeeper://h?layout=storm',
    'zookeeper://h?timeout=5',
    'zookeeper://h?path=/spark/{group}',
    'zookeeper://h?topic=orders',
    'zookeeper://h?layout=per-topic&chroot=/x',
    'zookeeper://h?layout=per-topic&path=/spark/offsets',
    'zookeeper://h?layout=per-topic&path=spark/{group}',
    'zookeeper://h?layout=per-topic&path=/spark/{group}/',
    'zookeeper://h?layout=per-topic&path=/spark/{group}-offsets',
    'zookeeper://h?layout=per-topic&path=/{group}/{group}',
    'zookeeper://h?layout=per-topic&path=/tidemark/{group}',
    'zookeeper://h?layout=per-topic&path=/../{group}',
    'zookeeper://h?layout=per-topic&topic=a/b',
    'zookeeper://h?layout=per-topic&topic=',
    'zookeeper://h?session-timeout=5s',
    'zookeeper://h?session-timeout=0',
    'zookeeper://anna@h',
    'zookeeper://:SECRET@h',
    'zookeeper://anna:SECRET%@h',
    'zookeeper://anna:SECRET/x@h',
    'zookeeper://anna:SECRET?x@h',
    'zookeeper://anna:SECRET#x@h',
    'zookeeper://anna:1/SECRET@h',
    'zookeeper://anna:SECRET@h?layout=no',
    'zookeeper:anna:SECRET@h',
    'zookeeper:/anna:SECRET',
  ]
  for (const url of bad) {
    it(`${url} is refused, and no password is shown`, () => {
      assert.throws(
        () => parseUrl(url),
        (error: Error) => {
          assert.doesNotMatch(error.message, /SECRET/)
          return code('USAGE')(error)
        },
      )
    })
  }

  for (const url of [
    'zookeeper://anna:SECRET',
    'zookeeper://anna:1SECRET',
    'zookeeper://anna:SECRET/kafka',
    'zookeeper://anna:pass/SECRET',
    'zookeeper://anna:pass?SECRET=x',
    'zookeeper://anna:pass#SECRET',
    'zookeeper://anna:pass,SECRET',
    'zookeeper://anna:pass:SECRET',
    'zookeeper://h1:2181,anna:SECRET',
    'zookeeper://anna:123456789',
  ]) {
    it(`${url} lacks the @ after its password, which is not taken and shown for a port`, () => {
      assert.throws(
        () => parseUrl(url),
        (error: Error) => {
          assert.doesNotMatch(error.message, /SECRET|pass[^w]|6789/)
          return code('USAGE')(error)
        },
      )
    })
  }

  it('with a bad server shows which, and what a password needs', () => {
    assert.throws(() => parseUrl('zookeeper://h1:2181,anna:SECRET/kafka'), {
      message: /^zookeeper:\/\/h1:2181,anna:… can't be used: server 2 is no host:port, or a password that lacks its @\. /,
    })
    assert.throws(() => parseUrl('zookeeper://h1,[::1]:2181,h:70000/kafka'), {
      message: /^zookeeper:\/\/h1,\[::1\]:2181,h:70000\/kafka can't be used: server 3 is/,
    })
  })

  it('with a layout that there is not says which there are', () => {
    assert.throws(() => parseUrl('zookeeper://h?layout=storm'), /no layout "storm".*layout=classic and layout=per-topic/)
  })
})

describe('a revision', () => {
  it('comes back as it was made', () => {
    for (const text of ['- - 0', '0@0x1f 12@0xffffffffffffffff 3', '7@0x2 - 0', '- 0@0x9 ?']) {
      assert.equal(formatRevision(parseRevision(text)), text)
    }
  })

  for (const text of ['', 'none', '17', '1@0x1 1@0x1', '1@0x1 1@0x1 1 ']) {
    it(`${JSON.stringify(text)} of another store is refused`, () => {
      assert.throws(() => parseRevision(text), code('USAGE'))
    })
  }
})
