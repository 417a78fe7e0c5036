#!/usr/bin/env python3
"""records_seed.py FILE OUT: a record file with the same tables and rings of some entries, for the
corpus of fuzz_records."""
import struct
import sys

HEADER, SECTIONS = 168, 8
KEEP = {5: 3, 6: 4, 7: 24}  # threads, cycles, events
NAMES = (b"sequence", b"cycle", b"started_ns", b"cause", b"cpus", b"gogc_percent", b"late_ns",
         b"late_thread", b"marked_bytes", b"phase", b"cycles_written", b"events_written",
         b"thread", b"name", b"answers", b"late_max_ns", b"time_ns", b"type", b"value[0]",
         b"value[1]", b"value[2]", b"memory_limit_bytes", b"heap_live_bytes", b"gc_cpu_share")


def main(source, out):
    data = open(source, "rb").read()
    sections = [struct.unpack_from("<QQQ", data, HEADER + 24 * i) for i in range(SECTIONS)]
    bodies, counts = [], []
    for number, (offset, count, entry) in enumerate(sections):
        body = data[offset:offset + count * entry]
        if number == 0:
            rows = [body[i:i + entry] for i in range(0, len(body), entry)]
            body = b"".join(r for r in rows if r.split(b"\0")[0] in NAMES)
        elif number == 3:
            body = b"gogc=100\nmemory_limit=off\n\0\0\0\0\0\0"
        elif number in KEEP:
            rows = [bytearray(body[i * entry:(i + 1) * entry]) for i in range(KEEP[number] + 1)]
            if number == 5:
                body = b"".join(rows[:KEEP[number]])
            else:  # entry n is at place n % count
                body = b"".join(rows[i or KEEP[number]] for i in range(KEEP[number]))
        bodies.append(body)
        counts.append(len(body) // entry)
    header, table, at = bytearray(data[:HEADER]), b"", HEADER + 24 * SECTIONS
    for body, count, (_, _, entry) in zip(bodies, counts, sections):
        table += struct.pack("<QQQ", at, count, entry)
        at += len(body)
    struct.pack_into("<Q", header, 24, at)
    now = bytearray(bodies[4])
    struct.pack_into("<QQ", now, 16, KEEP[6], KEEP[7])
    bodies[4] = bytes(now)
    open(out, "wb").write(bytes(header) + table + b"".join(bodies))


main(*sys.argv[1:])
