// Fetches moto once: an S3 for tests, in Python.
import { execFileSync } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { cache } from './paths.mjs'
import { requireTool } from './tools.mjs'

const packages = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5']

/** What PYTHONPATH must name for `python3 -m moto.server`, whole when it exists. */
const folder = join(cache, 'python-moto-5.2.5')

/** Fetches it where it is missing, and says where it is. */
export async function prepareMoto() {
  if (!existsSync(folder)) await alone(fetchMoto)
  return folder
}

function fetchMoto() {
  if (existsSync(folder)) return
  requireTool('pip')
  process.stderr.write('tidemark: fetching moto from PyPI\n')
  const part = `${folder}.${process.pid}.part`
  try {
    const words = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-warn-conflicts',
      '--root-user-action=ignore',
      '--no-compile',
      '--target',
      part,
    ]
    execFileSync('python3', [...words, ...packages], { stdio: ['ignore', 2, 2] })
    renameSync(part, folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}
