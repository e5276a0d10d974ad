import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import { userInfo } from 'node:os'
import { posix } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { TidemarkError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { withoutPassword } from '../store/url.ts'
import type { Files } from './files.ts'

/**
 * Opens `hdfs://[user@]namenode:port/path` by WebHDFS, whose port is that of the namenode's HTTP address (9870 by default). Without a user:
 * `HADOOP_USER_NAME`, or who runs this. No Kerberos.
 * @throws TidemarkError USAGE for a URL without a namenode
 */
export function openHdfsFiles(url: string): Files {
  const [, user, namenode, path = '/'] =
    /^hdfs:\/\/(?:([^/?#@:]+)@)?((?:\[[\da-f:.]+\]|[^/?#@:[\]]+)(?::\d{1,5})?)(\/[^?#]*)?$/i.exec(url) ?? []
  if (namenode === undefined) {
    throw new TidemarkError('USAGE', `${withoutPassword(url)} names no namenode`, {
      hint: 'Write hdfs://namenode:9870/path, by the port of its HTTP address',
    })
  }
  return new HdfsFiles(namenode, posix.normalize(path), user ?? process.env['HADOOP_USER_NAME'] ?? userInfo().username)
}

class HdfsFiles implements Files {
  readonly url: string
  readonly #namenode: string
  readonly #root: string
  readonly #user: string

  constructor(namenode: string, root: string, user: string) {
    this.url = `hdfs://${namenode}${root.replace(/\/$/, '')}`
    this.#namenode = namenode
    this.#root = root
    this.#user = user
  }

  async list(directory: string): Promise<string[] | undefined> {
    const path = this.#path(directory)
    const answer = await this.#operation('GET', path, { op: 'LISTSTATUS' })
    if (answer === undefined) return undefined
    const statuses = (answer['FileStatuses'] as { FileStatus: { pathSuffix: string }[] } | undefined)?.FileStatus ?? []
    const names = statuses.map(({ pathSuffix }) => pathSuffix)
    return names[0] === '' ? undefined : names // a file lists itself
  }

  async read(path: string): Promise<Buffer | undefined> {
    const full = this.#path(path)
    const response = await this.#fetch('GET', this.#url(full, { op: 'OPEN' }), full, 'STORE_UNREACHABLE')
    if (response.status === 200) return bodyOf(response, full)
    const json = await jsonOf(response)
    if (isAbsent(json)) return undefined
    throw refused(full, response.status, json)
  }

  /** Written under a temporary name and renamed, as Spark does: HDFS shows a file while it is being written, and its rename never overwrites. */
  async create(path: string, content: string): Promise<boolean> {
    const full = this.#path(path)
    const temporary = posix.join(posix.dirname(full), `.${posix.basename(full)}.${randomUUID()}.tmp`)
    await this.#write(temporary, content)
    const renamed = await this.#operation('PUT', temporary, { op: 'RENAME', destination: full }, 'STORE_OUTCOME_UNKNOWN')
    if (renamed?.['boolean'] === true) return true
    await this.#operation('DELETE', temporary, { op: 'DELETE' })
    if ((await this.#operation('GET', full, { op: 'GETFILESTATUS' })) !== undefined) return false
    throw new TidemarkError('STORE_UNREACHABLE', `${full} could not be made, and is not there`, { hint: 'Look at the namenode’s log' })
  }

  async close(): Promise<void> {}

  /** The namenode says which datanode is to have it. */
  async #write(path: string, content: string): Promise<void> {
    const asked = await this.#operation('PUT', path, { op: 'CREATE', overwrite: 'false', noredirect: 'true' })
    const location = asked?.['Location']
    if (typeof location !== 'string') {
      throw new TidemarkError('STORE_UNREACHABLE', `the namenode named no datanode for ${path}`, { hint: 'Look at the datanodes' })
    }
    const { status, text } = await put(location, content).catch((error: unknown) => {
      throw this.#unanswered(path, error, 'STORE_UNREACHABLE')
    })
    if (status !== 201) throw refused(path, status, parsed(text))
  }

  /** What was answered, as JSON; undefined: there is no such file. */
  async #operation(
    method: string,
    path: string,
    parameters: Readonly<Record<string, string>>,
    lost: ErrorCode = 'STORE_UNREACHABLE',
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const response = await this.#fetch(method, this.#url(path, parameters), path, lost)
    const json = await jsonOf(response)
    if (response.ok) return json
    if (isAbsent(json)) return undefined
    throw refused(path, response.status, json)
  }

  async #fetch(method: string, url: string, path: string, lost: ErrorCode): Promise<Response> {
    try {
      return await fetch(url, { method })
    } catch (error) {
      throw this.#unanswered(path, error, lost)
    }
  }

  #unanswered(path: string, error: unknown, lost: ErrorCode): TidemarkError {
    const { code, message } = ((error as { cause?: unknown }).cause ?? error) as NodeJS.ErrnoException
    const wasSent = code !== 'ECONNREFUSED' && code !== 'ENOTFOUND'
    return new TidemarkError(wasSent ? lost : 'STORE_UNREACHABLE', `${this.url} did not answer about ${path}: ${code ?? message}`, {
      hint: 'Is it up, and is the port that of its HTTP address?',
      cause: error,
    })
  }

  #url(path: string, parameters: Readonly<Record<string, string>>): string {
    const query = new URLSearchParams({ ...parameters, 'user.name': this.#user })
    return `http://${this.#namenode}/webhdfs/v1${path.split('/').map(encodeURIComponent).join('/')}?${query.toString()}`
  }

  #path(path: string): string {
    const full = posix.join(this.#root, path)
    return full.length > 1 ? full.replace(/\/$/, '') : full
  }
}

async function bodyOf(response: Response, path: string): Promise<Buffer> {
  try {
    return Buffer.from(await response.arrayBuffer())
  } catch (error) {
    throw new TidemarkError('STORE_UNREACHABLE', `the connection broke off in ${path}`, { hint: 'Look at the datanodes', cause: error })
  }
}

/** Not by fetch: a datanode answers with 100 Continue first, whether it was asked to or not, and fetch takes that for a failure. */
async function put(url: string, content: string): Promise<{ readonly status: number; readonly text: string }> {
  const request = http.request(url, { method: 'PUT', headers: { 'content-type': 'application/octet-stream' } })
  request.end(content)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  return { status: response.statusCode ?? 0, text: await readText(response) }
}

async function jsonOf(response: Response): Promise<Record<string, unknown>> {
  return parsed(await response.text().catch(() => ''))
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Hadoop's own name of what went wrong, and what it says. */
function exceptionOf(json: Readonly<Record<string, unknown>>): { readonly name: string; readonly message: string } {
  const { exception = '', message = '' } = (json['RemoteException'] ?? {}) as { exception?: string; message?: string }
  return { name: exception, message: message.split('\n')[0] ?? '' }
}

/** There is no such file, or what should be a directory above it is a file. */
function isAbsent(json: Readonly<Record<string, unknown>>): boolean {
  const { name, message } = exceptionOf(json)
  return name === 'FileNotFoundException' || message.endsWith('(is not a directory)')
}

function refused(path: string, status: number, json: Readonly<Record<string, unknown>>): TidemarkError {
  const { name, message } = exceptionOf(json)
  const what = `${path} can't be had: ${status} ${name} ${message}`.trim()
  if (status === 401 || name === 'AccessControlException' || name === 'SecurityException') {
    return new TidemarkError('STORE_DENIED', what, { hint: 'Look at its permissions and at the user in the URL, hdfs://user@…' })
  }
  if (status === 400) return new TidemarkError('USAGE', what, { hint: 'Look at the path' })
  // Safe mode, a standby namenode, too few datanodes: they pass.
  return new TidemarkError('STORE_UNREACHABLE', what, { hint: 'Look at the namenode and its datanodes' })
}
