import { join } from 'node:path'
import { root } from './paths.mjs'

/**
 * The Kafka client is the one package that goes into the bundle, with what it needs itself: from outside only its whole index can be imported, which takes 0.4 s,
 * while a few of its modules are in use. Saying that none of its modules does anything by being imported lets esbuild leave out the rest.
 * @type {import('esbuild').Plugin}
 */
export const inlineKafkaClient = {
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

/** What the client's CommonJS dependencies call. */
export const requireBanner = {
  js: "import { createRequire as tidemarkRequire } from 'node:module'; const require = tidemarkRequire(import.meta.url);",
}
