import { afterAnAbortedTransaction } from './after-an-aborted-transaction.ts'
import { ahead } from './ahead.ts'
import { anotherCluster } from './another-cluster.ts'
import { expiredByDeleteRecords } from './expired-by-delete-records.ts'
import { expiredByRetention } from './expired-by-retention.ts'
import { expiredUnderAJob } from './expired-under-a-job.ts'
import { groupExpired } from './group-expired.ts'
import { hangingTransactionUnderAJob } from './hanging-transaction-under-a-job.ts'
import { hangingTransaction } from './hanging-transaction.ts'
import { inACompactionHole } from './in-a-compaction-hole.ts'
import { longMaxValue } from './long-max-value.ts'
import { minusOne } from './minus-one.ts'
import { movingConsumer } from './moving-consumer.ts'
import { numberRolledBack } from './number-rolled-back.ts'
import { offsetsLost } from './offsets-lost.ts'
import { partitionsAdded } from './partitions-added.ts'
import { permissionRevoked } from './permission-revoked.ts'
import { recreatedAndRegrown } from './recreated-and-regrown.ts'
import { recreatedAndRegrownBare } from './recreated-and-regrown-bare.ts'
import { recreatedByAProducer } from './recreated-by-a-producer.ts'
import { recreatedUnderAJob } from './recreated-under-a-job.ts'
import { recreatedOutOfRange } from './recreated-out-of-range.ts'
import { recreatedWithFewerPartitions } from './recreated-with-fewer-partitions.ts'
import { describeIncidents } from './suite.ts'
import { storeRestored } from './store-restored.ts'
import { text } from './text.ts'
import { topicDeletedUnderAJob } from './topic-deleted-under-a-job.ts'
import { topicDeleted } from './topic-deleted.ts'
import { twoJobs } from './two-jobs.ts'

describeIncidents('one broker', {
  kafka: {
    properties: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': true,
      'super.users': 'User:nobody',
      // The shortest that there is.
      'offsets.retention.minutes': 1,
      'offsets.retention.check.interval.ms': 1_000,
    },
  },
  together: [
    expiredByRetention,
    expiredByDeleteRecords,
    ahead,
    recreatedOutOfRange,
    recreatedAndRegrown,
    recreatedAndRegrownBare,
    recreatedWithFewerPartitions,
    recreatedByAProducer,
    topicDeleted,
    partitionsAdded,
    permissionRevoked,
    inACompactionHole,
    afterAnAbortedTransaction,
    hangingTransaction,
    minusOne,
    longMaxValue,
    text,
    anotherCluster,
    storeRestored,
    numberRolledBack,
    offsetsLost,
    groupExpired,
    twoJobs,
    movingConsumer,
    expiredUnderAJob,
    recreatedUnderAJob,
    topicDeletedUnderAJob,
    hangingTransactionUnderAJob,
  ],
})
