import { readdirSync } from 'node:fs'
import { availableParallelism, cpus, platform, totalmem } from 'node:os'
import { jarFolder } from '../scripts/jars.mjs'
import { runProcess } from './process.ts'

/** On what was measured, in one line. */
export async function describeMachine(): Promise<string> {
  const memory = Math.round(totalmem() / 1024 ** 3)
  const kafka = versionOf('kafka', /^kafka_[\d.]+-(.+)\.jar$/)
  const zooKeeper = versionOf('zookeeper', /^zookeeper-(\d.+)\.jar$/)
  const parts = [
    `${availableParallelism()} cores (${cpus()[0]?.model.trim() || 'unknown'})`,
    `${memory} GB`,
    platform(),
    `Node ${process.versions.node}`,
    `Java ${await javaVersion()}`,
    `Kafka ${kafka}`,
    `ZooKeeper ${zooKeeper}`,
  ]
  return parts.join(', ')
}

function versionOf(kind: 'kafka' | 'zookeeper', jar: RegExp): string {
  const found = readdirSync(jarFolder(kind)).flatMap((file) => jar.exec(file)?.[1] ?? [])
  return found[0] ?? 'unknown'
}

async function javaVersion(): Promise<string> {
  const { stderr } = await runProcess('java', ['-version'])
  return /version "([^"]+)"/.exec(stderr)?.[1] ?? 'unknown'
}
