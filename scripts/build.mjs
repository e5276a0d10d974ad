// npm run build: the published form in dist/, JavaScript by esbuild and types by tsc.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { notices } from './notices.mjs'
import { node24, root } from './paths.mjs'

const dist = join(root, 'dist')
const entryPoints = ['src/index.ts', 'src/testing/index.ts', 'src/bin/tidemark.ts'].map((file) => join(root, file))

/**
 * The Kafka client is the one package that goes into the bundle, with what it needs itself: from outside only its whole index can be imported, which takes 0.4 s,
 * while a few of its modules are in use. Saying that none of its modules does anything by being imported lets esbuild leave out the rest.
 * @type {import('esbuild').Plugin}
 */
const inlineKafkaClient = {
  name: 'inline-kafka-client',
  setup(api) {
    const resolving = Symbol('resolving')
    api.onResolve({ filter: /./ }, async ({ path, pluginData, kind, importer, resolveDir }) => {
      if (pluginData === resolving || kind === 'entry-point' || path.startsWith('node:')) return undefined
      const ours = !importer.includes('/node_modules/')
      if (ours && path.startsWith('.')) return undefined
      if ((ours && path !== '@platformatic/kafka') || neverInlined.has(path)) return { path, external: true }
      const found = await api.resolve(replacements.get(path) ?? path, { kind, importer, resolveDir, pluginData: resolving })
      return { ...found, sideEffects: false }
    })
  },
}

// Native, and loaded by a `require` of the client's own that no bundler sees.
const neverInlined = new Set(['@node-rs/crc32'])

const replacements = new Map([
  // The variant that carries its WebAssembly in itself instead of reading a file beside it.
  ['@platformatic/wasm-utils', '@platformatic/wasm-utils/bundled'],
  // Used for nothing but the options of the client's producer, consumer and admin, none of which we use; it alone takes half of the client's loading time.
  ['ajv/dist/2020.js', join(root, 'scripts/no-ajv.mjs')],
])

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
  plugins: [inlineKafkaClient],
  logLevel: 'warning',
  // What the client's CommonJS dependencies call.
  banner: { js: "import { createRequire as tidemarkRequire } from 'node:module'; const require = tidemarkRequire(import.meta.url);" },
})
writeFileSync(join(dist, 'THIRD-PARTY.md'), notices(bundledFiles()))
const bin = join(dist, 'bin/tidemark.js')
if (existsSync(bin)) chmodSync(bin, 0o755)
/** The files of which something is in the bundle; esbuild lists those that it only looked at too. */
function bundledFiles() {
  const parts = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
  return parts.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file)
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
