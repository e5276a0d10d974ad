import { abortedTransactionUnderAJob } from './aborted-transaction-under-a-job.ts'
import { afterAnAbortedTransaction } from './after-an-aborted-transaction.ts'
import { aheadUnderAJob } from './ahead-under-a-job.ts'
import { ahead } from './ahead.ts'
import { anotherCluster } from './another-cluster.ts'
import { clusterRebuiltUnderAJob } from './cluster-rebuilt-under-a-job.ts'
import { compactionUnderAJob } from './compaction-under-a-job.ts'
import { expiredByDeleteRecords } from './expired-by-delete-records.ts'
import { expiredByRetention } from './expired-by-retention.ts'
import { expiredUnderAJob } from './expired-under-a-job.ts'
import { fewerPartitionsUnderAJob } from './fewer-partitions-under-a-job.ts'
import { futureStampedRecord } from './future-stamped-record.ts'
import { groupExpired } from './group-expired.ts'
import { hangingTransactionUnderAJob } from './hanging-transaction-under-a-job.ts'
import { hangingTransaction } from './hanging-transaction.ts'
import { inACompactionHole } from './in-a-compaction-hole.ts'
import { logAppendTime } from './log-append-time.ts'
import { longMaxValue } from './long-max-value.ts'
import { madeByAProducerUnderAJob } from './made-by-a-producer-under-a-job.ts'
import { minusOne } from './minus-one.ts'
import { movingConsumer } from './moving-consumer.ts'
import { numberRolledBackUnderAJob } from './number-rolled-back-under-a-job.ts'
import { numberRolledBack } from './number-rolled-back.ts'
import { offsetsLost } from './offsets-lost.ts'
import { offsetsLostUnderAJob } from './offsets-lost-under-a-job.ts'
import { longMaxValueUnderAJob, minusOneUnderAJob, textUnderAJob } from './overwritten-under-a-job.ts'
import { partitionsAddedUnderAJob } from './partitions-added-under-a-job.ts'
import { partitionsAdded } from './partitions-added.ts'
import { permissionRevokedUnderAJob } from './permission-revoked-under-a-job.ts'
import { permissionRevoked } from './permission-revoked.ts'
import { plannedRangeCompactedUnderAJob } from './planned-range-compacted-under-a-job.ts'
import { recreatedAfterAdoption } from './recreated-after-adoption.ts'
import { recreatedAndRegrownBare } from './recreated-and-regrown-bare.ts'
import { recreatedAndRegrownSuspect } from './recreated-and-regrown-suspect.ts'
import { recreatedAndRegrown } from './recreated-and-regrown.ts'
import { recreatedByAProducer } from './recreated-by-a-producer.ts'
import { recreatedOutOfRange } from './recreated-out-of-range.ts'
import { recreatedUnderAJob } from './recreated-under-a-job.ts'
import { recreatedWithFewerPartitions } from './recreated-with-fewer-partitions.ts'
import { storeRestored } from './store-restored.ts'
import { describeIncidents } from './suite.ts'
import { text } from './text.ts'
import { timesOutOfOrder } from './times-out-of-order.ts'
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
    recreatedAndRegrownSuspect,
    logAppendTime,
    futureStampedRecord,
    timesOutOfOrder,
    recreatedAfterAdoption,
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
    aheadUnderAJob,
    recreatedUnderAJob,
    fewerPartitionsUnderAJob,
    madeByAProducerUnderAJob,
    topicDeletedUnderAJob,
    partitionsAddedUnderAJob,
    permissionRevokedUnderAJob,
    compactionUnderAJob,
    plannedRangeCompactedUnderAJob,
    abortedTransactionUnderAJob,
    hangingTransactionUnderAJob,
    minusOneUnderAJob,
    longMaxValueUnderAJob,
    textUnderAJob,
    clusterRebuiltUnderAJob,
    numberRolledBackUnderAJob,
    offsetsLostUnderAJob,
  ],
})
