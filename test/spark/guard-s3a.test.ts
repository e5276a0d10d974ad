import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { startMoto } from '../../lab/moto.ts'
import { prepareJarSet } from '../../scripts/jar-sets.mjs'
import { guardFollows } from './guard-elsewhere.ts'

guardFollows('S3, by S3A', async () => {
  const moto = await startMoto()
  const [bucket, jars] = ['lake', join(await prepareJarSet('s3a'), '*')]
  const account = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'key', AWS_ENDPOINT_URL: moto.endpoint }
  Object.assign(process.env, account)
  const client = new S3Client({ forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  const settings = { 'fs.s3a.endpoint': moto.endpoint, 'fs.s3a.path.style.access': true }
  const words = Object.entries(settings).map(([name, value]) => `--conf spark.hadoop.${name}=${value}`)
  return {
    checkpoint: `s3://${bucket}/queries/lake`,
    checkpointLocation: `s3a://${bucket}/queries/lake`,
    environment: { ...account, PYSPARK_SUBMIT_ARGS: ['--driver-class-path', jars, ...words, 'pyspark-shell'].join(' ') },
    close: () => moto.close(),
  }
})
