import { posix } from 'node:path'
import type * as S3 from '@aws-sdk/client-s3'
import { TidemarkError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { withoutPassword } from '../store/url.ts'
import type { Files } from './files.ts'

type Sdk = typeof S3

/**
 * Opens `s3://bucket/prefix`. Region, credentials and another endpoint come from where the AWS SDK takes them: `AWS_REGION`,
 * `AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, profiles …
 * @throws TidemarkError USAGE for a URL without a bucket, or where the SDK is not installed; without a region, when it is used first
 */
export async function openS3Files(url: string): Promise<Files> {
  const [, bucket, prefix = ''] = /^s3a?:\/\/([^/?#@:]+)(?:\/([^?#]*))?$/i.exec(url) ?? []
  if (bucket === undefined)
    throw new TidemarkError('USAGE', `${withoutPassword(url)} names no bucket`, { hint: 'Write s3://bucket/prefix' })
  const sdk = await loadSdk()
  const client = new sdk.S3Client({
    // One attempt: one that the SDK repeats by itself may find the object that the first made, and call it another's.
    maxAttempts: 1,
    // Servers other than Amazon's have no host name for each bucket.
    forcePathStyle: (process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']) !== undefined,
  })
  return new S3Files(sdk, client, bucket, prefix.replace(/\/$/, ''))
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (error) {
    throw new TidemarkError('USAGE', 'files on S3 need the AWS SDK', { hint: 'npm install @aws-sdk/client-s3', cause: error })
  }
}

class S3Files implements Files {
  readonly url: string
  readonly #sdk: Sdk
  readonly #client: S3.S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor(sdk: Sdk, client: S3.S3Client, bucket: string, prefix: string) {
    this.url = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
    this.#sdk = sdk
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
  }

  async list(directory: string): Promise<string[] | undefined> {
    const key = this.#key(directory)
    if (key === undefined) return undefined
    const prefix = key === '' ? '' : `${key}/`
    const names: string[] = []
    const pages = this.#sdk.paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix, Delimiter: '/' })
    try {
      for await (const { Contents: objects = [], CommonPrefixes: folders = [] } of pages) {
        for (const { Key } of objects) names.push((Key ?? '').slice(prefix.length))
        for (const { Prefix } of folders) names.push((Prefix ?? '').slice(prefix.length, -1))
      }
    } catch (error) {
      throw this.#storeError(error, `${prefix}*`)
    }
    // An object of the directory's own name is what some tools leave in place of a directory.
    return names.length === 0 ? undefined : names.filter((name) => name !== '')
  }

  async read(path: string): Promise<Buffer | undefined> {
    const key = this.#key(path)
    if (key === undefined) return undefined
    try {
      const { Body } = await this.#client.send(new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: key }))
      return Buffer.from((await Body?.transformToByteArray()) ?? [])
    } catch (error) {
      if (nameOf(error) === 'NoSuchKey') return undefined
      throw this.#storeError(error, key)
    }
  }

  async create(path: string, content: string): Promise<boolean> {
    const key = this.#key(path)
    try {
      await this.#client.send(new this.#sdk.PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: content, IfNoneMatch: '*' }))
      return true
    } catch (error) {
      if (statusOf(error) === 412) return false
      throw this.#storeError(error, key ?? path, mayHaveBeenDone(error) ? 'STORE_OUTCOME_UNKNOWN' : 'STORE_UNREACHABLE')
    }
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  /** undefined: it leads out of the bucket. */
  #key(path: string): string | undefined {
    const key = posix.normalize(posix.join(this.#prefix, path)).replace(/\/$/, '')
    return key.startsWith('..') ? undefined : key === '.' ? '' : key
  }

  #storeError(error: unknown, key: string, otherwise: ErrorCode = 'STORE_UNREACHABLE'): TidemarkError {
    const name = nameOf(error)
    const what = `s3://${this.#bucket}/${key} can't be had: ${name}: ${error instanceof Error ? error.message : String(error)}`
    if (/Region is missing/.test(what)) return new TidemarkError('USAGE', what, { hint: 'Set AWS_REGION', cause: error })
    if (name === 'NoSuchBucket') return new TidemarkError('STORE_NOT_FOUND', what, { hint: 'Look at the bucket’s name', cause: error })
    if (name === 'CredentialsProviderError' || [400, 401, 403].includes(statusOf(error) ?? 0)) {
      return new TidemarkError('STORE_DENIED', what, { hint: 'Look at the credentials and the bucket’s policy', cause: error })
    }
    return new TidemarkError(otherwise, what, { hint: 'Look at AWS_ENDPOINT_URL, and whether it is up', cause: error })
  }
}

/** Whether a failed request may have been carried out: it was sent, and no refusal came back. */
function mayHaveBeenDone(error: unknown): boolean {
  const status = statusOf(error)
  if (status !== undefined) return status === 500 || status === 502 || status === 504
  return !/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|CredentialsProviderError/.test(`${nameOf(error)} ${String(error)} ${codeOf(error)}`)
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ''
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code)
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}
