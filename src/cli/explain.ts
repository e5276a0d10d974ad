import { positionOf } from '../core/custody.ts'
import { explain } from '../verbs/explain.ts'
import type { ExplainedAction, ExplainedTest, Explanation } from '../verbs/explain.ts'
import { TidemarkError } from '../errors.ts'
import { printDateTime } from './datetimes.ts'
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
export async function explainAction(options: CommonOptions, [group = '', topic = '', number = '']: readonly string[]): Promise<Report> {
  if (!/^\d{1,9}$/.test(number))
    throw new TidemarkError('USAGE', `${JSON.stringify(number)} is no partition`, { group, topic, hint: 'Partitions are numbered from 0' })
  const partition = Number(number)
  const explanation = await askLogAndStore(options, 'read', (log, store) => explain(log, store, { group, topic, partition }))
  const sections = sectionsOf(explanation)
  return {
    document: { ...explanation },
    table: {
      columns: ['SECTION', 'NAME', 'VALUE'].map((name) => ({ name })),
      rows: sections.flatMap(({ title, lines }) => lines.map(([name, value]) => ({ cells: [title, name, value ?? null] }))),
    },
    text: (screen) => printSections(sections, screen),
    exitCode: exitCodeFor(explanation.verdict),
  }
}

function sectionsOf(explanation: Explanation): Section[] {
  const { group, topic, partition, tests, verdict, evidence, actions } = explanation
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
    { title: 'Actions', lines: actions.map(actionLine) },
  ]
}

function storedLines({ custody }: Explanation): Line[] {
  const { stored, planned, ownerEpoch, owner, trace } = custody
  const position = positionOf(custody)
  return present([
    [
      'committed offset',
      stored.state === 'corrupt' ? `${JSON.stringify(stored.raw)}, which is none: ${stored.reason}` : (position?.offset ?? 'nothing'),
    ],
    ['leader epoch', position?.leaderEpoch],
    ['epochs read', position?.epochs?.map(({ epoch, startOffset }) => `${epoch} from ${startOffset}`).join(', ')],
    ['topic ID', position?.topicId],
    ['cluster ID', position?.clusterId],
    ['record time', position?.recordTime === undefined ? undefined : printDateTime(position.recordTime)],
    ['committed at', position?.commitTime === undefined ? undefined : printDateTime(position.commitTime)],
    ['committed by', position?.committedBy],
    ['save ID', custody.saveId],
    ['left behind', trace],
    ['planned', planned === undefined ? undefined : `${planned.fromOffset} to ${planned.untilOffset}, not saved yet`],
    ['owner epoch', owner === undefined ? ownerEpoch : `${ownerEpoch}, ${owner}`],
  ])
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
    keep: 'leaves it as it is',
    wait: 'waits until the cluster can say more',
    fail: 'moves nothing: somebody has to look',
  }
  return [action, `${effects[outcome]}${note === null ? '' : ` (${note})`}${byDefault ? ' [default]' : ''}`]
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
