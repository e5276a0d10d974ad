import { emptyDisk } from './empty-disk.ts'
import { epochAgedOut } from './epoch-aged-out.ts'
import { latestRegresses } from './latest-regresses.ts'
import { leaderAway } from './leader-away.ts'
import { leaderMovesUnderAJob } from './leader-moves-under-a-job.ts'
import { recreatedAndRegrownEpoch } from './recreated-and-regrown-epoch.ts'
import { staleBroker } from './stale-broker.ts'
import { describeIncidents } from './suite.ts'
import { truncated } from './truncated.ts'
import { truncatedAndRegrown } from './truncated-and-regrown.ts'
import { truncatedAndRegrownEpoch } from './truncated-and-regrown-epoch.ts'
import { truncatedAndRegrownBare } from './truncated-and-regrown-bare.ts'
import { truncatedUnderAJob } from './truncated-under-a-job.ts'

describeIncidents('three brokers', {
  kafka: { brokers: 3 },
  sharing: [
    truncated,
    truncatedAndRegrown,
    truncatedAndRegrownEpoch,
    recreatedAndRegrownEpoch,
    truncatedAndRegrownBare,
    truncatedUnderAJob,
    leaderMovesUnderAJob,
    epochAgedOut,
  ],
  oneByOne: [latestRegresses, emptyDisk, leaderAway, staleBroker],
})
