import { Option } from 'commander'
import type { Log } from '../kafka/log.ts'
import { collect, ON_FAILURE, toCount, toDuration, toOnFailure, toShift, toSize, toTime, toTimeOrAge, toWait } from './values.ts'

/** What every verb accepts, used or not. */
export interface CommonOptions {
  readonly bootstrapServer?: string | undefined
  readonly commandConfig?: string | undefined
  readonly store: string
  readonly ledger?: string | undefined
  readonly group?: string | undefined
  readonly output: Format
  readonly timeout?: number | undefined
  readonly verbose?: boolean | undefined
  /** No flag: the log of a caller in this process that has one already. */
  readonly log?: Log | undefined
  /** No flag: Tidemark's own version. */
  readonly version?: string | undefined
}

/** What the verbs that move offsets add. */
export interface MovingOptions extends CommonOptions {
  readonly topic?: readonly string[] | undefined
  readonly maxSkip?: number | undefined
  readonly maxReread?: number | undefined
  readonly dryRun?: boolean | undefined
  readonly execute?: boolean | undefined
}

export type Format = 'text' | 'json' | 'csv'

/** The shells whose completion there is. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof SHELLS)[number]

/** A setting: an option that the environment and a profile can give too, since it says where and how rather than what to do now. */
function setting(flags: string, description: string): Option {
  const option = new Option(flags, description)
  return option.env(`TIDEMARK_${option.name().replaceAll('-', '_').toUpperCase()}`)
}

/** Whether the environment and a profile can give this option. */
export function isSetting(option: Option): boolean {
  return option.envVar !== undefined
}

/** The options that every verb accepts. */
export function commonOptions(): Option[] {
  const options = [
    setting('--bootstrap-server <host:port>', 'brokers to start from, with commas between several'),
    setting('--command-config <file>', "a Java client's properties file: security.protocol, sasl.*, ssl.*"),
    setting(
      '--store <url>',
      'where the offsets are kept; docs/formats.md has every kind, such as zookeeper://h:2181?layout=per-topic',
    ).default('sqlite:./tidemark.db'),
    setting('--ledger <file>', 'the SQLite file of the ledger, for a store that has no room for one (default: ./tidemark.db)'),
    setting('--group <name>', 'the consumer group'),
    setting('-o, --output <format>', 'results on stdout as text, json or csv').choices(['text', 'json', 'csv']).default('text'),
    setting('--timeout <duration>', 'how long cluster and store may take to answer (default: 30s)').argParser(toWait),
    new Option('--config <file>', 'a file of profiles (default: ./tidemark.json, if there is one)').env('TIDEMARK_CONFIG'),
    new Option('--profile <name>', 'the profile in that file (default: default)').env('TIDEMARK_PROFILE'),
    new Option('--verbose', 'show stack traces'),
  ]
  return options.map((option) => option.helpGroup('Options of every verb:'))
}

/** `--topic`, as often as one likes. */
export function topicOption(description: string): Option {
  return new Option('--topic <topic[:partitions]>', `${description}; orders, or orders:0,2; repeatable`).argParser(collect)
}

/** `--all-groups`, as in Kafka's own tool. */
export function allGroupsOption(): Option {
  return new Option('--all-groups', 'all groups that the store knows').conflicts('group')
}

/** `--policy` and its limits. */
export function policyOptions(): Option[] {
  const policy = setting('--policy <policy>', 'what to do about what is found: earliest, or expired=earliest,ahead=fail')
  return [policy, ...limitOptions(), clockSkewOption()]
}

/** `--clock-skew` */
export function clockSkewOption(): Option {
  const what = 'an offset without identity is suspect where the records below it are later than its commit by more (default: 5m)'
  return setting('--clock-skew <duration>', what).argParser(toWait)
}

/** `--warn-margin` */
export function warnMarginOption(): Option {
  const what = 'ask what retention is near, and take it for a finding where it can pass an offset sooner than that'
  return setting('--warn-margin <duration>', what).argParser(toDuration)
}

/** What a plan may cost before it is printed instead of applied. */
export function limitOptions(): Option[] {
  return [
    setting('--max-skip <records>', 'print a plan that skips more instead of applying it (default: unlimited)').argParser(toCount),
    setting('--max-reread <records>', 'print a plan that reads more again instead of applying it (default: unlimited)').argParser(toCount),
  ]
}

/** Preview or act. */
export function executionOptions(): Option[] {
  return [
    new Option('--dry-run', 'print the plan and move nothing (the default)').conflicts('execute'),
    new Option('--execute', 'apply the plan'),
  ]
}

/** `--adopt` of a repair. */
export function adoptOption(): Option {
  return new Option(
    '--adopt',
    'give valid offsets without identity the topic ID and leader epoch that the log has now; they stay where they are',
  )
}

/** Where a reset moves to; exactly one of them. */
export function targetOptions(): Option[] {
  return [
    new Option('--to-earliest', 'to the log start'),
    new Option('--to-latest', 'to the log end'),
    new Option('--to-offset <offset>', 'to this offset, or to the end of the log that is nearer').argParser(toCount),
    new Option('--to-datetime <time>', 'to the first record at or after YYYY-MM-DDTHH:mm:SS.sss (UTC, or with a zone)').argParser(toTime),
    new Option('--by-duration <duration>', 'to the first record of the last PnDTnHnMnS, or 2h30m').argParser(toDuration),
    new Option('--shift-by <records>', 'ahead by so many records, or back if negative').argParser(toShift),
  ]
}

/** `--since` of the ledger. */
export function sinceOption(): Option {
  return new Option('--since <time>', 'moves since then: 2h, P1D, or YYYY-MM-DDTHH:mm:SS.sss').argParser(toTimeOrAge)
}

/** How a job runs. */
export function runOptions(): Option[] {
  return [
    new Option('--handler <module>', 'a module whose default export is async (batch) => {}').conflicts('exec'),
    new Option('--exec <command>', 'a command that reads batches and acknowledges them, as JSON lines; docs/exec.md'),
    new Option('--processes <number>', 'so many processes of that command, each with partitions of its own (default: 1)').argParser(toSize),
    setting('--max-records <records>', 'records in one batch over all partitions (default: 10000)').argParser(toSize),
    setting('--max-bytes <bytes>', 'bytes in one batch over all partitions (default: 16777216)').argParser(toSize),
    setting('--max-wait <duration>', 'how long to wait for the first record of a batch (default: 500ms)').argParser(toWait),
    isolationOption(),
    setting('--retries <times>', 'how often a batch whose handler threw is tried again (default: 3)').argParser(toCount),
    setting('--handler-timeout <duration>', 'a handler that takes longer has failed (default: 5m)').argParser(toWait),
    onFailureOption(),
    setting('--max-records-per-second <records>', 'records handed out, about at most (default: unlimited)').argParser(toSize),
    new Option('--until-end', 'stop at the ends seen at the start'),
  ]
}

/** How steps are made. */
export function stepOptions(): Option[] {
  return [
    setting('--max-records <records>', 'records in one step over all partitions (default: 10000)').argParser(toSize),
    isolationOption(),
    new Option('--loop', 'step after step, instead of one'),
    setting('--interval <duration>', 'how long a loop that has caught up waits before it looks again (default: 10s)').argParser(toWait),
    new Option('--until-end', 'step after step up to the ends seen at the start').conflicts('loop'),
  ]
}

/** How a job is guarded. */
export function guardOptions(): Option[] {
  return [
    new Option(
      '--checkpoint <dir>',
      "a streaming query's checkpointLocation: a path, s3://bucket/prefix, hdfs://namenode:port/path",
    ).conflicts('done'),
    new Option(
      '--done <file>',
      'where a job without a checkpoint reports what it has done; may be a named pipe (default: a file of our own)',
    ),
    setting('--restarts <times>', 'how often a job that died of an offset is started again (default: 3)').argParser(toCount),
  ]
}

/** How to watch. */
export function watchOptions(): Option[] {
  return [new Option('--once', 'look once, print what was found as check does, and tell nobody'), clockSkewOption()]
}

/** Its words are not commander's `choices`, which would let no topic follow; they are there for completion. */
function onFailureOption(): Option {
  const what = 'of records whose handler keeps failing: stop, skip, or dead-letter:<topic> (default: stop)'
  const option = setting('--on-failure <what>', what).argParser(toOnFailure)
  option.argChoices = ON_FAILURE
  return option
}

function isolationOption(): Option {
  return setting('--isolation <level>', 'read_committed or read_uncommitted')
    .choices(['read_committed', 'read_uncommitted'])
    .default('read_committed')
}
