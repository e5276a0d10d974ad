import { HEADER_BYTES, hex, RESULTS_AT, STAT_BYTES, writeHeader } from './multi-read.ts'
import { codes } from './protocol.ts'
import type { Creation, MultiOutcome, Op } from './protocol.ts'

/**
 * Writing many znodes with one request, in bytes of our own: the client library makes records of each operation and its answer, and copies
 * of their data, which took a save as long again as all else that it does. And its own Transaction takes version 0 for "any version".
 */

const MULTI = 14
const CREATE = 1
const SET_DATA = 5
const CHECK = 13
const ERROR = -1
/** How a znode is made, in ZooKeeper's numbers. */
export const MODES = { persistent: 0, ephemeral: 1, sequential: 2 } as const
/** Where an answer says as which transaction the request was applied. */
const ZXID_AT = 8
/** A number, and the length before a text or data. */
const INT_BYTES = 4

/** An entry of an access control list: what somebody may do. */
export interface Acl {
  readonly permissions: number
  readonly scheme: string
  readonly id: string
}

/** A request for all of the operations or none, with the number by which the answer will name it. `aclsOf`: who may do what with a new znode. */
export function encodeMulti(xid: number, ops: readonly Op[], aclsOf: (creation: Creation) => readonly Acl[]): Buffer {
  const frame = Buffer.alloc(ops.reduce((sum, op) => sum + sizeOf(op, aclsOf), 3 * INT_BYTES + HEADER_BYTES))
  let end = frame.writeInt32BE(frame.length - INT_BYTES, 0)
  end = frame.writeInt32BE(xid, end)
  end = frame.writeInt32BE(MULTI, end)
  for (const op of ops) end = writeOp(frame, end, op, aclsOf)
  writeHeader(frame, end, -1, true)
  return frame
}

/** What became of it. */
export function decodeMulti(frame: Buffer): MultiOutcome {
  let zxid = hex(frame.subarray(ZXID_AT))
  let at = RESULTS_AT
  for (let index = 0; frame[at + INT_BYTES] === 0; index++) {
    const type = frame.readInt32BE(at)
    at += HEADER_BYTES
    if (type === ERROR) {
      const code = frame.readInt32BE(at)
      // The others were not applied because of this one: they have 0 before it, and RUNTIME_INCONSISTENCY behind it.
      if (code !== 0 && code !== codes.RUNTIME_INCONSISTENCY) return { ok: false, index, code }
      at += INT_BYTES
    } else if (type === SET_DATA) {
      zxid = hex(frame.subarray(at + 8))
      at += STAT_BYTES
    } else if (type === CREATE) at += INT_BYTES + frame.readInt32BE(at)
  }
  return { ok: true, zxid }
}

function sizeOf(op: Op, aclsOf: (creation: Creation) => readonly Acl[]): number {
  const named = HEADER_BYTES + INT_BYTES + Buffer.byteLength(op.path)
  if (op.kind === 'check') return named + INT_BYTES
  if (op.kind === 'set') return named + INT_BYTES + op.data.length + INT_BYTES
  const acls = aclsOf(op).reduce((sum, { scheme, id }) => sum + 3 * INT_BYTES + scheme.length + id.length, INT_BYTES)
  return named + INT_BYTES + (op.data?.length ?? 0) + acls + INT_BYTES
}

function writeOp(frame: Buffer, at: number, op: Op, aclsOf: (creation: Creation) => readonly Acl[]): number {
  let end = writeHeader(frame, at, op.kind === 'create' ? CREATE : op.kind === 'set' ? SET_DATA : CHECK, false)
  end = writeText(frame, end, op.path)
  if (op.kind === 'check') return frame.writeInt32BE(op.version, end)
  end = writeData(frame, end, op.data)
  if (op.kind === 'set') return frame.writeInt32BE(op.version, end)
  const acls = aclsOf(op)
  end = frame.writeInt32BE(acls.length, end)
  for (const { permissions, scheme, id } of acls) {
    end = frame.writeInt32BE(permissions, end)
    end = writeText(frame, writeText(frame, end, scheme), id)
  }
  return frame.writeInt32BE(MODES[op.mode ?? 'persistent'], end)
}

function writeText(frame: Buffer, at: number, text: string): number {
  const length = frame.write(text, at + INT_BYTES)
  return frame.writeInt32BE(length, at) + length
}

/** Null data has the length -1. */
function writeData(frame: Buffer, at: number, data: Buffer | undefined): number {
  return frame.writeInt32BE(data?.length ?? -1, at) + (data?.copy(frame, at + INT_BYTES) ?? 0)
}
