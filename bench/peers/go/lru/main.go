// lru ENTRIES OPS: a cache of ENTRIES entries, as a hash table with chains and a list by recency.
package main

import "gait/peers/peer"

type entry struct {
	next, older, newer *entry
	key                uint64
	value              []byte
}

var (
	table          []*entry
	oldest, newest *entry
	mask           uint64
	count          int
	capacity       int
	hits           uint64
	state          = uint64(12345)
)

const bucketNanos, buckets = 32, 1 << 22

// Not on the heap, so that no collection waits for it.
var latency [buckets]uint32
var latencyTotal, latencyMax uint64

func latencyAdd(nanos uint64) {
	bucket := nanos / bucketNanos
	if bucket >= buckets {
		bucket = buckets - 1
	}
	latency[bucket]++
	latencyTotal++
	if nanos > latencyMax {
		latencyMax = nanos
	}
}

func latencyQuantile(share float64) int {
	seen := uint64(0)
	for i, count := range latency {
		seen += uint64(count)
		if seen > 0 && float64(seen) >= float64(latencyTotal)*share {
			return i * bucketNanos
		}
	}
	return 0
}

func mix(key uint64) uint64 {
	key *= 0x9E3779B97F4A7C15
	return key ^ (key >> 29)
}

func unlink(at *entry) {
	if at.older != nil {
		at.older.newer = at.newer
	} else {
		oldest = at.newer
	}
	if at.newer != nil {
		at.newer.older = at.older
	} else {
		newest = at.older
	}
}

func push(at *entry) {
	at.older = newest
	at.newer = nil
	if newest != nil {
		newest.newer = at
	} else {
		oldest = at
	}
	newest = at
}

func evict() {
	gone := oldest
	unlink(gone)
	link := &table[mix(gone.key)&mask]
	for *link != gone {
		link = &(*link).next
	}
	*link = gone.next
	count--
}

// The quickest way to set all bytes that the language has.
func fill(bytes []byte, value byte) {
	bytes[0] = value
	for filled := 1; filled < len(bytes); filled *= 2 {
		copy(bytes[filled:], bytes[:filled])
	}
}

func add(key, hash uint64) {
	made := &entry{key: key}
	made.value = make([]byte, 64+peer.Random(&state)%961)
	fill(made.value, byte(key))
	made.next = table[hash]
	table[hash] = made
	push(made)
	count++
}

func operation() {
	key := peer.Random(&state) % uint64(capacity*2)
	hash := mix(key) & mask
	at := table[hash]
	for at != nil && at.key != key {
		at = at.next
	}
	if at != nil {
		hits++
		unlink(at)
		push(at)
		return
	}
	if count >= capacity {
		evict()
	}
	add(key, hash)
}

func checksum() uint64 {
	sum := hits
	for at := oldest; at != nil; at = at.newer {
		sum = mix(sum+at.key) + uint64(at.value[0])
	}
	return sum
}

func main() {
	var ops int
	capacity, ops = peer.Number(1), peer.Number(2)
	slots := 1
	for slots < capacity*2 {
		slots <<= 1
	}
	table = make([]*entry, slots)
	mask = uint64(slots - 1)

	start := peer.Now()
	for i := 0; i < ops; i++ {
		before := peer.Now()
		operation()
		nanos := peer.Now() - before
		if i > ops/2 {
			latencyAdd(uint64(nanos))
		}
	}
	nanos := peer.Now() - start
	peer.Report(peer.Result{
		Ops: ops, Nanos: nanos, NsPerOp: float64(nanos) / float64(ops), Checksum: checksum(),
		More: map[string]any{
			"op_p99_ns": latencyQuantile(.99), "op_p999_ns": latencyQuantile(.999),
			"op_p9999_ns": latencyQuantile(.9999), "op_max_ns": latencyMax,
		},
	})
}
