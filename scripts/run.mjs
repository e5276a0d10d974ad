import { spawn } from 'node:child_process'

/**
 * Runs a command in this one's place: same terminal, same signals, same exit code. Never returns when the command could be started.
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<void>}
 */
export function runToTheEnd(command, args) {
  return new Promise((_, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' })
    forwardSignals(child)
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      if (signal === null) process.exit(code ?? 1)
      // Ending by the same signal lets the shell see what happened.
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    })
  })
}

/** @param {import('node:child_process').ChildProcess} child */
function forwardSignals(child) {
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP'])) process.on(signal, () => child.kill(signal))
  // npm may be killed without being able to pass anything on.
  const parent = process.ppid
  setInterval(() => process.ppid === parent || child.kill('SIGTERM'), 500).unref()
  // A Ctrl-C in a terminal reaches the child by itself, as it does this process; a second one may mean "at once" to it.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT')
  })
}
