#!/usr/bin/env python3
"""Appends each record's topic, partition, offset and value to a file. Needs Python 3 and nothing else.

    tidemark run --group billing --topic orders --exec 'python3 handler.py orders.txt'
"""

import base64
import json
import os
import sys


def to_bytes(field):
    """A key, a value or a header: text comes as a string, anything else as base64."""
    if field is None:
        return b""
    if isinstance(field, dict):
        return base64.b64decode(field["base64"])
    return field.encode()


def handle(records, out):
    for record in records:
        place = f"{record['topic']} {record['partition']} {record['offset']} "
        out.write(place.encode() + to_bytes(record["value"]) + b"\n")
    # What is acknowledged must be there after a power cut too: the offsets are saved on our word.
    out.flush()
    os.fsync(out.fileno())


def main():
    with open(sys.argv[1], "ab") as out:
        for line in sys.stdin.buffer:  # one batch a line; the end of the input is the end of the work
            if not line.endswith(b"\n"):
                break  # Tidemark was killed while it wrote
            batch = json.loads(line)
            try:
                handle(batch["records"], out)
                answer = {"batch": batch["batch"], "ranges": batch["ranges"]}
            except OSError as error:
                answer = {"batch": batch["batch"], "error": str(error)}
            print(json.dumps(answer), flush=True)


main()
