let watching = false

/**
 * Ends this process when its parent has gone. A killed test runner leaves its test files running, and they would keep their servers for as long as they take.
 */
export function endWhenOrphaned(): void {
  if (watching) return
  watching = true
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1)
  }, 250).unref()
}
