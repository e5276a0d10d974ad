import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRecordsBatch } from '@platformatic/kafka'
import type { TidemarkError } from '../../src/errors.ts'
import { readBatches } from '../../src/kafka/batch.ts'
import { BufferedBatch } from '../../src/kafka/buffered.ts'
import { freedEarly, Memory, type Piece } from '../../src/kafka/memory.ts'
import { Shelf } from '../../src/kafka/shelf.ts'
import { SliceBuilder } from '../../src/kafka/slice.ts'

/** Memory for a text, with it in it. */
function write(memory: Memory, text: string, blockBytes: number): Piece {
  const piece = memory.piece(text.length, blockBytes)
  piece.bytes.write(text)
  return piece
}

describe('the memory that batches lie in', () => {
  it('is used again once nobody holds it, and what still looks at it is empty then', () => {
    const memory = new Memory(64)
    const first = write(memory, 'abcdef', 8)
    assert.equal(first.bytes.toString(), 'abcdef')
    const late = first.bytes.subarray(2, 4)
    first.hold()
    first.release()
    assert.equal(late.toString(), 'cd', 'somebody holds it still')
    first.release()
    assert.equal(late.length, 0)
    const second = write(memory, 'ghijkl', 8)
    assert.equal(second.bytes.toString(), 'ghijkl')
    assert.equal(late.length, 0, "and never shows another batch's bytes")
  })

  it('is given back at once where enough is kept, and not by a garbage collection some time', () => {
    const memory = new Memory(16)
    const pieces = ['abcdef', 'ghijkl', 'mnopqr'].map((text) => write(memory, text, 8))
    const blocks = pieces.map(({ bytes }) => bytes.buffer)
    for (const piece of pieces) piece.release()
    assert.deepEqual(
      blocks.map(({ byteLength }) => byteLength),
      [0, 0, 0],
    )
  })

  it('is fresh where a block would be mostly empty, or too small', () => {
    const memory = new Memory(1 << 20)
    for (const text of ['ab', 'a'.repeat(100_000)]) {
      const piece = write(memory, text, 8)
      assert.equal(piece.bytes.toString(), text)
      piece.release()
    }
  })

  it('is not given back where Node keeps other buffers in the same block', () => {
    const shared = Buffer.from('shared')
    const alone = [16 * 1024, Buffer.poolSize, 2 * Buffer.poolSize].map((size) => Buffer.alloc(size, 'x'))
    for (const bytes of [shared, ...alone]) freedEarly(bytes).release()
    assert.deepEqual([shared.toString(), alone.map(({ length }) => length)], ['shared', [0, 0, 0]])
  })
})

describe('the shelf of what is uncompressed', () => {
  const KB = 1024

  it('puts batches side by side, each held by itself', () => {
    const shelf = new Shelf()
    const [first, second] = [shelf.put(Buffer.alloc(16 * KB, 'a')), shelf.put(Buffer.alloc(16 * KB, 'b'))]
    assert.equal(first.bytes.buffer, second.bytes.buffer)
    first.release()
    assert.equal(second.bytes.toString('latin1', 0, 3), 'bbb')
    assert.equal(second.bytes.length, 16 * KB)
  })

  it('gives the memory of the codec back at once', () => {
    const made = Buffer.alloc(2 * Buffer.poolSize, 'a')
    assert.equal(new Shelf().put(made).bytes.toString('latin1', 0, 3), 'aaa')
    assert.equal(made.length, 0)
  })

  it('uses a block again once nothing in it is held, and what still looks at it is empty then', () => {
    const shelf = new Shelf()
    const put = (letter: string) => Array.from({ length: 4 }, () => shelf.put(Buffer.alloc(256 * KB, letter)))
    const firsts = put('a')
    const kept = firsts.map(({ bytes }) => bytes)
    const seconds = put('b')
    firsts.forEach((piece) => piece.release())
    assert.deepEqual(
      kept.map(({ length }) => length),
      [0, 0, 0, 0],
    )
    const thirds = put('c')
    assert.ok(
      seconds.every(({ bytes }) => bytes.every((byte) => byte === 98)),
      'the one still held was not written over',
    )
    assert.ok(thirds.every(({ bytes }) => bytes.every((byte) => byte === 99)))
  })

  it('leaves a batch that would fill much of a block where it is', () => {
    const large = Buffer.alloc(512 * KB, 'x')
    const piece = new Shelf().put(large)
    assert.equal(piece.bytes, large)
    piece.release()
    assert.equal(large.length, 0)
  })
})

describe('a slice that is released', () => {
  const value = Buffer.from('value')

  function sliceOf(compression: 'none' | 'gzip') {
    const written = createRecordsBatch(
      [
        { topic: 't', value },
        { topic: 't', value },
      ],
      { compression },
    ).buffer
    const memory = new Memory(1 << 20)
    const piece = memory.piece(written.length, written.length)
    written.copy(piece.bytes)
    const [batch] = readBatches(piece.bytes).batches
    assert.ok(batch !== undefined)
    const buffered = new BufferedBatch(batch, false, piece, freedEarly)
    piece.release()
    const builder = new SliceBuilder({ topic: 't', partition: 0 }, 0)
    builder.add(buffered, 10, 10)
    buffered.release()
    return builder.build()
  }

  for (const compression of ['none', 'gzip'] as const) {
    it(`has records no more, and says so; with compression ${compression}`, () => {
      const slice = sliceOf(compression)
      const kept = [...slice.records].map((record) => record.value)
      assert.deepEqual(kept.map(String), ['value', 'value'])
      slice.release?.()
      slice.release?.()
      assert.ok(kept.every((bytes) => bytes?.length === 0))
      assert.throws(
        () => [...slice.records],
        ({ code }: TidemarkError) => code === 'USAGE',
      )
    })
  }
})
