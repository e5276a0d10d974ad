import * as v from 'valibot'
import { TidemarkError } from '../../errors.ts'
import type { Member } from '../driver.ts'
import { parentOf, type Paths } from './paths.ts'
import type { Parents } from './parents.ts'
import type { Session } from './session.ts'

/** How often a heartbeat tries against somebody who changes the same znodes. */
const MAX_ATTEMPTS = 3

const schema = v.object({ id: v.string(), program: v.string(), host: v.string(), seenAt: v.number() })

/** Who lives in the groups: Tidemark's workers and the old consumers, each an ephemeral znode that goes with its session. */
export class Members {
  readonly #session: Session
  readonly #paths: Paths
  readonly #parents: Parents

  constructor(session: Session, paths: Paths, parents: Parents) {
    this.#session = session
    this.#paths = paths
    this.#parents = parents
  }

  /** Puts the member's znode, anew where it went with an expired session or still hangs on a dead one, with which it would go soon. */
  async heartbeat(group: string, member: Member): Promise<void> {
    const path = this.#pathOf(group, member.id)
    const data = Buffer.from(JSON.stringify(member))
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const found = await this.#session.set(path, data)
      if (found?.mine === true) return
      if (found !== undefined) await this.#session.remove(path)
      await this.#parents.ensure([parentOf(path)])
      const made = await this.#session.create({ path, data, mode: 'ephemeral' })
      if (made === 'created') return
      if (made === 'no-parent') this.#parents.forget()
    }
    throw new TidemarkError('STORE_UNREACHABLE', `${path} is removed or replaced again and again`, { group })
  }

  async leave(group: string, memberId: string): Promise<void> {
    await this.#session.remove(this.#pathOf(group, memberId))
  }

  async list(group: string): Promise<Member[]> {
    const ids = this.#paths.ids?.(group)
    const [ours, old] = await Promise.all([this.#ours(group), ids === undefined ? [] : this.#session.children(ids)])
    return [...ours, ...(old ?? []).map((id) => oldConsumer(group, id))]
  }

  async #ours(group: string): Promise<Member[]> {
    const folder = this.#paths.members(group)
    const names = (await this.#session.children(folder)) ?? []
    const znodes = await this.#session.getAll(names.map((name) => `${folder}/${name}`))
    return znodes.flatMap((znode) => (znode === undefined ? [] : memberOf(znode.data)))
  }

  /** An ID may hold what the name of a znode can't. */
  #pathOf(group: string, memberId: string): string {
    return `${this.#paths.members(group)}/m-${encodeURIComponent(memberId)}`
  }
}

function memberOf(data: Buffer): Member[] {
  try {
    return [v.parse(schema, JSON.parse(data.toString('utf8')))]
  } catch {
    // Not one of ours, whatever it is.
    return []
  }
}

/** `<group>_<host>-<ms>-<hex>`, or where an ID was configured `<group>_<id>`. That it is there means that its session lives. */
function oldConsumer(group: string, id: string): Member {
  const own = id.startsWith(`${group}_`) ? id.slice(group.length + 1) : id
  return { id, program: 'zookeeper-consumer', host: own.replace(/-\d+-[\da-f]+$/, ''), seenAt: Date.now() }
}
