import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { classArchive, jarFolder, type ServerKind } from '../scripts/jars.mjs'
import { root } from '../scripts/paths.mjs'

/** The switches that let a small server come up quickly, apart from the class archive. */
export const quickStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** All switches of a small server; a benchmark has its own. */
export function smallServer(kind: ServerKind, heap: string): string[] {
  const archive = classArchive(kind)
  return [heap, ...quickStart, ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:cds=off'] : [])]
}

/** The arguments of `java` for one of the lab's servers. `logged` names the loggers that say more than warnings. */
export function javaArguments(kind: ServerKind, switches: string[], main: string[], logged: string[] = []): string[] {
  const levels = ['defaultLogLevel=warn', 'showDateTime=true', ...logged.map((logger) => `log.${logger}=info`)]
  return [...switches, ...levels.map((level) => `-Dorg.slf4j.simpleLogger.${level}`), '-cp', classPath(kind), ...main]
}

/** Every jar by name: a class archive is good only for the very class path that it was made with, and Java takes a `*` in whatever order the disk has. */
function classPath(kind: ServerKind): string {
  const folder = jarFolder(kind)
  const jars = readdirSync(folder).filter((file) => file.endsWith('.jar'))
  return jars
    .toSorted()
    .map((jar) => join(folder, jar))
    .join(delimiter)
}

/** A fresh folder for one server's data, configuration and log. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `tidemark-${name}-`))
}

/** Compiles an example, EXAMPLE.java in examples/, into a folder. `jars`: what it is compiled with. */
export function compileExample(example: string, jars: string, classes: string): void {
  mkdirSync(classes, { recursive: true })
  const source = join(root, 'examples', `${example}.java`)
  execFileSync('javac', ['-nowarn', '-cp', jars, '-d', classes, source], { stdio: ['ignore', 2, 2] })
}
