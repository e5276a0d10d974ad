/** Stands in for the schema validator in the bundle: the part of the Kafka client that we use validates nothing with it, and any other part must not go on unchecked. */
export class Ajv2020 {
  addKeyword() {
    return this
  }

  compile() {
    return () => {
      throw new Error('the bundled Kafka client has no producer, consumer or admin: use its protocol calls')
    }
  }
}
