import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { startZooKeeper } from '../../lab/zookeeper.ts'
import type { TidemarkError } from '../../src/errors.ts'
import { connect } from '../../src/kafka/connect.ts'

/** A server that is no broker; its address. */
async function serve(context: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What asking there fails with: one line that names the server. */
async function failureAt(address: string): Promise<TidemarkError> {
  await using log = await connect({ bootstrapServers: address, timeoutMs: 9000 })
  const failure = await log.facts([{ topic: 't', partition: 0 }]).then(
    () => assert.fail(`${address} answered`),
    (error: TidemarkError) => error,
  )
  for (const each of address.split(',')) assert.ok(failure.message.includes(each), failure.message)
  assert.doesNotMatch(failure.message, /\n/)
  return failure
}

describe('a server that is no broker to talk to', () => {
  it('is told from others by why it failed: refused, unknown, silent, cutting off, talking something else', async (context) => {
    const silent = await serve(context, () => {})
    const closing = await serve(context, (socket) => socket.once('data', () => socket.destroy()))
    const web = await serve(context, (socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    const garbage = await serve(context, (socket) =>
      socket.once('data', () => socket.write(Buffer.from('0000000801020304deadbeef', 'hex'))),
    )
    const failure = await failureAt(`127.0.0.1:1,nowhere.invalid:9092,${silent},${closing},${web}`)
    assert.equal(failure.code, 'KAFKA_UNREACHABLE')
    assert.match(failure.message, /127\.0\.0\.1:1: connection refused/)
    assert.match(failure.message, /nowhere\.invalid:9092: (no host of that name|the host name could not be looked up)/)
    assert.ok(failure.message.includes(`${silent}: connected, but no answer in time: is this a broker's port?`), failure.message)
    assert.ok(failure.message.includes(`${closing}: the connection was closed without an answer`), failure.message)
    assert.ok(failure.message.includes(`${web}: the connection was closed without an answer`), failure.message)
    assert.match((await failureAt(garbage)).message, /not Kafka's protocol/)
  })

  it('may be a TLS port: the error says how to connect', async (context) => {
    const tls = createTlsServer({}).listen(0, '127.0.0.1')
    tls.on('tlsClientError', () => {})
    await once(tls, 'listening')
    context.after(() => tls.close())
    const failure = await failureAt(`127.0.0.1:${(tls.address() as AddressInfo).port}`)
    assert.match(failure.message, /security\.protocol|does it want TLS/)
  })

  it('may be ZooKeeper', { timeout: 60_000 }, async () => {
    await using zooKeeper = await startZooKeeper()
    const failure = await failureAt(zooKeeper.connectString)
    assert.equal(failure.code, 'KAFKA_UNREACHABLE')
    assert.match(failure.message, /is this a broker's port/)
  })

  it('is told of at the first question, not when connecting; a signal ends the wait', async (context) => {
    const silent = await serve(context, () => {})
    await using log = await connect({ bootstrapServers: silent })
    const controller = new AbortController()
    const answer = log.topics(undefined, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await assert.rejects(answer, { message: 'enough' })
    const pending = log.topics()
    await log.close()
    await assert.rejects(pending)
    await assert.rejects(log.topics(), { code: 'USAGE', message: /closed/ })
  })
})
