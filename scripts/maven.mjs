import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './paths.mjs'

/**
 * A pom of the lab.
 * @param {string} name
 */
export function pomOf(name) {
  return join(root, 'lab', `${name}.pom.xml`)
}

/**
 * Copies the jars that a pom of the lab names into a folder.
 * @param {string} pom
 * @param {string} folder
 * @param {string[]} properties such as -Dspark=4.1.1
 */
export function copyJars(pom, folder, ...properties) {
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${folder}`, '-DincludeScope=runtime', ...properties]
  execFileSync('mvn', ['-B', '-q', '-Dstyle.color=never', '-f', pomOf(pom), ...goal], { stdio: ['ignore', 2, 2] })
}
