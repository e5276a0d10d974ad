import { join } from 'node:path'
import { root } from './paths.mjs'

/**
 * The packages that go into the bundle, with what they need themselves. Of the Kafka client only its whole index can be imported from outside, which takes 0.4 s,
 * while a few of its modules are in use: saying that none of them does anything by being imported lets esbuild leave out the rest. The command line's parser
 * is loaded by every command, and loads a part of Node that nearly none needs.
 */
const inlined = new Set(['@platformatic/kafka', 'commander'])

/** @type {import('esbuild').Plugin} */
export const inlinePackages = {
  name: 'inline-packages',
  setup(api) {
    const resolving = Symbol('resolving')
    api.onResolve({ filter: /./ }, async ({ path, pluginData, kind, importer, resolveDir }) => {
      if (pluginData === resolving || kind === 'entry-point') return undefined
      const ours = !importer.includes('/node_modules/')
      if (!ours && builtins.has(path)) return { path, namespace: 'builtins', sideEffects: false }
      if (path.startsWith('node:')) return undefined
      if (ours && path.startsWith('.')) return undefined
      if ((ours && !inlined.has(path)) || neverInlined.has(path)) return { path, external: true }
      const found = await api.resolve(replacements.get(path) ?? path, { kind, importer, resolveDir, pluginData: resolving })
      return { ...found, sideEffects: false, ...(path === '@platformatic/wasm-utils' ? { namespace: 'codecs' } : {}) }
    })
    api.onLoad({ filter: /./, namespace: 'builtins' }, ({ path }) => ({
      contents: calledLazily(builtins.get(path) ?? [], `process.getBuiltinModule('${path}')`),
    }))
    api.onLoad({ filter: /./, namespace: 'codecs' }, ({ path }) => ({
      contents: calledLazily(codecs, `require('${path}')`),
      resolveDir: root,
    }))
  },
}

/** Parts of Node that take some milliseconds to load, and the functions of them that these packages call: not before TLS, SASL, a codec or another program is asked for. */
const builtins = new Map([
  ['node:child_process', ['spawn']],
  ['node:zlib', ['gzip', 'gzipSync', 'gunzipSync', 'zstdCompressSync', 'zstdDecompressSync']],
  ['node:tls', ['connect']],
  ['node:crypto', ['createHash', 'createHmac', 'pbkdf2', 'randomBytes', 'randomUUID']],
])

/** Their WebAssembly is compiled when a batch needs it, and not by every command. */
const codecs = ['lz4Compress', 'lz4Decompress', 'snappyCompress', 'snappyDecompress']

/**
 * A module whose functions load the real one when the first of them is called.
 * @param {string[]} names
 * @param {string} load an expression
 */
function calledLazily(names, load) {
  const functions = names.map((name) => `export const ${name} = (...args) => (real ??= ${load}).${name}(...args)`)
  return ['let real', ...functions, `export default { ${names.join(', ')} }`].join('\n')
}

const neverInlined = new Set(['@node-rs/crc32'])

const replacements = new Map([
  // The variant that carries its WebAssembly in itself instead of reading a file beside it.
  ['@platformatic/wasm-utils', '@platformatic/wasm-utils/bundled'],
  // It loads its native part when it is imported.
  ['./crc32c.js', join(root, 'scripts/lazy-crc.mjs')],
  // Used for nothing but the options of the client's producer, consumer and admin, none of which we use; it alone takes half of the client's loading time.
  ['ajv/dist/2020.js', join(root, 'scripts/no-ajv.mjs')],
])

/** What the client's CommonJS dependencies call. */
export const requireBanner = {
  js: "import { createRequire as tidemarkRequire } from 'node:module'; const require = tidemarkRequire(import.meta.url);",
}
