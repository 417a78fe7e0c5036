// Package peer holds what the programs share.  Each prints one JSON object, with the names that
// `gait run --json` has.
package peer

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Number returns argument `index` (from 1) as a number; the program ends without it.
func Number(index int) int {
	if index >= len(os.Args) {
		fail(fmt.Sprintf("argument %d is missing", index))
	}
	number, err := strconv.Atoi(os.Args[index])
	if err != nil {
		fail(err.Error())
	}
	return number
}

func fail(why string) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", os.Args[0], why)
	os.Exit(2)
}

// Random returns the next of a sequence of xorshift numbers.
func Random(state *uint64) uint64 {
	x := *state
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*state = x
	return x
}

var start = time.Now()

// Now returns nanoseconds; it reads the monotonic clock alone, which time.Now does not.
func Now() int64 { return int64(time.Since(start)) }

// Result is what a program found.
type Result struct {
	Ops      int
	Nanos    int64
	NsPerOp  float64
	Checksum uint64
	More     map[string]any
}

// The longest stop of all goroutines that the runtime counted, to the precision of its histogram.
func longestPause() any {
	for _, name := range []string{"/sched/pauses/total/gc:seconds", "/gc/pauses:seconds"} {
		sample := []metrics.Sample{{Name: name}}
		metrics.Read(sample)
		if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
			continue
		}
		histogram := sample[0].Value.Float64Histogram()
		for i := len(histogram.Counts) - 1; i >= 0; i-- {
			if histogram.Counts[i] > 0 {
				return int64(histogram.Buckets[i] * 1e9)
			}
		}
		return 0
	}
	return nil
}

// Report prints the result.
func Report(result Result) {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	row := map[string]any{
		"version":        strings.TrimPrefix(runtime.Version(), "go"),
		"ops":            result.Ops,
		"seconds":        float64(result.Nanos) * 1e-9,
		"ns_per_op":      result.NsPerOp,
		"checksum":       fmt.Sprintf("%016x", result.Checksum),
		"cycles":         stats.NumGC,
		"peak_rss_bytes": usage.Maxrss * 1024,
		"pause_max_ns":   longestPause(),
	}
	for name, value := range result.More {
		row[name] = value
	}
	text, err := json.Marshal(row)
	if err != nil {
		fail(err.Error())
	}
	fmt.Println(string(text))
}
