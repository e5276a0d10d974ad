import type { DatabaseSync } from 'node:sqlite'
import { TidemarkError } from '../errors.ts'

/** The version of the tables below, kept in the file's `user_version`. */
const SCHEMA_VERSION = 2

/** `TIDM`: the file's `application_id`, by which Tidemark knows its own files. */
const APPLICATION_ID = 0x5449444d

const OFFSET_MOVED = `CREATE TRIGGER offset_moved AFTER UPDATE OF committed_offset ON positions
WHEN NEW.revision = OLD.revision AND NEW.committed_offset IS NOT OLD.committed_offset AND NEW.committed_offset IS NOT NULL
BEGIN
  UPDATE positions
  SET leader_epoch = NULL, epochs = NULL, topic_id = NULL, cluster_id = NULL, record_time = NULL, commit_time = NULL, committed_by = NULL, assumed_since = NULL,
    planned_from = NULL, planned_until = NULL
  WHERE id = NEW.id;
END;`

/**
 * Everything that Tidemark keeps in an SQLite file. Offsets are next offsets to read, times are milliseconds since 1970.
 *
 * The offset alone is of type ANY: a slip of a person's or of another program's (text, -1) must show up as a `corrupt`
 * verdict with what was put there. Whoever moves an offset by a plain UPDATE is seen to have done so: the triggers raise
 * the row's revision, so that no save of Tidemark's overwrites it unseen, and take away the identity and the plan that do
 * not belong to the new number. `id` is never used twice, so that a deleted and recreated row is never taken for the old one.
 */
const TABLES = `
CREATE TABLE positions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  group_name TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL CHECK (partition >= 0),
  committed_offset ANY,                               -- an integer; NULL: nothing stored
  leader_epoch INTEGER,
  epochs TEXT CHECK (json_type(epochs) = 'array'),    -- [[epoch, start offset], ...], oldest first
  topic_id TEXT,
  cluster_id TEXT,
  record_time INTEGER,
  commit_time INTEGER,
  committed_by TEXT,
  assumed_since INTEGER,
  planned_from INTEGER,
  planned_until INTEGER CHECK ((planned_from IS NULL) = (planned_until IS NULL)),
  owner_epoch INTEGER NOT NULL DEFAULT 0 CHECK (owner_epoch >= 0),
  owner TEXT,
  save_id TEXT,                                       -- of Tidemark's last write, while that is what is stored
  revision INTEGER NOT NULL DEFAULT 1,                -- raised by every change
  UNIQUE (group_name, topic, partition)
) STRICT;

CREATE TRIGGER offset_touched AFTER UPDATE OF committed_offset ON positions
WHEN NEW.revision = OLD.revision AND NEW.committed_offset IS NOT OLD.committed_offset
BEGIN
  UPDATE positions SET revision = revision + 1, save_id = NULL WHERE id = NEW.id;
END;

${OFFSET_MOVED}

CREATE TABLE ledger (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  action TEXT NOT NULL,
  from_offset INTEGER,                                -- NULL: there was none
  to_offset INTEGER NOT NULL,
  skipped INTEGER,                                    -- at most; NULL: nobody can know
  reread INTEGER NOT NULL,                            -- at most
  actor TEXT NOT NULL,
  evidence TEXT NOT NULL CHECK (json_type(evidence) = 'array')
) STRICT;

CREATE INDEX ledger_by_partition ON ledger (group_name, topic, partition);

CREATE TABLE members (
  group_name TEXT NOT NULL,
  id TEXT NOT NULL,
  program TEXT NOT NULL,
  host TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (group_name, id)
) STRICT, WITHOUT ROWID;

PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`

/** From version 1, which knew of no assumed identity. */
const MIGRATION = `
ALTER TABLE positions ADD COLUMN assumed_since INTEGER;
DROP TRIGGER offset_moved;
${OFFSET_MOVED}
PRAGMA user_version = ${SCHEMA_VERSION};
`

/** Whether there are Tidemark's tables in the file (true) or nothing at all (false). @throws TidemarkError STORE_CORRUPT for anything else. */
export function hasSchema(db: DatabaseSync, path: string): boolean {
  const { application, version, objects } = db
    .prepare(
      `SELECT (SELECT application_id FROM pragma_application_id) AS application, (SELECT user_version FROM pragma_user_version) AS version,
       (SELECT count(*) FROM sqlite_schema) AS objects`,
    )
    .get() as { application: number; version: number; objects: number }
  if (application === 0 && version === 0 && objects === 0) return false
  if (application !== APPLICATION_ID) {
    throw new TidemarkError('STORE_CORRUPT', `${path} is another program's SQLite database`, { hint: 'Name another file' })
  }
  if (version > SCHEMA_VERSION) {
    throw new TidemarkError(
      'STORE_CORRUPT',
      `${path} was written by a newer Tidemark (tables of version ${version}, this one knows ${SCHEMA_VERSION})`,
      {
        hint: 'Update Tidemark, or name another file',
      },
    )
  }
  return true
}

/** Makes the tables, unless another process did in the meantime. To be called inside a transaction. */
export function createSchema(db: DatabaseSync, path: string): void {
  if (!hasSchema(db, path)) db.exec(TABLES)
}

/** Whether the tables are of an older version. */
export function isOlder(db: DatabaseSync): boolean {
  return (db.prepare('PRAGMA user_version').get() as { user_version: number }).user_version < SCHEMA_VERSION
}

/** Brings older tables up to date, unless another process did in the meantime. To be called inside a transaction. */
export function migrate(db: DatabaseSync): void {
  if (isOlder(db)) db.exec(MIGRATION)
}
