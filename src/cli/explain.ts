import { positionOf } from '../core/custody.ts'
import { explain } from '../verbs/explain.ts'
import type { ExplainedAction, ExplainedTest, Explanation } from '../verbs/explain.ts'
import type { Stake, StakeRecord } from '../verbs/stakes.ts'
import { TidemarkError } from '../errors.ts'
import { printDateTime } from './datetimes.ts'
import { marginJson, marginText } from './margin.ts'
import type { CommonOptions } from './options.ts'
import type { Report } from './report.ts'
import { askLogAndStore } from './session.ts'
import { plain, wrap } from './table.ts'
import type { Screen } from './table.ts'
import { exitCodeFor } from './verdicts.ts'

/** One line of an explanation: what it is about, and what there is to say. */
type Line = readonly [name: string, value: string | number | undefined | null]

interface Section {
  readonly title: string
  readonly lines: readonly Line[]
}

/** `tidemark explain GROUP TOPIC PARTITION` */
export async function explainAction(
  options: CommonOptions & { readonly clockSkew?: number | undefined },
  [group = '', topic = '', number = '']: readonly string[],
): Promise<Report> {
  if (!/^\d{1,9}$/.test(number))
    throw new TidemarkError('USAGE', `${JSON.stringify(number)} is no partition`, { group, topic, hint: 'Partitions are numbered from 0' })
  const partition = Number(number)
  const explanation = await askLogAndStore(options, 'read', (log, store) =>
    explain(log, store, { group, topic, partition, clockSkewMs: options.clockSkew }),
  )
  const sections = sectionsOf(explanation)
  return {
    document: { ...explanation, margin: marginJson(explanation.margin) },
    table: {
      columns: ['SECTION', 'NAME', 'VALUE'].map((name) => ({ name })),
      rows: sections.flatMap(({ title, lines }) => lines.map(([name, value]) => ({ cells: [title, name, value ?? null] }))),
    },
    text: (screen) => printSections(sections, screen),
    exitCode: exitCodeFor(explanation.verdict),
  }
}

function sectionsOf(explanation: Explanation): Section[] {
  const { group, topic, partition, tests, verdict, evidence, margin, actions } = explanation
  return [
    {
      title: 'Partition',
      lines: [
        ['group', group],
        ['topic', topic],
        ['partition', partition],
      ],
    },
    { title: 'Stored', lines: storedLines(explanation) },
    { title: 'Cluster', lines: factLines(explanation) },
    { title: 'Tests', lines: tests.map(testLine) },
    { title: 'Verdict', lines: evidence.map((sentence, index) => [index === 0 ? verdict : '', sentence]) },
    ...(margin === null ? [] : [{ title: 'Retention', lines: [['margin', marginText(margin)] satisfies Line] }]),
    { title: 'Actions', lines: actions.map(actionLine) },
    ...stakesSection(actions),
  ]
}

function storedLines({ custody }: Explanation): Line[] {
  const { planned, ownerEpoch, owner, trace } = custody
  const position = positionOf(custody)
  return present([
    ['committed offset', position?.offset ?? unreadable(custody)],
    ['leader epoch', position?.leaderEpoch],
    ['epochs read', position?.epochs?.map(({ epoch, startOffset }) => `${epoch} from ${startOffset}`).join(', ')],
    ['topic ID', position?.topicId],
    ['cluster ID', position?.clusterId],
    ['record time', position?.recordTime === undefined ? undefined : printDateTime(position.recordTime)],
    ['committed at', position?.commitTime === undefined ? undefined : printDateTime(position.commitTime)],
    ['committed by', position?.committedBy],
    ['identity', position?.assumedSince === undefined ? undefined : `assumed since ${printDateTime(position.assumedSince)}`],
    ['save ID', custody.saveId],
    ['left behind', trace],
    ['planned', planned === undefined ? undefined : `${planned.fromOffset} to ${planned.untilOffset}, not saved yet`],
    ['owner epoch', owner === undefined ? ownerEpoch : `${ownerEpoch}, ${owner}`],
  ])
}

function unreadable({ stored }: Explanation['custody']): string {
  if (stored.state === 'corrupt') return `${JSON.stringify(stored.raw)}, which is none: ${stored.reason}`
  return stored.state === 'unknown' ? `not known now: ${stored.reason}` : 'nothing'
}

function factLines({ facts, lag, truncation }: Explanation): Line[] {
  if (facts.state === 'unknown')
    return present([
      ['cluster ID', facts.clusterId],
      ['unknown', `${facts.reason}: ${facts.detail}`],
    ])
  if (facts.state === 'absent')
    return present([
      ['cluster ID', facts.clusterId],
      ['topic ID', facts.topicId],
      ['partitions', facts.partitionCount ?? 'there is no such topic'],
    ])
  return present([
    ['cluster ID', facts.clusterId],
    ['topic ID', facts.topicId],
    ['leader', `broker ${facts.leaderId} in epoch ${facts.leaderEpoch}`],
    ['log start offset', facts.logStartOffset],
    ['log end offset', facts.logEndOffset],
    ['last stable offset', facts.lastStableOffset],
    ['lag', lag],
    ...facts.epochEnds.map(({ asked, epoch, endOffset }): Line => [`epoch ${asked}`, epochEnd(asked, epoch, endOffset)]),
    [
      'truncated',
      truncation === null || truncation === undefined ? undefined : `${truncation.exact ? 'at' : 'at most at'} ${truncation.offset}`,
    ],
  ])
}

function epochEnd(asked: number, epoch: number, endOffset: number): string {
  if (endOffset < 0) return 'not known to the leader'
  return epoch === asked ? `ends at ${endOffset} at the leader` : `not in the leader's log; its epoch ${epoch} ends at ${endOffset}`
}

function testLine(test: ExplainedTest): Line {
  if (!test.evaluated) return [test.verdict, 'not evaluated']
  return [test.verdict, `${test.holds ? 'YES' : 'no'}: ${test.detail}`]
}

function actionLine({ action, byDefault, outcome, to, skipped, reread, note }: ExplainedAction): Line {
  const effects: Readonly<Record<ExplainedAction['outcome'], string>> = {
    none: 'nothing to do',
    move: `moves to ${to}; ${skipped === null ? 'nobody knows how many' : `at most ${skipped}`} records skipped, at most ${reread} read again`,
    adopt: 'leaves it where it is, with the identity that the log has now',
    keep: 'leaves it as it is',
    wait: 'waits until the cluster can say more',
    fail: 'moves nothing: somebody has to look',
  }
  return [action, `${effects[outcome]}${note === null ? '' : ` (${note})`}${byDefault ? ' [default]' : ''}`]
}

/** Records at stake, once where several actions come to the same. */
function stakesSection(actions: readonly ExplainedAction[]): Section[] {
  const lines = new Map<string, string[]>()
  for (const { action, stakes } of actions)
    for (const stake of stakes) lines.set(stakeText(stake), [...(lines.get(stakeText(stake)) ?? []), action])
  if (lines.size === 0) return []
  return [{ title: 'Records at stake', lines: [...lines].map(([text, names]): Line => [names.join(', '), text]) }]
}

function stakeText({ kind, fromOffset, untilOffset, removed, first, last, note }: Stake): string {
  const offsets = `${kind === 'skipped' ? 'skips' : 'reads again'} ${fromOffset} to ${untilOffset - 1}`
  const gone = removed === 0 ? [] : [`${removed === untilOffset - fromOffset ? 'all' : removed} of them removed from the log`]
  const ends = [first, last?.offset === first?.offset ? null : last].flatMap((record, index) =>
    record === null ? [] : [`${index === 0 ? 'the first' : 'the last'} ${recordText(record)}`],
  )
  return [offsets, ...gone, ...ends, ...(note === null ? [] : [note])].join('; ')
}

function recordText({ offset, timestamp, key, size }: StakeRecord): string {
  return `at ${offset} of ${printDateTime(timestamp)}, key ${key === null ? 'none' : JSON.stringify(key)}, ${size} bytes`
}

function present(lines: readonly Line[]): Line[] {
  return lines.filter(([, value]) => value !== undefined && value !== null && value !== '')
}

function printSections(sections: readonly Section[], screen: Screen): string {
  const width = Math.max(...sections.flatMap(({ lines }) => lines.map(([name]) => name.length)))
  const indent = ' '.repeat(width + 4)
  const printLine = ([name, value]: Line): string => {
    const text = plain(String(value ?? '-'))
    const lines = screen.terminal ? wrap(text, screen.width, indent) : [indent + text]
    return `  ${plain(name).padEnd(width)}  ${lines.join('\n').slice(indent.length)}\n`
  }
  return sections.map(({ title, lines }) => `${title}\n${lines.map(printLine).join('')}`).join('\n')
}
