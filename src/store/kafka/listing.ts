import { keyOf } from '../../core/position.ts'
import { asTidemarkError } from '../../errors.ts'
import type { Groups, GroupType, ShareStart } from '../../kafka/groups.ts'
import type { GroupListing } from '../driver.ts'

/** How many partitions of a share group a sentence names. */
const SHOWN = 8

/** Why a share group is neither compared nor moved. */
export const shareGroupReason =
  'it is a share group (KIP-932), which has no committed offsets: what was dealt with is kept record by record, so that there is nothing to compare and nothing to move'

/** What there is to say of a group besides its offsets; without a type: only the ledger knows it. */
export async function listingOf(groups: Groups, group: string, type: GroupType | undefined): Promise<GroupListing> {
  if (type !== 'share') return { group, type }
  return { group, type, withoutOffsets: [shareGroupReason, await whereItStands(groups, group)] }
}

/** One group's failure to say more is no reason to keep the others back. */
function whereItStands(groups: Groups, group: string): Promise<string> {
  return groups.shareStarts(group).then(startText, (error: unknown) => `where it stands is not known: ${asTidemarkError(error).what}`)
}

function startText(starts: readonly ShareStart[]): string {
  if (starts.length === 0) return 'it has read nothing yet'
  const shown = starts.slice(0, SHOWN).map((start) => `${keyOf(start)} ${'error' in start ? start.error : numberOf(start.startOffset)}`)
  const more = starts.length > SHOWN ? ` and ${starts.length - SHOWN} partitions more` : ''
  return `all below these start offsets is dealt with: ${shown.join(', ')}${more}`
}

function numberOf(startOffset: bigint): string {
  return startOffset < 0n ? 'not begun' : String(startOffset)
}
