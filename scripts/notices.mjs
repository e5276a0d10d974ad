import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './paths.mjs'

/**
 * The licences of the packages whose files were bundled.
 * @param {string[]} inputs the bundled files, relative to the repository's root
 */
export function notices(inputs) {
  const folders = new Set(inputs.flatMap((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
  const intro = '# Third-party software in this package\n\nParts of these packages are bundled into Tidemark.\n'
  return [intro, ...[...folders].toSorted().map(notice)].join('\n')
}

/** @param {string} folder */
function notice(folder) {
  const at = join(root, folder)
  const { name, version, license } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'))
  const file = existsSync(at) ? readdirSync(at).find((entry) => /^licen[cs]e/i.test(entry)) : undefined
  const text = file === undefined ? '' : `\n\`\`\`text\n${readFileSync(join(at, file), 'utf8').trim()}\n\`\`\`\n`
  return `## ${name} ${version} (${license})\n${text}`
}
