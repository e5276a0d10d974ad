// Fetches moto once: an S3 for tests, in Python.
import { execFileSync } from 'node:child_process'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { requireTools } from './tools.mjs'

const packages = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5']
const words = ['--quiet', '--disable-pip-version-check', '--no-warn-conflicts', '--root-user-action=ignore', '--no-compile']

/** Fetches it where it is missing, and says what PYTHONPATH must name for `python3 -m moto.server`. */
export async function prepareMoto() {
  const folder = downloadFolder('moto', ...packages)
  await fetchOnce(folder, async (part) => {
    await requireTools('pip')
    process.stderr.write('tidemark: fetching moto from PyPI\n')
    execFileSync('python3', ['-m', 'pip', 'install', ...words, '--target', part, ...packages], { stdio: ['ignore', 2, 2] })
  })
  return folder
}
