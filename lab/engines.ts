import { delimiter, join } from 'node:path'
import { prepareJarSet } from '../scripts/jar-sets.mjs'
import { requireTools } from '../scripts/tools.mjs'
import { compileExample, quickStart } from './java.ts'

/** Compiles an engine's example, examples/ENGINE/NAME.java, into a folder: the command that runs it in one process, engine and all. */
export async function exampleCommand(engine: 'flink' | 'beam', name: string, classes: string): Promise<readonly string[]> {
  await requireTools('javac')
  const jars = join(await prepareJarSet(engine), '*')
  compileExample(`${engine}/${name}`, jars, classes)
  const switches = ['-Xmx512m', ...quickStart, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
  return ['java', ...switches, '-cp', [classes, jars].join(delimiter), name]
}
