#!/bin/sh
# Appends each batch, as it comes, to a file. Needs nothing but a POSIX shell.
#
#     tidemark run --group billing --topic orders --max-records 500 --exec 'sh handler.sh orders.jsonl'
#
# A shell reads a pipe byte by byte, less than a megabyte a second: keep the batches small. With jq, one value a line:
#
#     printf '%s\n' "$line" | jq -r '.records[].value' >> "$file"

file=$1

# One batch a line; the end of the input is the end of the work.
while IFS= read -r line; do
  # A batch's line begins with what acknowledges it: {"batch":…,"ranges":[…],"records":[…]}
  batch=${line%%,\"records\":*}
  if printf '%s\n' "$line" >> "$file"; then
    printf '%s}\n' "$batch"
  else
    printf '%s,"error":"could not write"}\n' "$batch"
  fi
done
