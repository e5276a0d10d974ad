import { readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { prepareSpark, sparkFolder } from '../scripts/spark.mjs'
import type { SparkVersion } from '../scripts/spark.mjs'

export type { SparkVersion } from '../scripts/spark.mjs'

/** A version's SPARK_HOME, fetched if it is not there yet. */
export async function sparkHome(version: SparkVersion): Promise<string> {
  await prepareSpark([version])
  return sparkFolder(version)
}

/** What the environment of a PySpark program or of spark-submit has: this version of Spark, small, and on the loopback interface alone. */
export async function sparkEnvironment(version: SparkVersion): Promise<Record<string, string>> {
  const home = await sparkHome(version)
  const python = join(home, 'python')
  const py4j = readdirSync(join(python, 'lib')).filter((file) => file.startsWith('py4j-'))
  return {
    SPARK_HOME: home,
    SPARK_LOCAL_IP: '127.0.0.1',
    PYTHONPATH: [python, ...py4j.map((file) => join(python, 'lib', file))].join(delimiter),
    PYTHONDONTWRITEBYTECODE: '1',
    PYSPARK_PYTHON: 'python3',
    PATH: `${join(home, 'bin')}${delimiter}${process.env['PATH'] ?? ''}`,
  }
}
