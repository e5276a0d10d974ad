let sum = 0

/**
 * A handler that looks at a byte of each value.
 * @param {import('../src/index.ts').HandlerBatch} batch
 */
export default function touch({ records }) {
  for (const { value } of records) sum += value?.[0] ?? 0
}
