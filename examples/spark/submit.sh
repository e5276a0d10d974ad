#!/bin/sh
# spark-submit --deploy-mode cluster on a standalone cluster, for `tidemark step`: waits for the driver, and exits with 0 only where it finished.
# spark-submit itself exits with 0 whatever became of the driver, and without waitAppCompletion as soon as it is submitted.
spark-submit --deploy-mode cluster --conf spark.standalone.submit.waitAppCompletion=true "$@" 2>&1 | {
  code=1
  while IFS= read -r line; do
    printf '%s\n' "$line" >&2
    case $line in *'is FINISHED, exiting spark-submit JVM'*) code=0 ;; esac
  done
  exit $code
}
