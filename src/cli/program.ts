import { Argument, Command } from 'commander'
import type { Option } from 'commander'
import {
  adoptOption,
  allGroupsOption,
  clockSkewOption,
  commonOptions,
  executionOptions,
  guardOptions,
  limitOptions,
  policyOptions,
  runOptions,
  SHELLS,
  sinceOption,
  stepOptions,
  targetOptions,
  topicOption,
  warnMarginOption,
  watchOptions,
} from './options.ts'
import type { Action } from './report.ts'

/** A verb of the command line. Its action is loaded when it is called, so that a start costs only what is used. */
interface Verb {
  readonly name: string
  readonly summary: string
  readonly arguments?: readonly (readonly [name: string, description: string, choices?: readonly string[]])[]
  /** Beside those that every verb has; undefined where it has none at all. */
  readonly options: readonly Option[] | undefined
  /** What follows `tidemark`, and what it does. */
  readonly examples: readonly [Example, Example]
  readonly load: () => Promise<Action>
}

type Example = readonly [command: string, what: string]

/** Runs a verb's action with its options; main.ts says how. */
export type RunAction = (command: Command, load: () => Promise<Action>, args: readonly string[]) => Promise<void>

const VERBS: readonly Verb[] = [
  {
    name: 'check',
    summary: 'compare the stored offsets with the log; nothing is written',
    options: [topicOption('only this topic, stored or not'), allGroupsOption(), clockSkewOption(), warnMarginOption()],
    examples: [
      ['check --bootstrap-server localhost:9092 --store zookeeper://localhost:2181 --group billing', 'all that the group has stored'],
      ['check --bootstrap-server localhost:9092 --group billing --topic orders:0,1 -o json', 'two partitions, for a program'],
    ],
    load: async () => (await import('./check.ts')).checkAction,
  },
  {
    name: 'explain',
    summary: 'show how the verdict on one partition comes about, and what each action would do',
    arguments: [
      ['<group>', 'the consumer group'],
      ['<topic>', 'the topic'],
      ['<partition>', 'its number'],
    ],
    options: [clockSkewOption()],
    examples: [
      ['explain billing orders 3 --bootstrap-server localhost:9092', 'stored position, facts, tests, verdict, actions'],
      ['explain billing orders 3 --bootstrap-server localhost:9092 --store zookeeper://localhost:2181 -o json', 'the same, for a program'],
    ],
    load: async () => (await import('./explain.ts')).explainAction,
  },
  {
    name: 'repair',
    summary: 'plan the repair of what disagrees with the log, and with --execute apply it',
    options: [topicOption('only this topic'), ...policyOptions(), adoptOption(), ...executionOptions()],
    examples: [
      ['repair --bootstrap-server localhost:9092 --group billing', 'the plan, by the default policy'],
      [
        'repair --bootstrap-server localhost:9092 --group billing --policy expired=earliest,ahead=fail --max-skip 1000 --execute',
        'apply it if it skips no more',
      ],
    ],
    load: async () => (await import('./repair.ts')).repairAction,
  },
  {
    name: 'reset',
    summary: 'plan a move to a chosen place, and with --execute apply it',
    options: [topicOption('only this topic, stored or not'), ...targetOptions(), ...limitOptions(), ...executionOptions()],
    examples: [
      [
        'reset --bootstrap-server localhost:9092 --group billing --topic orders --to-datetime 2026-11-30T18:00:00.000',
        'what a move to that time would skip or read again',
      ],
      [
        'reset --bootstrap-server localhost:9092 --group billing --topic orders:0 --shift-by -100 --execute',
        'read the last 100 records of a partition again',
      ],
    ],
    load: async () => (await import('./reset.ts')).resetAction,
  },
  {
    name: 'ledger',
    summary: 'list who moved what, when and why, and what was skipped or read again',
    options: [topicOption('only moves of this topic'), sinceOption()],
    examples: [
      ['ledger --group billing --since 2h', 'the moves of the last two hours'],
      ['ledger --store zookeeper://localhost:2181 --topic orders -o csv', 'all moves of a topic, in every group'],
    ],
    load: async () => (await import('./ledger.ts')).ledgerAction,
  },
  {
    name: 'run',
    summary: 'run a handler over the records, and save the offsets after it succeeded',
    options: [topicOption('read this topic; without it all that the group has stored'), ...runOptions(), ...policyOptions()],
    examples: [
      ['run --bootstrap-server localhost:9092 --group billing --topic orders --handler ./handler.mjs', 'until it is stopped'],
      [
        'run --bootstrap-server localhost:9092 --group billing --topic orders --handler ./handler.mjs --until-end --policy expired=fail',
        'up to the ends seen at the start',
      ],
    ],
    load: async () => (await import('./run.ts')).runAction,
  },
  {
    name: 'step',
    summary: 'run a command on the next ranges of offsets, and save them if it exits with 0',
    arguments: [['<command...>', 'after --: the command; {startingOffsets} and {endingOffsets} in it are replaced']],
    options: [topicOption('work on this topic; without it on all that the group has stored'), ...stepOptions(), ...policyOptions()],
    examples: [
      [
        'step --bootstrap-server localhost:9092 --group billing --topic orders --max-records 100000 -- spark-submit batch.py',
        'one PySpark batch; it reads TIDEMARK_STARTING_OFFSETS and TIDEMARK_ENDING_OFFSETS',
      ],
      [
        "step --bootstrap-server localhost:9092 --group billing --topic orders --until-end -- ./load.sh '{startingOffsets}' '{endingOffsets}'",
        'batch after batch of 10,000 records up to the ends seen at the start',
      ],
    ],
    load: async () => (await import('./step.ts')).stepAction,
  },
  {
    name: 'guard',
    summary: 'run a streaming job that keeps its offsets itself: reconcile before, save its progress while it runs',
    arguments: [['<command...>', 'after --: the command; {startingOffsets} in it is replaced']],
    options: [topicOption('the topics of a new group'), ...guardOptions(), ...policyOptions()],
    examples: [
      [
        'guard --bootstrap-server localhost:9092 --store zookeeper://localhost:2181 --group billing --topic orders --checkpoint ./checkpoint -- spark-submit query.py',
        'a streaming query: its checkpoint is reconciled, and its offsets are in ZooKeeper after each batch',
      ],
      [
        'guard --bootstrap-server localhost:9092 --group billing --topic orders -- spark-submit --class OrdersJob orders.jar',
        'a DStream: it begins at TIDEMARK_STARTING_OFFSETS and reports what it has done to TIDEMARK_DONE',
      ],
    ],
    load: async () => (await import('./guard.ts')).guardAction,
  },
  {
    name: 'watch',
    summary: 'check many groups round after round: Prometheus metrics, alerts when a verdict changes, JSON lines on stdout',
    arguments: [['<file>', 'a JSON file that names clusters, stores, groups and whom to tell; docs/watch.md']],
    options: watchOptions(),
    examples: [
      ['watch watch.json', 'until it is stopped; what it finds is at http://127.0.0.1:9308/metrics'],
      ['watch watch.json --once -o json', 'one round, for a program; the exit code is that of check'],
    ],
    load: async () => (await import('./watch.ts')).watchAction,
  },
  {
    name: 'completion',
    summary: 'print what a shell needs to complete verbs, options and their values',
    arguments: [['<shell>', 'the shell that is to read it, as in: source <(tidemark completion bash)', SHELLS]],
    options: undefined,
    examples: [
      ['completion bash > ~/.tidemark.bash', 'and in ~/.bashrc: source ~/.tidemark.bash; the same for zsh, in ~/.zshrc after compinit'],
      ['completion fish > ~/.config/fish/completions/tidemark.fish', 'fish looks there by itself'],
    ],
    load: async () => (await import('./completion/action.ts')).completionAction,
  },
]

const EXIT_CODES = 'Exit codes: 0 all well, 1 the command failed, 2 usage, 3 findings, 4 something could not be determined.'
const SETTINGS = 'Settings come from flags, then the environment (--max-skip: TIDEMARK_MAX_SKIP), then a profile, then the defaults.'

/** The command line: every verb with its options. Building it loads nothing but commander. */
export function createProgram(version: string, runAction: RunAction): Command {
  const program = new Command('tidemark')
    .description(
      "Offset custody for Kafka: keeps a consumer's offsets in the store you choose, checks them against the log, explains and repairs every disagreement.",
    )
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [verb]', 'print help on a verb')
    .usage('<verb> [options]')
    .configureHelp({ subcommandTerm, optionDescription })
    .addHelpText('after', `\n${EXIT_CODES}\n${SETTINGS}`)
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
  for (const verb of VERBS) addVerb(program, verb, runAction)
  addCompletion(program)
  return program
}

/** What the scripts of `completion` call; it reads no settings, so that what is wrong in them does not keep a shell from completing. */
function addCompletion(program: Command): void {
  const command = program.command('complete', { hidden: true }).argument('[words...]')
  command.action(async (words: string[]) => {
    const { completeAction } = await import('./completion/action.ts')
    completeAction(program, words)
  })
}

function subcommandTerm(command: Command): string {
  return [command.name(), ...command.registeredArguments.map(printArgument)].join(' ')
}

function printArgument(argument: Argument): string {
  return `<${argument.name()}${argument.variadic ? '...' : ''}>`
}

/** The environment's names follow a rule that is said once; repeated at every option they would bury what it does. */
function optionDescription({ description, defaultValue }: Option): string {
  return defaultValue === undefined ? description : `${description} (default: ${String(defaultValue)})`
}

function withChoices(argument: Argument, choices?: readonly string[]): Argument {
  return choices === undefined ? argument : argument.choices(choices)
}

function addVerb(program: Command, { name, summary, arguments: args = [], options, examples, load }: Verb, runAction: RunAction): void {
  const command = program.command(name).description(summary).allowExcessArguments(false)
  for (const [argument, description, choices] of args) command.addArgument(withChoices(new Argument(argument, description), choices))
  if (command.registeredArguments.some(({ variadic }) => variadic))
    command.usage(`[options] -- ${args.map(([argument]) => argument).join(' ')}`)
  if (options !== undefined) for (const option of [...options, ...commonOptions()]) command.addOption(option)
  command
    .configureHelp({ optionDescription })
    .addHelpText('after', `\nExamples:\n${examples.map(([line, what]) => `  # ${what}\n  tidemark ${line}`).join('\n')}`)
  command.action((...given: unknown[]) => runAction(command, load, given.slice(0, args.length).flat() as string[]))
}
