/** A handler that does nothing, for whole processes: tidemark run --handler bench/noop.mjs */
export default async function handler() {}
