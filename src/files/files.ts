import { TidemarkError } from '../errors.ts'

/**
 * The few things that Tidemark does with files that may lie on a disk, on S3 or on HDFS. Paths are relative to the root that
 * was opened, with slashes; `..` leads out of it. Each call is one attempt and throws TidemarkError: STORE_UNREACHABLE (nothing was
 * created), STORE_OUTCOME_UNKNOWN (from `create` only: it may have been), STORE_DENIED, STORE_NOT_FOUND (no such bucket).
 */
export interface Files {
  /** The root's URL, without secrets. */
  readonly url: string
  /** The names in a directory, in any order; undefined: there is no such directory, or on S3 nothing in it. */
  list(directory: string): Promise<string[] | undefined>
  /** A file's content; undefined: there is no such file. */
  read(path: string): Promise<Buffer | undefined>
  /** Makes a file as a whole, and its directories, and says true; or says false and changes nothing where a file of that name exists. */
  create(path: string, content: string): Promise<boolean>
  close(): Promise<void>
}

/**
 * Opens a directory: a path or `file:///path`, `s3://bucket/prefix` (also `s3a:`), `hdfs://[user@]namenode:http-port/path`.
 * Nothing is asked or made yet.
 * @throws TidemarkError USAGE for another scheme
 */
export async function openFiles(url: string): Promise<Files> {
  const scheme = /^([a-z][a-z0-9+-]*):/i.exec(url)?.[1]?.toLowerCase() ?? 'file'
  switch (scheme) {
    case 'file':
      return (await import('./local.ts')).openLocalFiles(url)
    case 's3':
    case 's3a':
      return (await import('./s3.ts')).openS3Files(url)
    case 'hdfs':
      return (await import('./hdfs.ts')).openHdfsFiles(url)
    default:
      throw new TidemarkError('USAGE', `there are no files ${scheme}:`, { hint: 'There are paths, file:, s3: and hdfs:' })
  }
}
