import { readFileSync } from 'node:fs'
import type { Command, Option } from 'commander'
import { TidemarkError } from '../errors.ts'
import { isSetting } from './options.ts'

const DEFAULT_FILE = 'tidemark.json'
const DEFAULT_PROFILE = 'default'

type Profile = Readonly<Record<string, string | number>>

/**
 * Puts a profile's settings in place where neither a flag nor the environment said anything. The file looks like
 * `{ "profiles": { "default": { "bootstrap-server": "kafka:9092", "store": "zookeeper://zk:2181" } } }`.
 * A verb without settings needs none.
 * @throws TidemarkError USAGE for a file or profile that was named and is not there, and for what is no setting.
 */
export function applyProfile(command: Command): void {
  if (!command.options.some(isSetting)) return
  const { config, profile: name = DEFAULT_PROFILE } = command.opts<{ config?: string; profile?: string }>()
  const named = command.getOptionValueSource('profile') !== undefined
  const file = config ?? DEFAULT_FILE
  const text = readProfiles(file, config !== undefined || named)
  if (text === undefined) return
  for (const [key, value] of Object.entries(profileIn(text, file, name, named)))
    applySetting(command, key, value, `profile ${name} of ${file}`)
}

function readProfiles(file: string, needed: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (!needed && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new TidemarkError('USAGE', `the profiles in ${file} can't be read: ${(error as Error).message}`, { cause: error })
  }
}

function profileIn(text: string, file: string, name: string, named: boolean): Profile {
  const profiles = parseProfiles(text, file)
  const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  if (profile === undefined && named) {
    throw new TidemarkError('USAGE', `there is no profile ${name} in ${file}`, {
      hint: `There are ${Object.keys(profiles).join(', ') || 'none'}`,
    })
  }
  return profile ?? {}
}

function parseProfiles(text: string, file: string): Readonly<Record<string, Profile>> {
  const parsed = parseJson(text)
  const profiles = isObject(parsed) ? parsed['profiles'] : undefined
  if (!isObject(profiles) || !Object.values(profiles).every(isProfile)) {
    throw new TidemarkError('USAGE', `${file} holds no profiles`, {
      hint: '{ "profiles": { "default": { "store": "sqlite:./tidemark.db" } } }',
    })
  }
  return profiles as Record<string, Profile>
}

/** A profile may hold settings of other verbs, but nothing that no verb has. */
function applySetting(command: Command, key: string, value: string | number, where: string): void {
  const isThis = (option: Option): boolean => option.long === `--${key}` && isSetting(option)
  const option = command.options.find(isThis)
  if (option === undefined) {
    if (command.parent?.commands.some(({ options }) => options.some(isThis)) === true) return
    throw new TidemarkError('USAGE', `${JSON.stringify(key)} in the ${where} is no setting`, {
      hint: 'Settings are named like the options that the environment can give too',
    })
  }
  const source = command.getOptionValueSource(option.attributeName())
  if (source !== undefined && source !== 'default') return
  command.setOptionValueWithSource(option.attributeName(), parseSetting(option, String(value), where), 'config')
}

function parseSetting(option: Option, text: string, where: string): unknown {
  try {
    return option.parseArg === undefined ? text : option.parseArg(text, undefined)
  } catch (error) {
    throw new TidemarkError('USAGE', `${option.long} in the ${where} is ${JSON.stringify(text)}. ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function isProfile(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((one) => typeof one === 'string' || typeof one === 'number')
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
