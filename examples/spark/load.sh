#!/bin/sh
# A batch of any program, as `tidemark step` runs it: ./load.sh '{startingOffsets}' '{endingOffsets}'
# What it exits with decides: 0, and the offsets are saved; anything else, and the same ranges come again.
set -eu
echo "from $1 until $2"
