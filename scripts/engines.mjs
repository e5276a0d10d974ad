// Fetches the engines that are tested beside Spark, once.
import { readFileSync } from 'node:fs'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { copyJars, pomOf } from './maven.mjs'
import { requireTools } from './tools.mjs'

/** How much of each is fetched, MB. */
const sizes = { flink: 90, beam: 150 }

/** @typedef {keyof typeof sizes} Engine */

/** Fetches what is missing. */
export async function prepareEngines() {
  for (const engine of /** @type {Engine[]} */ (Object.keys(sizes))) await prepareEngine(engine)
}

/**
 * Fetches an engine where it is missing, and says where its jars are.
 * @param {Engine} engine
 */
export async function prepareEngine(engine) {
  const folder = downloadFolder(engine, readFileSync(pomOf(engine), 'utf8'))
  await requireTools('java', 'javac')
  await fetchOnce(folder, async (part) => {
    await requireTools('mvn')
    process.stderr.write(`tidemark: fetching ${engine} from Maven Central, up to ${sizes[engine]} MB\n`)
    copyJars(engine, part)
  })
  return folder
}
