// Fetches once what makes a folder the remote storage of a broker.
import { readFileSync } from 'node:fs'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { copyJars, pomOf } from './maven.mjs'
import { requireTools } from './tools.mjs'

/** Fetches it where it is missing, and says where its jar is. */
export async function prepareTiered() {
  const folder = downloadFolder('tiered-4.1.1', readFileSync(pomOf('tiered'), 'utf8'))
  await fetchOnce(folder, async (part) => {
    await requireTools('mvn')
    process.stderr.write("tidemark: fetching Kafka's storage for tests from Maven Central\n")
    copyJars('tiered', part)
  })
  return folder
}
