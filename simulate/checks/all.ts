import type { Violate, Witness } from '../witness.ts'
import type { World } from '../world.ts'
import { Account } from './account.ts'
import { Fenced } from './fenced.ts'
import { Idempotent } from './idempotent.ts'
import { NamedErrors } from './named-errors.ts'
import { NoBlindMove } from './no-blind-move.ts'
import { ReplayedAsPlanned } from './replayed-as-planned.ts'
import { SavedAfterWork } from './saved-after-work.ts'
import { TrueVerdict } from './true-verdict.ts'
import { UnknownNeverWrites } from './unknown-never-writes.ts'

/** One witness for each invariant; `bounded` is measured where a job reads (bounded.ts), and `gets-there` by whoever waits for it. */
export function allWitnesses(world: World, violate: Violate): readonly Witness[] {
  return [
    new SavedAfterWork(world, violate),
    new NoBlindMove(violate),
    new UnknownNeverWrites(violate),
    new Fenced(violate),
    new Idempotent(violate),
    new NamedErrors(violate),
    new ReplayedAsPlanned(world, violate),
    new TrueVerdict(world, violate),
    new Account(world, violate),
  ]
}
