// Fetches Prometheus once: Debian's package, unpacked and not installed, so that no service of the system is started.
import { join } from 'node:path'
import { downloadFolder, fetchOnce } from './downloads.mjs'
import { succeeds, unpackPackage } from './tools.mjs'

/** Fetches it where there is none in PATH, and says how its two programs are called. */
export async function preparePrometheus() {
  if (succeeds('prometheus', '--version') && succeeds('promtool', '--version')) return { server: 'prometheus', tool: 'promtool' }
  const folder = downloadFolder('prometheus')
  await fetchOnce(folder, (part) => unpackPackage('prometheus', 'Prometheus', part))
  return { server: join(folder, 'usr/bin/prometheus'), tool: join(folder, 'usr/bin/promtool') }
}
