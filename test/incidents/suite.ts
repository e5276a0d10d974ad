import { after, before, describe, it } from 'node:test'
import type { KafkaOptions } from '../../lab/kafka.ts'
import { judgeIncident, type Incident } from './incident.ts'
import { Rendezvous } from './rendezvous.ts'
import { consumeWithKafkajs, describeGroups } from './rivals.ts'
import type { Scene } from './scene.ts'
import { SparkRival } from './spark.ts'
import { Stage } from './stage.ts'
import { tabulate, type Measured } from './table.ts'

/** A cluster and its incidents. */
interface Suite {
  readonly kafka: KafkaOptions
  /** Those that do nothing to the brokers: they happen at the same time. */
  readonly together?: readonly Incident[]
  /** Those that do: one after the other. */
  readonly oneByOne?: readonly Incident[]
  /** Those that share one course of events among the brokers: their scenes meet at each step. */
  readonly sharing?: readonly Incident[]
}

/** What a suite runs on. */
interface Servers {
  readonly stage: Stage
  readonly spark: SparkRival
}

/** Makes incidents happen on a cluster of their own, and tests what is said of each. */
export function describeIncidents(cluster: string, { kafka, together = [], oneByOne = [], sharing = [] }: Suite): void {
  describe(`incidents on ${cluster}`, { timeout: 600_000 }, () => {
    let stage: Stage
    let spark: SparkRival
    const found = new Map<Incident, Measured>()
    before(async () => {
      ;[stage, spark] = await Promise.all([Stage.open(kafka), SparkRival.start()])
    })
    after(async () => {
      spark?.close()
      await stage?.close()
    })
    const at = (): Servers => ({ stage, spark })

    describeTogether('that leave the brokers alone', together, found, at)
    describeTogether('of one course of elections', sharing, found, at)

    describe('of the brokers, one by one', () => {
      for (const incident of oneByOne) {
        it(titleOf(incident), async () => {
          await using scene = await happen(stage, incident)
          try {
            const shown = await shownBy(at(), [scene])
            await judgeIncident(scene, incident)
            found.set(incident, await measured(scene, incident, shown))
          } finally {
            await incident.mends?.(scene)
          }
        })
      }
    })

    it('are what docs/incidents.md says of them', () => tabulate(cluster, [...together, ...sharing, ...oneByOne], found))
  })
}

/** Lets incidents happen at the same time, and judges them when all have. */
function describeTogether(title: string, incidents: readonly Incident[], found: Map<Incident, Measured>, at: () => Servers): void {
  describe(title, { concurrency: true }, () => {
    const happened = new Map<Incident, Promise<Scene>>()
    let shown: Shown = { groupsTool: new Map(), spark: new Map() }
    before(async () => {
      const { stage } = at()
      stage.rendezvous = new Rendezvous(incidents.length)
      for (const incident of incidents) happened.set(incident, happen(stage, incident))
      const scenes = (await Promise.allSettled(happened.values())).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      shown = await shownBy(at(), scenes)
    })
    for (const incident of incidents) {
      it(titleOf(incident), async () => {
        await using scene = await (happened.get(incident) as Promise<Scene>)
        await judgeIncident(scene, incident)
        found.set(incident, await measured(scene, incident, shown))
      })
    }
  })
}

/** What those say that can be asked about many incidents in one go, by `group partition`. */
interface Shown {
  readonly groupsTool: ReadonlyMap<string, string>
  readonly spark: ReadonlyMap<string, string>
}

/** What kafka-consumer-groups shows of the same offsets, and what Spark does with them. */
async function shownBy({ stage, spark: rival }: Servers, scenes: readonly Scene[]): Promise<Shown> {
  await Promise.all(scenes.map((scene) => scene.shareWithRivals()))
  const names = scenes.map(({ group }) => group)
  const [groupsTool, spark] = await Promise.all([describeGroups(stage, names), rival.goOn(scenes)])
  return { groupsTool, spark }
}

/** What other programs do with the same; of an incident that a job has dealt with there is nothing left to try. */
async function measured(scene: Scene, incident: Incident, shown: Shown): Promise<Measured> {
  const { partition = 0, underAJob = false, verdict } = incident
  if (underAJob && verdict !== 'valid') return { groupsTool: undefined, kafkajs: undefined, spark: undefined }
  const place = `${scene.group} ${partition}`
  const groupsTool = shown.groupsTool.get(place) ?? 'nothing'
  // The offset of a Kafka group is the one that was just repaired.
  const kafkajs = incident.store === 'kafka' ? undefined : await consumeWithKafkajs(scene, partition)
  return { groupsTool, kafkajs, spark: shown.spark.get(place) }
}

function titleOf({ name, verdict }: Incident): string {
  return `${name}: ${verdict}`
}

async function happen(stage: Stage, incident: Incident): Promise<Scene> {
  const scene = await stage.scene(incident)
  try {
    await incident.happens(scene)
    return scene
  } catch (error) {
    await scene[Symbol.asyncDispose]()
    stage.rendezvous.giveUp(error)
    await incident.mends?.(scene)
    throw error
  }
}
