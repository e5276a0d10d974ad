// The jars of the servers.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { copyJars, pomOf } from './maven.mjs'

/** @typedef {"kafka" | "zookeeper"} ServerKind */

/** @type {Record<ServerKind, string>} */
const folders = { kafka: folderOf('kafka'), zookeeper: folderOf('zookeeper') }

/** @param {ServerKind} kind */
function folderOf(kind) {
  return downloadFolder(kind, readFileSync(pomOf(kind), 'utf8'))
}

/**
 * The folder that holds a server's jars, which are all there when it exists.
 * @param {ServerKind} kind
 */
export function jarFolder(kind) {
  if (!existsSync(folders[kind])) throw new Error(`the jars of ${kind} are not in ${folders[kind]}: run npm run lab once to fetch them`)
  return folders[kind]
}

/**
 * Where a server's classes are kept in the form in which Java loads them twice as fast.
 * @param {ServerKind} kind
 */
export function classArchive(kind) {
  return join(jarFolder(kind), 'classes.jsa')
}

/** The servers whose jars are still to be fetched. */
export function missingJars() {
  return /** @type {ServerKind[]} */ (Object.keys(folders)).filter((kind) => !existsSync(folders[kind]))
}

/**
 * Fetches one server's jars from Maven Central.
 * @param {ServerKind} kind
 */
export function fetchJars(kind) {
  return fetchOnce(folders[kind], (part) => {
    process.stderr.write(`tidemark: fetching the jars of ${kind} from Maven Central\n`)
    copyJars(kind, part)
  })
}
