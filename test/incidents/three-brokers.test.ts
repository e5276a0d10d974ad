import { cutShortUnderAJob } from './cut-short-under-a-job.ts'
import { emptyDiskUnderAJob } from './empty-disk-under-a-job.ts'
import { emptyDisk } from './empty-disk.ts'
import { epochAgedOutUnderAJob } from './epoch-aged-out-under-a-job.ts'
import { epochAgedOut } from './epoch-aged-out.ts'
import { latestRegressesUnderAJob } from './latest-regresses-under-a-job.ts'
import { latestRegresses } from './latest-regresses.ts'
import { leaderAwayUnderAJob } from './leader-away-under-a-job.ts'
import { leaderAway } from './leader-away.ts'
import { leaderMovesUnderAJob } from './leader-moves-under-a-job.ts'
import { recreatedAndRegrownEpoch } from './recreated-and-regrown-epoch.ts'
import { staleBrokerUnderAJob } from './stale-broker-under-a-job.ts'
import { staleBroker } from './stale-broker.ts'
import { describeIncidents } from './suite.ts'
import { truncatedAndRegrownAdopted } from './truncated-and-regrown-adopted.ts'
import { truncatedAndRegrownBare } from './truncated-and-regrown-bare.ts'
import { truncatedAndRegrownEpoch } from './truncated-and-regrown-epoch.ts'
import { truncatedAndRegrownSuspect } from './truncated-and-regrown-suspect.ts'
import { truncatedAndRegrown } from './truncated-and-regrown.ts'
import { truncatedUnderAJob } from './truncated-under-a-job.ts'
import { truncated } from './truncated.ts'

describeIncidents('three brokers', {
  kafka: { brokers: 3 },
  sharing: [
    truncated,
    truncatedAndRegrown,
    truncatedAndRegrownEpoch,
    recreatedAndRegrownEpoch,
    truncatedAndRegrownBare,
    truncatedAndRegrownSuspect,
    truncatedAndRegrownAdopted,
    truncatedUnderAJob,
    cutShortUnderAJob,
    leaderMovesUnderAJob,
    epochAgedOut,
    epochAgedOutUnderAJob,
  ],
  oneByOne: [
    latestRegresses,
    latestRegressesUnderAJob,
    emptyDisk,
    emptyDiskUnderAJob,
    leaderAway,
    leaderAwayUnderAJob,
    staleBroker,
    staleBrokerUnderAJob,
  ],
})
