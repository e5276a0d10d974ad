// Fetches Spark once: PySpark's own archive, which has all of Spark in it, and the connector to Kafka of the same version.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { copyJars, pomOf } from './maven.mjs'
import { requireTools } from './tools.mjs'

/** The connectors of each version: structured streaming and batches; with 3.5.1 the old streams (DStreams), which 4.x reads no Kafka with. */
const connectors = {
  '3.5.1': 'spark-streaming-kafka-0-10_2.12',
  '4.1.1': 'spark-sql-kafka-0-10_2.13',
  '4.2.0': 'spark-sql-kafka-0-10_2.13',
}

/** @typedef {keyof typeof connectors} SparkVersion */

/** Small, quick, and on the loopback interface alone. */
const defaults = `spark.master                  local[2]
spark.driver.memory           512m
spark.driver.host             127.0.0.1
spark.driver.bindAddress      127.0.0.1
spark.ui.enabled              false
spark.ui.showConsoleProgress  false
spark.sql.shuffle.partitions  2
spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
`

/**
 * A version's SPARK_HOME, whole when it exists.
 * @param {SparkVersion} version
 */
export function sparkFolder(version) {
  return downloadFolder(`spark-${version}`, connectors[version], defaults, readFileSync(pomOf('spark'), 'utf8'))
}

/**
 * Fetches what is missing.
 * @param {SparkVersion[]} versions
 */
export async function prepareSpark(versions = /** @type {SparkVersion[]} */ (Object.keys(connectors))) {
  if (versions.every((version) => existsSync(sparkFolder(version)))) return
  await requireTools('java', 'javac', 'mvn', 'pip')
  for (const version of versions) await fetchOnce(sparkFolder(version), (part) => install(version, part))
}

/**
 * @param {SparkVersion} version
 * @param {string} home
 */
async function install(version, home) {
  process.stderr.write(`tidemark: fetching Spark ${version} from PyPI and Maven Central, up to 450 MB\n`)
  const archive = join(home, 'archive')
  const words = ['--quiet', '--no-deps', '--no-binary', ':all:', '--dest', archive, `pyspark==${version}`]
  execFileSync('python3', ['-m', 'pip', 'download', ...words], { stdio: ['ignore', 2, 2] })
  await arrange(archive, home)
  await rm(archive, { recursive: true })
  copyJars('spark', join(home, 'jars'), `-Dspark=${version}`, `-Dconnector=${connectors[version]}`)
}

/**
 * Lays the archive out as Spark's own distribution is: PySpark's package does the same when pip builds it, which takes minutes.
 * @param {string} archive
 * @param {string} home
 */
async function arrange(archive, home) {
  const [file = ''] = await readdir(archive)
  execFileSync('tar', ['-xzf', join(archive, file), '-C', archive, '--strip-components=1'], { stdio: ['ignore', 2, 2] })
  for (const part of await readdir(join(archive, 'deps'))) await rename(join(archive, 'deps', part), join(home, part))
  await mkdir(join(home, 'python'))
  for (const part of ['pyspark', 'lib']) await rename(join(archive, part), join(home, 'python', part))
  for (const unused of ['examples', 'data']) await rm(join(home, unused), { recursive: true, force: true })
  await mkdir(join(home, 'conf'), { recursive: true })
  await writeFile(join(home, 'conf/spark-defaults.conf'), defaults)
}
