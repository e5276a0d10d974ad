// Jars that tests use beside those of the servers and of Spark, each set from a pom of the lab and fetched once.
import { readFileSync } from 'node:fs'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { copyJars, pomOf } from './maven.mjs'
import { requireTools } from './tools.mjs'

/** How much of each is fetched, MB. `s3a` is Spark's client of S3, `tiered` what makes a folder the remote storage of a broker. */
const sizes = { flink: 90, beam: 150, s3a: 20, tiered: 1 }

/** @typedef {keyof typeof sizes} JarSet */

/** Fetches what is missing. */
export async function prepareJarSets() {
  for (const name of /** @type {JarSet[]} */ (Object.keys(sizes))) await prepareJarSet(name)
}

/**
 * Fetches one where it is missing, and says in which folder it is.
 * @param {JarSet} name
 */
export async function prepareJarSet(name) {
  const folder = downloadFolder(name, readFileSync(pomOf(name), 'utf8'))
  await fetchOnce(folder, async (part) => {
    await requireTools('java', 'mvn')
    process.stderr.write(`tidemark: fetching ${name} from Maven Central, up to ${sizes[name]} MB\n`)
    copyJars(name, part)
  })
  return folder
}
