// Fetches Spark once: PySpark's own archive, which has all of Spark in it, and the connector to Kafka of the same version.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { cache, root } from './paths.mjs'
import { requireTool } from './tools.mjs'

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
  return join(cache, `spark-${version}`)
}

/**
 * Fetches what is missing, all versions at once.
 * @param {SparkVersion[]} versions
 */
export async function prepareSpark(versions = /** @type {SparkVersion[]} */ (Object.keys(connectors))) {
  if (versions.every((version) => existsSync(sparkFolder(version)))) return
  await alone(async () => {
    const missing = versions.filter((version) => !existsSync(sparkFolder(version)))
    if (missing.length === 0) return
    for (const tool of /** @type {const} */ (['java', 'javac', 'mvn', 'pip'])) requireTool(tool)
    process.stderr.write(`tidemark: fetching Spark ${missing.join(', ')} from PyPI and Maven Central, up to 450 MB each\n`)
    await Promise.all(missing.map(install))
  })
}

/** @param {SparkVersion} version */
async function install(version) {
  const part = join(cache, `spark-${version}.${process.pid}.part`)
  const [archive, jars, home] = [join(part, 'archive'), join(part, 'jars'), join(part, 'home')]
  await mkdir(archive, { recursive: true })
  try {
    const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--no-binary', ':all:', '--dest', archive, `pyspark==${version}`]
    const connector = [`-Dspark=${version}`, `-Dconnector=${connectors[version]}`, `-DoutputDirectory=${jars}`, '-DincludeScope=runtime']
    const pom = join(root, 'lab/spark.pom.xml')
    await Promise.all([
      run('python3', download),
      run('mvn', ['-B', '-q', '-Dstyle.color=never', '-f', pom, 'dependency:copy-dependencies', ...connector]),
    ])
    await arrange(archive, jars, home)
    await rename(home, sparkFolder(version))
  } finally {
    await rm(part, { recursive: true, force: true })
  }
}

/**
 * Lays the archive out as Spark's own distribution is: PySpark's package does the same when pip builds it, which takes minutes.
 * @param {string} archive
 * @param {string} jars
 * @param {string} home
 */
async function arrange(archive, jars, home) {
  const [file = ''] = await readdir(archive)
  await run('tar', ['-xzf', join(archive, file), '-C', archive, '--strip-components=1'])
  await rename(join(archive, 'deps'), home)
  await mkdir(join(home, 'python'))
  for (const part of ['pyspark', 'lib']) await rename(join(archive, part), join(home, 'python', part))
  for (const unused of ['examples', 'data']) await rm(join(home, unused), { recursive: true, force: true })
  await cp(jars, join(home, 'jars'), { recursive: true })
  await mkdir(join(home, 'conf'), { recursive: true })
  await writeFile(join(home, 'conf/spark-defaults.conf'), defaults)
}

/**
 * @param {string} program
 * @param {string[]} words
 * @returns {Promise<void>}
 */
function run(program, words) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 2, 2] })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${program} ${words.slice(0, 3).join(' ')} ended with ${signal ?? `code ${code}`}; what it says is above`))
    })
  })
}
