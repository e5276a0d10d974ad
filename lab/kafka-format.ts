import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { jarFolder } from '../scripts/jars.mjs'
import { javaArguments, quickStart, temporaryFolder } from './java.ts'

/** What a Java properties file holds. */
export type Settings = Record<string, string | number | boolean>

/** A random ID as Kafka writes them: 16 bytes in URL-safe base64, never beginning with a dash, which its tools take for a flag. */
export function kafkaId(): string {
  const id = randomBytes(16).toString('base64url')
  return id.startsWith('-') ? kafkaId() : id
}

/**
 * Formats a node's data folder. Kafka's own tool takes as long as a whole start of a server, so it runs once for all: the checkpoint it writes holds the default
 * feature levels, the same for every node, and the other file is a few lines of text.
 */
export async function format(dataDir: string, nodeId: number, clusterId: string): Promise<void> {
  const checkpoint = join(jarFolder('kafka'), 'bootstrap.checkpoint')
  if (!existsSync(checkpoint)) await writeCheckpoint(checkpoint)
  mkdirSync(dataDir, { recursive: true })
  copyFileSync(checkpoint, join(dataDir, 'bootstrap.checkpoint'))
  const identity = { version: 1, 'cluster.id': clusterId, 'node.id': nodeId, 'directory.id': kafkaId() }
  writeFileSync(join(dataDir, 'meta.properties'), propertiesText(identity))
}

async function writeCheckpoint(checkpoint: string): Promise<void> {
  const folder = temporaryFolder('format')
  const dataDir = join(folder, 'data')
  const file = join(folder, 'format.properties')
  const roles = {
    'process.roles': 'broker,controller',
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.voters': '1@127.0.0.1:9093',
  }
  const listeners = { listeners: 'PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093' }
  const protocols = { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT' }
  writeFileSync(file, propertiesText({ 'node.id': 1, 'log.dirs': dataDir, ...roles, ...listeners, ...protocols }))
  try {
    await promisify(execFile)(
      'java',
      javaArguments('kafka', quickStart, ['kafka.tools.StorageTool', 'format', '-t', kafkaId(), '-c', file]),
    )
    // Renamed into place, because another process may be doing the same. The copy first: the temporary folder may be on another disk.
    const part = `${checkpoint}.${process.pid}`
    copyFileSync(join(dataDir, 'bootstrap.checkpoint'), part)
    renameSync(part, checkpoint)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A Java properties file of plain settings. */
export function propertiesText(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
