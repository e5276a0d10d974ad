import { startHdfs } from '../../lab/hdfs.ts'
import { guardFollows } from './guard-elsewhere.ts'

guardFollows('HDFS', async () => {
  const hdfs = await startHdfs()
  return {
    // WebHDFS finds there what Spark's own client writes by the namenode's other port.
    checkpoint: `hdfs://${hdfs.address}/queries/lake`,
    checkpointLocation: `hdfs://${hdfs.rpcAddress}/queries/lake`,
    close: () => hdfs.close(),
  }
})
