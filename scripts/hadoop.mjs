// Fetches Hadoop's cluster for tests once: a namenode and a datanode, for HDFS.
import { execFileSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { cache, root } from './paths.mjs'
import { requireTool } from './tools.mjs'

/** The folder of its jars, and of the program that starts it, whole when it exists. */
const folder = join(cache, 'hadoop-3.4.1')

/** Fetches it where it is missing, and says where it is. */
export async function prepareHadoop() {
  if (!existsSync(folder)) await alone(fetchHadoop)
  return folder
}

function fetchHadoop() {
  if (existsSync(folder)) return
  for (const tool of /** @type {const} */ (['java', 'javac', 'mvn'])) requireTool(tool)
  process.stderr.write('tidemark: fetching Hadoop from Maven Central\n')
  const part = `${folder}.${process.pid}.part`
  try {
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${part}`, '-DincludeScope=runtime']
    execFileSync('mvn', ['-B', '-q', '-Dstyle.color=never', '-f', join(root, 'lab/hadoop.pom.xml'), ...goal], { stdio: ['ignore', 2, 2] })
    execFileSync('javac', ['-cp', `${part}/*`, '-d', part, join(root, 'lab/MiniHdfs.java')], { stdio: ['ignore', 2, 2] })
    renameSync(part, folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}
