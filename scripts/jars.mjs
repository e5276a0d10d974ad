// Fetches the servers' jars once. A folder appears under its final name only when it is whole: it is filled under a name of this process's own and renamed.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cache, root } from './paths.mjs'

/** @typedef {"kafka" | "zookeeper"} ServerKind */

/** @type {Record<ServerKind, string>} */
const folders = { kafka: folderOf('kafka'), zookeeper: folderOf('zookeeper') }

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
  const part = `${folders[kind]}.${process.pid}.part`
  mkdirSync(cache, { recursive: true })
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${part}`, '-DincludeScope=runtime']
  try {
    execFileSync('mvn', ['-B', '-q', '-Dstyle.color=never', '-f', pomOf(kind), ...goal], { stdio: ['ignore', 2, 2] })
    publish(part, folders[kind])
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}

/** @param {ServerKind} kind */
function pomOf(kind) {
  return join(root, 'lab', `${kind}.pom.xml`)
}

/**
 * Named by the pom's content, so that a changed pom is fetched anew.
 * @param {ServerKind} kind
 */
function folderOf(kind) {
  const hash = createHash('sha256')
    .update(readFileSync(pomOf(kind)))
    .digest('hex')
  return join(cache, `${kind}-${hash.slice(0, 8)}`)
}

/**
 * @param {string} part
 * @param {string} folder
 */
function publish(part, folder) {
  try {
    renameSync(part, folder)
  } catch (error) {
    // Another process was first, and what it fetched is just as good.
    if (!existsSync(folder)) throw error
  }
}
