import assert from 'node:assert/strict'
import { createServer, connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { kafkaFrames, zooKeeperFrames, FrameSplitter } from '../../lab/frames.ts'
import { startKafka } from '../../lab/kafka.ts'
import { LabAdmin } from '../../lab/admin.ts'
import { startProxy, type Proxy } from '../../lab/proxy.ts'

const multi = 14
const getData = 4

/** A request in ZooKeeper's frame: length, number, kind. */
function request(id: number, kind: number): Buffer {
  const frame = Buffer.alloc(12)
  frame.writeInt32BE(8, 0)
  frame.writeInt32BE(id, 4)
  frame.writeInt32BE(kind, 8)
  return frame
}

describe('the proxy', () => {
  const served: number[] = []
  const server = createServer((socket) => {
    const frames = new FrameSplitter()
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const frame of frames.push(chunk)) {
        served.push(frame.readInt32BE(4))
        socket.write(frame)
      }
    })
  })
  let proxy: Proxy

  before(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    proxy = await startProxy({ target: typeof address === 'object' ? (address?.port ?? 0) : 0, protocol: zooKeeperFrames })
  })

  after(async () => {
    await proxy.close()
    server.close()
  })

  async function client(): Promise<{ socket: Socket; replies: number[] }> {
    const socket = connect(proxy.port, '127.0.0.1')
    const frames = new FrameSplitter()
    const replies: number[] = []
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => replies.push(...frames.push(chunk).map((frame) => frame.readInt32BE(4))))
    await once(socket, 'connect')
    return { socket, replies }
  }

  it('passes frames on, also when they come in pieces', async () => {
    const { socket, replies } = await client()
    const bytes = Buffer.concat([request(1, getData), request(2, getData)])
    for (const byte of bytes) socket.write(Buffer.of(byte))
    while (replies.length < 2) await sleep(5)
    assert.deepEqual(replies, [1, 2])
    socket.destroy()
  })

  it('loses the reply to a chosen request that the server carried out', async () => {
    const { socket, replies } = await client()
    const lost = proxy.loseReply(multi)
    socket.write(Buffer.concat([request(10, getData), request(11, multi)]))
    await Promise.all([lost, once(socket, 'close')])
    assert.ok(served.includes(11))
    assert.deepEqual(replies, [10])
  })

  it('loses a chosen request before the server sees it', async () => {
    const { socket } = await client()
    const lost = proxy.loseRequest(multi)
    socket.write(request(20, multi))
    await Promise.all([lost, once(socket, 'close')])
    assert.ok(!served.includes(20))
  })

  it('holds a chosen request until it is released', async () => {
    const { socket, replies } = await client()
    const hold = proxy.hold(multi, 'requests')
    socket.write(Buffer.concat([request(30, multi), request(31, getData)]))
    await hold.arrived
    await sleep(50)
    assert.ok(!served.includes(30) && !served.includes(31))
    hold.release()
    while (replies.length < 2) await sleep(5)
    assert.deepEqual(replies, [30, 31])
    socket.destroy()
  })

  it('freezes one direction and delivers late what it kept back', async () => {
    const { socket, replies } = await client()
    proxy.freeze('replies')
    socket.write(request(40, getData))
    await sleep(50)
    assert.ok(served.includes(40))
    assert.deepEqual(replies, [])
    proxy.heal()
    while (replies.length < 1) await sleep(5)
    socket.destroy()
  })

  it('cuts all connections and refuses new ones until it heals', async () => {
    const { socket } = await client()
    proxy.cut()
    await once(socket, 'close')
    const refused = await client()
    await once(refused.socket, 'close')
    proxy.heal()
    const { socket: again, replies } = await client()
    again.write(request(50, getData))
    while (replies.length < 1) await sleep(5)
    again.destroy()
  })

  it('stands in front of a broker, counts its requests and knows them by kind', async () => {
    const produce = 0
    await using kafka = await startKafka({ proxied: true })
    await using admin = new LabAdmin(kafka.bootstrapServers)
    await admin.createTopic('t')
    const lost = kafka.broker().proxy.loseReply(produce)
    // The client's producer tries again by itself, and so the record is there twice.
    await Promise.all([admin.produce([{ topic: 't', partition: 0, value: 'once' }]), lost])
    assert.deepEqual(await admin.offsets('t', 0), { start: 0, end: 2 })
    assert.equal(kafka.broker().proxy.requestCounts.get(produce), 2)
    assert.equal(kafkaFrames.kindOf(Buffer.from([0, 0, 0, 2, 0, 1])), 1)
  })
})
