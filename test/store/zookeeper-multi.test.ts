// One request that writes many znodes: its bytes are those of the client library, and what servers answer is read as they mean it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import library from 'node-zookeeper-client'
import jute from 'node-zookeeper-client/lib/jute/index.js'
import { decodeMulti, encodeMulti, type Acl } from '../../src/store/zookeeper/multi-write.ts'
import { codes, type Op } from '../../src/store/zookeeper/protocol.ts'

const MULTI = 14
const acls: readonly Acl[] = [
  { permissions: 31, scheme: 'auth', id: '' },
  { permissions: 5, scheme: 'world', id: 'anyone' },
]

const ops: readonly Op[] = [
  { kind: 'set', path: '/consumers/größe/offsets/t/0', data: Buffer.from('1200'), version: 0 },
  { kind: 'set', path: '/tidemark/g', data: Buffer.alloc(300, 'x'), version: 2 ** 31 - 1 },
  { kind: 'check', path: '/a', version: 7 },
  { kind: 'create', path: '/folder' },
  { kind: 'create', path: '/row-', data: Buffer.from('{}'), mode: 'sequential', shared: true },
  { kind: 'create', path: '/member', data: Buffer.alloc(0), mode: 'ephemeral' },
]

/** The same in the library's words. */
function asTheLibrary(op: Op): object {
  const { CREATE, SET_DATA, CHECK } = { CREATE: 1, SET_DATA: 5, CHECK: 13 }
  if (op.kind === 'check') return { type: CHECK, path: op.path, version: op.version }
  if (op.kind === 'set') return { type: SET_DATA, path: op.path, data: op.data, version: op.version }
  const { PERSISTENT: persistent, PERSISTENT_SEQUENTIAL: sequential, EPHEMERAL: ephemeral } = library.CreateMode
  const mode = { persistent, sequential, ephemeral }[op.mode ?? 'persistent']
  const entries = acls.map(({ permissions, scheme, id }) => new library.ACL(permissions, new library.Id(scheme, id)))
  return { type: CREATE, path: op.path, data: op.data, acls: entries, mode }
}

/** An answer: the transaction 0x11, then these results. */
function answer(...results: Buffer[]): Buffer {
  const head = Buffer.alloc(20)
  head.writeBigInt64BE(0x11n, 8)
  return Buffer.concat([head, ...results, Buffer.from('ffffffff01ffffffff', 'hex')])
}

function result(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeInt32BE(type, 0)
  return Buffer.concat([head, body])
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Of a znode that transaction 0x2a wrote. */
function stat(): Buffer {
  const bytes = Buffer.alloc(68)
  bytes.writeBigInt64BE(0x2an, 8)
  return bytes
}

describe('a multi', () => {
  it('has the bytes that the client library makes of it', () => {
    const theirs = new jute.Request(new jute.protocol.RequestHeader(4711, MULTI), new jute.TransactionRequest(ops.map(asTheLibrary)))
    assert.deepEqual(
      encodeMulti(4711, ops, () => acls),
      theirs.toBuffer(),
    )
  })

  it('that was applied says as which transaction: that of what it set, or its own', () => {
    const created = result(1, Buffer.concat([int(2), Buffer.from('/a')]))
    assert.deepEqual(decodeMulti(answer(created, result(13, Buffer.alloc(0)), result(5, stat()))), { ok: true, zxid: '0x2a' })
    assert.deepEqual(decodeMulti(answer(created)), { ok: true, zxid: '0x11' })
  })

  it('that was not says which operation it was for', () => {
    const failed = (code: number): Buffer => result(-1, int(code))
    const { BAD_VERSION, RUNTIME_INCONSISTENCY } = codes
    assert.deepEqual(decodeMulti(answer(failed(0), failed(BAD_VERSION), failed(RUNTIME_INCONSISTENCY))), {
      ok: false,
      index: 1,
      code: BAD_VERSION,
    })
  })
})
