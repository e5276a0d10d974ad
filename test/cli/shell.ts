import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { bin, tidemark } from './command.ts'

/** How each shell starts without anybody's settings, and what its completion needs. */
const SHELLS = {
  bash: ['bash --norc --noprofile -i', ':'],
  zsh: ['zsh -f -i', 'autoload -Uz compinit; compinit -D'],
  fish: ['fish --no-config -i', ':'],
} as const

export type ShellName = keyof typeof SHELLS

/** The real shells, by name. */
export const shellNames = Object.keys(SHELLS) as ShellName[]

/** A real shell on a terminal of its own, in whose PATH is a `tidemark` that completes as the real one and otherwise says how it was called. */
export class Shell {
  #output = ''
  readonly #child: ChildProcessByStdio<Writable, Readable, null>

  private constructor(command: string, folder: string, env: Record<string, string>) {
    const PATH = `${join(folder, 'bin')}${delimiter}${process.env['PATH']}`
    this.#child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
      cwd: folder,
      env: { ...env, HOME: folder, PATH, TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
  }

  /** Starts it in a folder and lets it read its completion. */
  static async start(name: ShellName, folder: string, env: Record<string, string> = {}): Promise<Shell> {
    mkdirSync(join(folder, 'bin'))
    const lines = [
      '#!/bin/sh',
      `case $1 in complete) exec '${process.execPath}' '${bin}' "$@" ;; esac`,
      'printf called; printf "<%s>" "$@"; echo',
    ]
    writeFileSync(join(folder, 'bin/tidemark'), `${lines.join('\n')}\n`)
    chmodSync(join(folder, 'bin/tidemark'), 0o755)
    writeFileSync(join(folder, 'script'), (await tidemark(['completion', name], { env })).stdout)
    const [command, setUp] = SHELLS[name]
    const shell = new Shell(command, folder, env)
    await shell.do(`${setUp}; source ./script`)
    return shell
  }

  /** Types a line and Enter, and waits until it is done. */
  async do(line: string): Promise<void> {
    // The terminal shows what is typed: this is not what it says.
    await this.type(`${line}; echo do''ne\r`, /^.*\bdone\r?\n/ms)
  }

  /** Types the beginning of a line, Tab and Enter: the words that `tidemark` is then called with. */
  async complete(line: string): Promise<string[]> {
    const [, words = ''] = await this.type(`${line}\t\r`, /called(<.*>)\r?\n/)
    return words.slice(1, -1).split('><')
  }

  /** Ends it. */
  async end(): Promise<void> {
    const closed = once(this.#child, 'close')
    this.#child.kill()
    await closed
  }

  /** Types keys and waits until the terminal shows something. */
  async type(keys: string, pattern: RegExp): Promise<RegExpExecArray> {
    this.#output = ''
    this.#child.stdin.write(keys)
    for (;;) {
      const found = pattern.exec(this.#output)
      if (found !== null) return found
      await once(this.#child.stdout, 'data')
    }
  }
}
