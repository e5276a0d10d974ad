// Fetches Hadoop's cluster for tests once: a namenode and a datanode, for HDFS.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { copyJars, pomOf } from './maven.mjs'
import { root } from './paths.mjs'
import { requireTools } from './tools.mjs'

const program = join(root, 'lab/MiniHdfs.java')

/** Fetches it where it is missing, and says where its jars and the program that starts it are. */
export async function prepareHadoop() {
  const folder = downloadFolder('hadoop-3.4.1', readFileSync(pomOf('hadoop'), 'utf8'), readFileSync(program, 'utf8'))
  await fetchOnce(folder, async (part) => {
    await requireTools('java', 'javac', 'mvn')
    process.stderr.write('tidemark: fetching Hadoop from Maven Central\n')
    copyJars('hadoop', part)
    execFileSync('javac', ['-cp', `${part}/*`, '-d', part, program], { stdio: ['ignore', 2, 2] })
  })
  return folder
}
