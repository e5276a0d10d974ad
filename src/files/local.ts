import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { asTidemarkError, TidemarkError } from '../errors.ts'
import { withoutPassword } from '../store/url.ts'
import type { Files } from './files.ts'

/** Opens a directory of this machine, by a path or a `file:///path`. @throws TidemarkError USAGE where it names none */
export function openLocalFiles(url: string): Files {
  return new LocalFiles(pathOf(url))
}

function pathOf(url: string): string {
  if (url === '') throw new TidemarkError('USAGE', 'no directory is named')
  if (!/^file:/i.test(url)) return resolve(url)
  try {
    return fileURLToPath(url)
  } catch {
    // Without what it was caused by, which quotes the URL.
    throw new TidemarkError('USAGE', `${withoutPassword(url)} names no directory of this machine`, {
      hint: 'Write a path, or file:///path',
    })
  }
}

class LocalFiles implements Files {
  readonly url: string

  constructor(root: string) {
    this.url = root
  }

  async list(directory: string): Promise<string[] | undefined> {
    return this.#present(join(this.url, directory), (path) => readdir(path))
  }

  async read(path: string): Promise<Buffer | undefined> {
    return this.#present(join(this.url, path), (file) => readFile(file))
  }

  /** By a link from a temporary file, named as Spark names its own: a rename would overwrite, and a plain write could be seen half done. */
  async create(path: string, content: string): Promise<boolean> {
    const file = join(this.url, path)
    const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`)
    try {
      await mkdir(dirname(file), { recursive: true })
      await writeThrough(temporary, content)
      return await linked(temporary, file)
    } catch (error) {
      throw storeError(error, file)
    } finally {
      await unlink(temporary).catch(() => {}) // where it was not made, that error is the one that counts
    }
  }

  async close(): Promise<void> {}

  async #present<T>(path: string, work: (path: string) => Promise<T>): Promise<T | undefined> {
    try {
      return await work(path)
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
      throw storeError(error, path)
    }
  }
}

async function writeThrough(path: string, content: string): Promise<void> {
  const handle = await open(path, 'wx')
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function storeError(error: unknown, path: string): TidemarkError {
  const code = codeOf(error)
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new TidemarkError('STORE_DENIED', `${path} can't be accessed: ${code}`, {
      hint: 'Look at the permissions, and whether the file system has hard links',
      cause: error,
    })
  }
  if (code === 'ENOSPC' || code === 'EIO' || code === 'ESTALE' || code === 'ETIMEDOUT') {
    return new TidemarkError('STORE_UNREACHABLE', `${path} can't be read or written: ${code}`, { hint: 'Look at the disk', cause: error })
  }
  return asTidemarkError(error, 'STORE_CORRUPT', { hint: 'Look at that path' })
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}
