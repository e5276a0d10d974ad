import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { waitFor } from '../../lab/wait.ts'
import type { KnownFacts } from '../../src/core/facts.ts'
import type { Position } from '../../src/core/position.ts'
import type { Ended } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'
import { plant } from '../store/zookeeper-scene.ts'

/** Appends `partition.offset` of all that it is given to the file that its first argument names. Then does what the others say. */
const WORK = `
import json, os, sys, time
start, end = (json.loads(os.environ[f"TIDEMARK_{name}_OFFSETS"]) for name in ("STARTING", "ENDING"))
with open(sys.argv[1], "a") as sink:
    for topic, offsets in start.items():
        for partition, first in offsets.items():
            for offset in range(first, end[topic][partition]):
                sink.write(f"{partition}.{offset}\\n")
if "fail" in sys.argv: sys.exit(7)
if "kill" in sys.argv: os.kill(os.getppid(), 9)
if "wait" in sys.argv:
    open(f"{sys.argv[1]}.pid", "w").write(str(os.getpid()))
    time.sleep(60)
`

describe('tidemark step on real servers', () => {
  const at = servers()
  let work = ''

  function scene(name: string, kind: 'zookeeper' | 'sqlite') {
    const sink = join(at().directory, `${name}.ids`)
    const store = kind === 'zookeeper' ? at().store : `sqlite:${join(at().directory, 'step.db')}`
    const words = ['step', '--store', store, '--group', name, '--topic', name]
    work = join(at().directory, 'work.py')
    writeFileSync(work, WORK)
    return {
      sink,
      words,
      args: (options: readonly string[], ...command: string[]) => [...words, ...options, '--', ...command],
      /** A step of the script above. */
      python: (options: readonly string[], ...how: string[]) => [...words, ...options, '--', 'python3', work, sink, ...how],
      ids: () => (existsSync(sink) ? readFileSync(sink, 'utf8').trim().split('\n') : []),
      committed: async () => {
        const { stdout } = await at().tidemark('check', '--store', store, '--group', name, '-o', 'json')
        const { partitions } = JSON.parse(stdout) as { partitions: { committedOffset: number }[] }
        return partitions.map(({ committedOffset }) => committedOffset)
      },
    }
  }

  /** `partition.offset` of all records. */
  function all(partitions: number, records: number): string[] {
    return Array.from({ length: partitions }, (_, partition) =>
      Array.from({ length: records }, (_, offset) => `${partition}.${offset}`),
    ).flat()
  }

  function assertEnded({ code, signal, stderr }: Ended, expected: number): void {
    assert.deepEqual([code, signal], [expected, null], stderr)
  }

  it('gives a command its offsets in its environment, in files and in its arguments, every partition, and saves them after it', async () => {
    const { args, committed } = scene('given', 'zookeeper')
    await at().filled('given', { partitions: 2, records: 10 })
    await at().admin.addPartitions('given', 3)
    const show = `cat $TIDEMARK_STARTING_OFFSETS_FILE; echo; echo $TIDEMARK_STARTING_OFFSETS; echo $0
      cat $TIDEMARK_ENDING_OFFSETS_FILE; echo; echo $TIDEMARK_ENDING_OFFSETS; echo $1`
    const ended = await at().tidemark(...args(['--max-records', '12'], 'sh', '-c', show, '{startingOffsets}', '{endingOffsets}'))
    assertEnded(ended, 0)
    const [starting, ending] = ['{"given":{"0":0,"1":0,"2":0}}', '{"given":{"0":6,"1":6,"2":0}}']
    assert.deepEqual(ended.stdout.split('\n'), [starting, starting, starting, ending, ending, ending, ''])
    assert.match(ended.stderr, /doing: 12 offsets: given-0 \[0, 6\), given-1 \[0, 6\)\n[^]*1 step saved\n$/)
    assert.deepEqual(await committed(), [6, 6, 0])
    const znodes = await at().znodes('/consumers/given/offsets/given')
    assert.deepEqual(Object.values(znodes).slice(1), ['6', '6', '0'])
  })

  it('passes the exit code on, saves nothing where it is not 0, and gives the same ranges again', async () => {
    const { python, ids, committed } = scene('failing', 'zookeeper')
    await at().filled('failing', { partitions: 2, records: 20 })
    const failed = await at().tidemark(...python(['--max-records', '10'], 'fail'))
    assertEnded(failed, 7)
    assert.match(failed.stderr, /the command exited with 7: its ranges are not saved, and come again; nothing was saved\n$/)
    assert.deepEqual(await committed(), [0, 0])
    const again = await at().tidemark(...python(['--max-records', '40']))
    assertEnded(again, 0)
    assert.match(again.stderr, /doing again what was planned before the last stop: 10 offsets/)
    assert.deepEqual(await committed(), [5, 5])
    assert.deepEqual(ids(), [...all(2, 5), ...all(2, 5)])
  })

  it('does not run the command where there is nothing to do', async () => {
    const { args } = scene('idle', 'sqlite')
    await at().admin.createTopic('idle')
    const ended = await at().tidemark(...args([], 'sh', '-c', 'echo called'))
    assertEnded(ended, 0)
    assert.equal(ended.stdout, '')
    assert.match(ended.stderr, /there was nothing to do\n$/)
  })

  for (const kind of ['zookeeper', 'sqlite'] as const) {
    it(`killed -9 during the command: the command ends too, and a restart does the same ranges, whatever came meanwhile (${kind})`, async () => {
      const name = `during-${kind}`
      const { sink, python, ids, committed } = scene(name, kind)
      await at().filled(name, { partitions: 2, records: 30 })
      const running = at().start(...python(['--max-records', '20'], 'wait'))
      await waitFor('the command to work', () => existsSync(`${sink}.pid`) && readFileSync(`${sink}.pid`, 'utf8') !== '')
      running.process.kill('SIGKILL')
      await running.ended
      const pid = Number(readFileSync(`${sink}.pid`, 'utf8'))
      await waitFor('the command to end', () => !existsSync(`/proc/${pid}`))
      assert.deepEqual(await committed(), [0, 0])
      await at().admin.produce([{ topic: name, partition: 0, value: 'late' }])
      assertEnded(await at().tidemark(...python(['--max-records', '1000'])), 0)
      assert.deepEqual(ids(), [...all(2, 10), ...all(2, 10)])
      assert.deepEqual(await committed(), [10, 10])
    })

    it(`killed -9 after the command and before the save: a restart does the same ranges, and no others twice (${kind})`, async () => {
      const name = `after-${kind}`
      const { python, ids, committed } = scene(name, kind)
      await at().filled(name, { partitions: 2, records: 30 })
      assertEnded(await at().tidemark(...python(['--max-records', '20'])), 0)
      const killed = await at().tidemark(...python(['--max-records', '20'], 'kill'))
      assert.equal(killed.signal, 'SIGKILL')
      assert.deepEqual(await committed(), [10, 10])
      assertEnded(await at().tidemark(...python(['--until-end', '--max-records', '7'])), 0)
      assert.deepEqual(await committed(), [30, 30])
      const counts = Map.groupBy(ids(), (id) => id)
      assert.deepEqual(new Set(counts.keys()), new Set(all(2, 30)))
      const twice = [...counts].filter(([, found]) => found.length > 1).map(([id]) => id)
      assert.deepEqual(
        twice.toSorted(),
        all(2, 30).filter((id) => id.split('.')[1]?.length === 2 && id.split('.')[1]?.startsWith('1')),
      )
    })
  }

  it('steps up to the ends seen at the start with --until-end', async () => {
    const { python, ids } = scene('until', 'sqlite')
    await at().filled('until', { partitions: 3, records: 10 })
    const ended = await at().tidemark(...python(['--until-end', '--max-records', '9', '-o', 'json']))
    assertEnded(ended, 0)
    const { steps, succeeded, exitCode, ranges } = JSON.parse(ended.stdout) as Record<string, unknown>
    assert.deepEqual([steps, succeeded, exitCode], [4, true, 0])
    assert.deepEqual(
      ranges,
      [0, 1, 2].map((partition) => ({ topic: 'until', partition, fromOffset: 0, untilOffset: 10 })),
    )
    assert.deepEqual(ids().toSorted(), all(3, 10).toSorted())
  })

  it('goes on with --loop until it is told to stop', async () => {
    const { python, ids, committed } = scene('loop', 'zookeeper')
    await at().filled('loop', { records: 10 })
    const running = at().start(...python(['--loop', '--interval', '100ms']))
    await waitFor('the first step', () => ids().length === 10)
    await at().admin.produce([{ topic: 'loop', partition: 0, value: '0.10' }])
    await waitFor('the second step', () => ids().length === 11)
    await waitFor('it to be saved', async () => (await committed())[0] === 11)
    running.process.kill('SIGTERM')
    assertEnded(await running.ended, 0)
  })

  it('passes signals on to all that the command started, and saves what it finished nevertheless', async () => {
    const { args, sink, committed } = scene('term', 'zookeeper')
    await at().filled('term', { records: 10 })
    const gentle = `trap 'echo done >> ${sink}; exit 0' TERM; echo begun >> ${sink}; while :; do sleep 0.1; done`
    const running = at().start(...args(['--loop'], 'sh', '-c', gentle))
    await waitFor('the command', () => existsSync(sink))
    running.process.kill('SIGTERM')
    assertEnded(await running.ended, 0)
    assert.deepEqual([readFileSync(sink, 'utf8'), await committed()], ['begun\ndone\n', [10]])
  })

  it('ends as its command does where a signal ends that', async () => {
    const { args, sink, committed } = scene('signalled', 'sqlite')
    await at().filled('signalled', { records: 10 })
    for (const [signal, code] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const running = at().start(
        ...args(
          [],
          'python3',
          '-c',
          `open('${sink}${code}', 'w'); import signal, time; signal.signal(signal.SIGINT, signal.SIG_DFL); time.sleep(60)`,
        ),
      )
      await waitFor('the command', () => existsSync(`${sink}${code}`))
      running.process.kill(signal)
      assertEnded(await running.ended, code)
      assert.deepEqual(await committed(), [0])
    }
  })

  it('leaves standard output to the command, and with -o json has it for itself', async () => {
    const { args } = scene('loud', 'sqlite')
    await at().filled('loud', { records: 10 })
    const text = await at().tidemark(...args(['--max-records', '4'], 'echo', 'hello'))
    assert.equal(text.stdout, 'hello\n')
    const json = await at().tidemark(...args(['-o', 'json'], 'echo', 'hello'))
    assert.equal((JSON.parse(json.stdout) as { steps: number }).steps, 1)
    assert.match(json.stderr, /^hello$/m)
  })

  it('does not run the command on what the policy refuses', async () => {
    const { args, python } = scene('refused', 'zookeeper')
    await at().filled('refused', { records: 10 })
    assertEnded(await at().tidemark(...python(['--max-records', '3'])), 0)
    await at().admin.deleteRecords('refused', 0, 6)
    const ended = await at().tidemark(...args(['--policy', 'expired=fail'], 'echo', 'called'))
    assertEnded(ended, 3)
    assert.equal(ended.stdout, '')
    assert.match(ended.stderr, /^tidemark: POLICY_FAIL: expired, .*\(group refused, topic refused, partition 0\)/m)
    const moved = await at().tidemark(...python([]))
    assertEnded(moved, 0)
    assert.match(moved.stderr, /refused-0 was expired: moved from 3 to 6/)
  })

  it('keeps its offsets in the string that the article’s job wrote, one znode per topic', async () => {
    await at().filled('strings', { partitions: 2, records: 10 })
    const path = '/spark/article/offsets'
    await plant(at().stranger, { path: `${path}/strings`, data: Buffer.from('1:4,0:3') })
    const { sink, ids } = scene('strings', 'zookeeper')
    const words = [
      '--store',
      `${at().store}?layout=per-topic&path=/spark/{group}/offsets`,
      '--group',
      'article',
      '--topic',
      'strings',
      '--max-records',
      '4',
    ]
    const step = (...how: string[]) => at().tidemark('step', ...words, '--', 'python3', work, sink, ...how)
    const killed = await step('kill')
    assert.equal(killed.signal, 'SIGKILL', killed.stderr)
    assert.equal(String((await at().stranger.get(`${path}/strings`))?.data), '1:4,0:3')
    assertEnded(await step(), 0)
    assert.deepEqual(ids(), ['0.3', '0.4', '1.4', '1.5', '0.3', '0.4', '1.4', '1.5'])
    assert.equal(String((await at().stranger.get(`${path}/strings`))?.data), '1:6,0:5')
  })

  it('keeps the identity of what was read: topic, cluster, and the leader epochs of the ranges', async () => {
    const { python, words } = scene('identity', 'zookeeper')
    const position = async () => {
      const { stdout } = await at().tidemark('explain', 'identity', 'identity', '0', ...words.slice(1, 3), '-o', 'json')
      const { custody, facts } = JSON.parse(stdout) as { custody: { stored: { position: Position } }; facts: KnownFacts }
      return { position: custody.stored.position, facts }
    }
    await at().filled('identity', { records: 10 })
    assertEnded(await at().tidemark(...python([])), 0)
    await at().kafka.broker().restart()
    await waitFor('the broker to lead again in another epoch', async () => (await position()).facts.leaderEpoch > 0)
    const before = await position()
    assert.deepEqual([before.position.topicId, before.position.clusterId], [before.facts.topicId, before.facts.clusterId])
    await at().admin.produce([{ topic: 'identity', partition: 0, value: '0.10' }])
    assertEnded(await at().tidemark(...python([])), 0)
    const after = await position()
    assert.deepEqual(after.position.epochs, [
      { epoch: 0, startOffset: 0 },
      { epoch: after.facts.leaderEpoch, startOffset: 10 },
    ])
  })

  it('says which command can’t be started', async () => {
    const { args } = scene('unknown', 'sqlite')
    await at().filled('unknown')
    const ended = await at().tidemark(...args([], './no-such-program', 'x'))
    assertEnded(ended, 2)
    assert.match(
      ended.stderr,
      /^tidemark: HANDLER_INVALID: the command "\.\/no-such-program" can't be started: it is not to be found \(group unknown, topic unknown\)\./m,
    )
    assertEnded(await at().tidemark('step', '--group', 'unknown', '--topic', 'unknown'), 2)
  })
})
