import { Random } from '../simulate/random.ts'

/** The stores that a round can be run with. */
export type StoreKind = 'zookeeper' | 'sqlite'

/** What can go wrong, by what it happens to; of each group one at a time. */
const SHARES = {
  kafka: { 'broker-killed': 3, 'broker-restarted': 1, 'log-cut': 1.5, retention: 4, recreated: 1.5 },
  network: { 'kafka-cut': 3, 'kafka-dropped': 1, 'fetch-reply-lost': 2 },
  zookeeper: { 'zookeeper-frozen': 2, 'zookeeper-killed': 1, 'store-cut': 3, 'save-reply-lost': 3, 'save-request-lost': 1 },
  sqlite: { 'disk-full': 3, 'file-locked': 2 },
  worker: { 'worker-killed': 5, 'taken-over': 2, 'worker-frozen': 2, 'worker-stopped': 1 },
} as const

type Domain = keyof typeof SHARES
export type FaultKind = { [D in Domain]: keyof (typeof SHARES)[D] }[Domain]

/** One fault. What of `ms`, `partition`, `share` and `way` counts depends on its kind. */
export interface Fault {
  readonly kind: FaultKind
  /** How long it lasts. */
  readonly ms: number
  readonly partition: number
  /** From 0 to 1: how much of something. */
  readonly share: number
  readonly way: 'both' | 'requests' | 'replies'
}

/** Faults that happen together, after a pause. */
export interface Step {
  readonly pauseMs: number
  readonly faults: readonly Fault[]
}

/** How many partitions a plan knows of. */
export const partitionCount = 4

/** Longer than a worker's ZooKeeper session. */
const BEYOND_SESSION_MS = 5_500
const TOGETHER = 0.3

/** The plan that a seed stands for: the same one on every machine. */
export function planOf(seed: number, count: number, store: StoreKind): readonly Step[] {
  const random = new Random(seed)
  const domains: ReadonlyArray<readonly [Domain, number]> = [
    ['kafka', 3],
    ['network', 2],
    [store, 3],
    ['worker', 4],
  ]
  const steps: Step[] = []
  for (let left = count; left > 0; left -= steps.at(-1)?.faults.length ?? 1) {
    const first = random.weighted(domains)
    const others = domains.filter(([domain]) => domain !== first)
    const isDouble = random.chance(TOGETHER) && left > 1
    const chosen = isDouble ? [first, random.weighted(others)] : [first]
    steps.push({ pauseMs: random.between(100, 1_200), faults: chosen.map((domain) => faultOf(domain, random)) })
  }
  return steps
}

function faultOf(domain: Domain, random: Random): Fault {
  const shares = Object.entries(SHARES[domain]) as [FaultKind, number][]
  const kind = random.weighted(shares)
  const least = kind === 'zookeeper-frozen' && random.chance(0.7) ? BEYOND_SESSION_MS : 200
  return {
    kind,
    ms: least + random.between(0, 2_500),
    partition: random.between(0, partitionCount - 1),
    share: random.next(),
    way: random.pick(['both', 'requests', 'replies'] as const) ?? 'both',
  }
}
