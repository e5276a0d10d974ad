// npm run build: the published form in dist/, JavaScript by esbuild and types by tsc.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { inlinePackages, requireBanner } from './inline-packages.mjs'
import { notices } from './notices.mjs'
import { node24, root } from './paths.mjs'

const dist = join(root, 'dist')
const entryPoints = ['src/index.ts', 'src/testing/index.ts', 'src/otel.ts', 'src/bin/tidemark.ts'].map((file) => join(root, file))

rmSync(dist, { recursive: true, force: true })
const { metafile } = await build({
  entryPoints,
  outbase: join(root, 'src'),
  outdir: dist,
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  charset: 'utf8',
  legalComments: 'none',
  metafile: true,
  plugins: [inlinePackages],
  logLevel: 'warning',
  banner: requireBanner,
})
writeFileSync(join(dist, 'THIRD-PARTY.md'), notices(bundledFiles()))
const bin = join(dist, 'bin/tidemark.js')
if (existsSync(bin)) chmodSync(bin, 0o755)
/** The files of which something is in the bundle; esbuild lists those that it only looked at too, and what a plugin made, as `namespace:path`. */
function bundledFiles() {
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
  return parts.filter(([file, { bytesInOutput }]) => bytesInOutput > 0 && !file.includes(':')).map(([file]) => file)
}

/** tsc leaves the sources' `.ts` endings in the declarations, which not every resolver finds. */
function rewriteEndings() {
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.d.ts'))) {
    const path = join(dist, file)
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/((?:from |import\()['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'))
  }
}

const { status } = spawnSync(node24, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
rewriteEndings()
process.exitCode = status ?? 1
