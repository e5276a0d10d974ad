import { apiVersionsV3, protocolErrorsCodesById, ResponseError, type API, type Connection } from '@platformatic/kafka'
import { TidemarkError } from '../errors.ts'

/** One of the broker's API calls, in the versions that we can speak, newest first; all of one key, and with the same arguments. */
export interface Call<Args extends unknown[], Result> {
  readonly name: string
  readonly versions: readonly [API<Args, Result>, ...API<Args, Result>[]]
}

/** The versions that one broker speaks: API key → lowest and highest. */
export type Versions = ReadonlyMap<number, readonly [lowest: number, highest: number]>

/** Every version that a broker from 3.5 on can be asked in. Newer ones add nothing that we use. */
const apiVersions: Call<Parameters<typeof apiVersionsV3.createRequest>, ReturnType<typeof apiVersionsV3.parseResponse>> = {
  name: 'ApiVersions',
  versions: [apiVersionsV3.api],
}

/** Asks a broker, by the first request on a connection, which versions of what it speaks. */
export async function negotiate(connection: Connection): Promise<Versions> {
  const { apiKeys } = await ask(connection, apiVersions.versions[0], ['tidemark', '0.1.0'])
  return new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]))
}

/**
 * The newest version of a call that the broker speaks too.
 * @throws TidemarkError KAFKA_UNSUPPORTED where there is none.
 */
export function pick<Args extends unknown[], Result>(call: Call<Args, Result>, versions: Versions): API<Args, Result> {
  const [lowest, highest] = versions.get(call.versions[0].key) ?? [0, -1]
  const found = call.versions.find(({ version }) => version >= lowest && version <= highest)
  if (found !== undefined) return found
  const spoken = highest < 0 ? `no ${call.name}` : `${call.name} ${lowest} to ${highest}`
  throw new TidemarkError(
    'KAFKA_UNSUPPORTED',
    `the broker speaks ${spoken}, and Tidemark ${call.versions.map(({ version }) => version).join(', ')}`,
    {
      hint: 'Tidemark needs Kafka 3.5 or newer',
    },
  )
}

/** Sends one request. What the broker answers is the result, with an error code in it or without: each partition's error is the caller's to look at. */
export async function ask<Args extends unknown[], Result>(connection: Connection, api: API<Args, Result>, args: Args): Promise<Result> {
  try {
    return await api.async(connection, ...args)
  } catch (error) {
    // The client throws the whole answer away into an error where one partition of ten thousand has one.
    if (error instanceof ResponseError && 'response' in error) return error.response as Result
    throw error
  }
}

/** Kafka's name of an error code; NONE is no error. */
export function errorName(code: number): string {
  return protocolErrorsCodesById[code] ?? `ERROR_${code}`
}
