import { delimiter, join } from 'node:path'
import { prepareEngine } from '../scripts/engines.mjs'
import type { Engine } from '../scripts/engines.mjs'
import { compileExample, quickStart } from './java.ts'

/** Compiles an engine's example, examples/ENGINE/NAME.java, into a folder: the command that runs it in one process, engine and all. */
export async function exampleCommand(engine: Engine, name: string, classes: string): Promise<readonly string[]> {
  const jars = join(await prepareEngine(engine), '*')
  compileExample(`${engine}/${name}`, jars, classes)
  const switches = ['-Xmx512m', ...quickStart, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']
  return ['java', ...switches, '-cp', [classes, jars].join(delimiter), name]
}
