import { TidemarkError } from '../../errors.ts'
import { parentOf, type Paths } from './paths.ts'
import type { Session } from './session.ts'

/** Makes the folders that znodes are created in, as the old consumer makes them: persistent, with null data. Remembers those that are there. */
export class Parents {
  readonly #session: Session
  readonly #paths: Paths
  readonly #known = new Set<string>()

  constructor(session: Session, paths: Paths) {
    this.#session = session
    this.#paths = paths
  }

  /** Makes each folder that is not there yet, and those above it up to the chroot. Others may make the same ones at the same time. */
  async ensure(folders: readonly string[]): Promise<void> {
    for (const folder of new Set(folders)) {
      if (!this.#known.has(folder)) await this.#make(folder)
    }
  }

  /** Forgets what is there: somebody removed some of it. */
  forget(): void {
    this.#known.clear()
  }

  async #make(folder: string): Promise<void> {
    if (folder === this.#paths.chroot) throw missingChroot(folder)
    const creation = { path: folder, shared: this.#paths.roots.includes(folder) }
    while ((await this.#session.create(creation)) === 'no-parent') await this.#make(parentOf(folder))
    this.#known.add(folder)
  }
}

/** The chroot is never made: one that is missing is nearly always a wrong one. */
export function missingChroot(chroot: string): TidemarkError {
  return new TidemarkError('STORE_NOT_FOUND', `there is no znode ${chroot} in this ZooKeeper`, {
    hint: `If the path in the store's URL is right, create it: zkCli.sh create ${chroot}`,
  })
}
