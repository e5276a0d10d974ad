import { join } from 'node:path'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { jarFolder } from '../scripts/jars.mjs'

/** The switches that let a small server come up quickly; a benchmark leaves them out. */
export const quickStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** The arguments of `java` for one of the lab's servers. `logged` names the loggers that say more than warnings. */
export function javaArguments(kind: 'kafka' | 'zookeeper', switches: string[], main: string[], logged: string[] = []): string[] {
  const levels = ['defaultLogLevel=warn', 'showDateTime=true', ...logged.map((logger) => `log.${logger}=info`)]
  return [...switches, ...levels.map((level) => `-Dorg.slf4j.simpleLogger.${level}`), '-cp', join(jarFolder(kind), '*'), ...main]
}

/** A fresh folder for one server's data, configuration and log. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `tidemark-${name}-`))
}
