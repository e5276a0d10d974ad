import { EXIT } from '../src/cli/failure.ts'
import { createProgram } from '../src/cli/program.ts'
import type { Report } from '../src/cli/report.ts'
import { printTable } from '../src/cli/table.ts'
import type { Stage } from './stage.ts'
import { command, during, output, remark, screen } from './tell.ts'

let log: Stage['log']

/** Makes the command line find what the story plays on, whatever the reader's own environment says. */
export function useStage(stage: Stage): void {
  const theirs = Object.keys(process.env).filter((name) => name.startsWith('TIDEMARK_') && !name.startsWith('TIDEMARK_DEMO_'))
  for (const name of theirs) delete process.env[name]
  Object.assign(process.env, stage.settings)
  log = stage.log
}

/** Shows a command line, runs just that with the command line's own code, in this process, and prints what it prints. */
export async function tidemark(line: string): Promise<Report> {
  command(line)
  let report: Report | undefined
  const program = createProgram('demo', async (parsed, load, args) => {
    const action = await load()
    report = await action({ ...parsed.opts<object>(), log } as never, args)
  })
  // On a terminal the command line draws its own progress.
  const awaited = process.stderr.isTTY ? undefined : `waiting for tidemark ${line.split(' ')[0]}`
  await during(awaited, program.parseAsync(line.split(' '), { from: 'user' }))
  if (report === undefined) throw new Error(`tidemark ${line} reported nothing`)
  print(report)
  return report
}

function print({ text, table, remarks = [], failures = [], exitCode }: Report): void {
  output(text?.(screen) ?? printTable(table, screen))
  for (const one of [...remarks, ...failures.map(({ message }) => message)]) remark(one)
  const meaning = Object.entries(EXIT).find(([, code]) => code === exitCode)?.[0]
  if (exitCode !== EXIT.ok) remark(`exit code ${exitCode}: ${meaning}`)
}
