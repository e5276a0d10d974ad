/** What flows while latencies are measured. */
export interface Flow {
  readonly bootstrapServers: string
  readonly topic: string
  readonly partitions: number
  /** Records a second in partition 0; all other partitions get one a second. 0: it is one of them. */
  readonly hotPerSecond: number
}

/** What a process that measures is told. */
export interface Watch extends Flow {
  readonly library: string
  readonly store: string
  /** How long what is seen does not count yet. */
  readonly settleMs: number
  readonly measureMs: number
}
