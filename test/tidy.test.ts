// The structure rules that the project sets itself; DESIGN.md says why. File and function lengths are the linter's (.oxlintrc.json).
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { root } from '../scripts/paths.mjs'

/** Every file that is or would be committed. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && file !== 'LICENSE')

/** The files of a folder whose names end as given; `.ts` leaves out declarations of other people's packages. */
function sources(folder: string): string[] {
  return files.filter((file) => file.startsWith(`${folder}/`) && file.endsWith('.ts') && !file.endsWith('.d.ts'))
}

function read(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8')
  } catch {
    // Deleted, and not committed yet.
    return ''
  }
}

/** What a file imports: packages by name, our own files by their path from the root. */
function importsOf(file: string): string[] {
  const names = [...read(file).matchAll(/\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1] ?? '')
  return names.map((name) => (name.startsWith('.') ? join(dirname(file), name) : name))
}

/** The lines of some files that a pattern matches, as an error message shows them. */
function linesWith(pattern: RegExp, where: string[]): string[] {
  return where.flatMap((file) =>
    read(file)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  )
}

function importersOf(name: string): string[] {
  return sources('src').filter((file) => importsOf(file).some((imported) => imported === name || imported.startsWith(`${name}/`)))
}

describe('the structure', () => {
  it('lets only src/kafka import the Kafka client', () => {
    assert.deepEqual(
      importersOf('@platformatic/kafka').filter((file) => !file.startsWith('src/kafka/')),
      [],
    )
  })

  it('keeps the ZooKeeper client behind one file', () => {
    const importers = importersOf('node-zookeeper-client')
    assert.ok(importers.length <= 1, `imported by ${importers.join(', ')}`)
  })

  it('keeps the core pure: it imports itself and the errors, and nothing else', () => {
    const foreign = sources('src/core').flatMap((file) =>
      importsOf(file)
        .filter((imported) => !imported.startsWith('src/core/') && imported !== 'src/errors.ts')
        .map((imported) => `${file} imports ${imported}`),
    )
    assert.deepEqual(foreign, [])
  })

  it('keeps the core pure: it has no clock, no randomness, no timers and no process', () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\b|\bfetch\(|\bconsole\.|\bcrypto\b/
    assert.deepEqual(linesWith(impure, sources('src/core')), [])
  })

  it('documents every error code, and none that does not exist', () => {
    const codes = [...read('src/errors.ts').matchAll(/^  \| '([A-Z_]+)'/gm)].map((match) => match[1] ?? '')
    const documented = [...read('docs/errors.md').matchAll(/^\| ([A-Z_]+) \|/gm)].map((match) => match[1] ?? '')
    assert.deepEqual(new Set(documented), new Set(codes))
  })

  it('lets the command line call the verbs and nothing below them that does I/O by itself', () => {
    const below = sources('src/cli').flatMap((file) =>
      importsOf(file)
        .filter((imported) => imported === 'node:sqlite' || imported === '@platformatic/kafka' || imported === 'node-zookeeper-client')
        .map((imported) => `${file} imports ${imported}`),
    )
    assert.deepEqual(below, [])
  })

  it('documents every exported function and class', () => {
    const bare = [...sources('src'), ...sources('lab')].flatMap((file) => {
      const lines = read(file).split('\n')
      return lines.flatMap((line, index) => {
        const exported = /^export (?:async )?(?:function|abstract class|class)\b/.test(line)
        // An overload's later signatures share the first one's comment.
        const before = lines[index - 1]?.trimEnd() ?? ''
        return !exported || before.endsWith('*/') || before.startsWith('export function') ? [] : [`${file}:${index + 1}: ${line}`]
      })
    })
    assert.deepEqual(bare, [])
  })
})

describe('the repository', () => {
  it('holds no loose ends', () => {
    // The brackets keep the patterns in this file from finding themselves.
    assert.deepEqual(linesWith(/\b(?:TO[D]O|FIX[M]E|X[X]X)\b/, files), [])
  })

  it('skips no test and runs all of them', () => {
    const tests = sources('test')
    assert.deepEqual(
      linesWith(/\b(?:it|test|describe|suite)\.(?:only|skip|todo)\b|\b(?:only|skip|todo): ?true\b|\bt\.(?:skip|todo)\(/, tests),
      [],
    )
  })

  it('names no package registry', () => {
    const hosts = /registry[.]npmjs|npmjs[.]org|repo1?[.]maven|maven[.]apache[.]org|pypi[.]org|pythonhosted[.]org|deb[.]debian|crates[.]io/
    assert.deepEqual(linesWith(hosts, files), [])
    assert.deepEqual(linesWith(/"resolved"/, ['package-lock.json']), [])
  })

  it('pins every dependency exactly and says in DESIGN.md what it is for', () => {
    const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>
    // The first column of its tables; one row may name several.
    const rows = read('DESIGN.md').matchAll(/^\|([^|]+)\|/gm)
    const named = new Set(
      [...rows].flatMap(([, cell = '']) =>
        cell
          .replaceAll('`', '')
          .split(',')
          .map((name) => name.trim()),
      ),
    )
    const pinned = { ...manifest['dependencies'], ...manifest['devDependencies'] }
    const problems = Object.entries(pinned).flatMap(([name, version]) => [
      ...(/^\d+\.\d+\.\d+$/.test(version) ? [] : [`${name} ${version} is not one version`]),
      ...(named.has(name) ? [] : [`${name} is not in DESIGN.md`]),
    ])
    assert.deepEqual(problems, [])
  })

  it('has no unused file, export or dependency', () => {
    const knip = join(root, 'node_modules/knip/bin/knip.js')
    const { stdout, stderr } = spawnSync(process.execPath, [knip, '--no-progress', '--no-config-hints'], { cwd: root, encoding: 'utf8' })
    assert.equal(stdout.trim() + stderr.trim(), '')
  })
})
