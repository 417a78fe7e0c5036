// alloc SIZE COUNT LEAF THREADS: makes garbage as fast as it can, one object at a time.
package main

import (
	"fmt"
	"os"
	"sync"

	"gait/peers/peer"
)

// Objects of which every word is a reference.
type (
	refs16  struct{ slots [2]*int }
	refs32  struct{ slots [4]*int }
	refs64  struct{ slots [8]*int }
	refs128 struct{ slots [16]*int }
)

// The one object that a thread keeps, on cache lines of its own.
var kept [64]struct {
	refs16  *refs16
	refs32  *refs32
	refs64  *refs64
	refs128 *refs128
	leaf16  *[2]int
	leaf32  *[4]int
	leaf64  *[8]int
	leaf128 *[16]int
	_       [64]byte
}

func part(number, size, count int, leaf bool) {
	kept := &kept[number]
	switch {
	case leaf && size == 16:
		for i := 0; i < count; i++ {
			object := new([2]int)
			object[0] = i
			kept.leaf16 = object
		}
	case leaf && size == 32:
		for i := 0; i < count; i++ {
			object := new([4]int)
			object[0] = i
			kept.leaf32 = object
		}
	case leaf && size == 64:
		for i := 0; i < count; i++ {
			object := new([8]int)
			object[0] = i
			kept.leaf64 = object
		}
	case leaf && size == 128:
		for i := 0; i < count; i++ {
			object := new([16]int)
			object[0] = i
			kept.leaf128 = object
		}
	case size == 16:
		for i := 0; i < count; i++ {
			kept.refs16 = new(refs16)
		}
	case size == 32:
		for i := 0; i < count; i++ {
			kept.refs32 = new(refs32)
		}
	case size == 64:
		for i := 0; i < count; i++ {
			kept.refs64 = new(refs64)
		}
	case size == 128:
		for i := 0; i < count; i++ {
			kept.refs128 = new(refs128)
		}
	default:
		fmt.Fprintln(os.Stderr, "alloc: SIZE is 16, 32, 64 or 128")
		os.Exit(2)
	}
}

func main() {
	size, count, leaf, threads := peer.Number(1), peer.Number(2), peer.Number(3) != 0, peer.Number(4)
	part(0, size, count, leaf)
	start := peer.Now()
	var others sync.WaitGroup
	for i := 1; i < threads; i++ {
		others.Add(1)
		go func(number int) {
			defer others.Done()
			part(number, size, count, leaf)
		}(i)
	}
	part(0, size, count, leaf)
	others.Wait()
	nanos := peer.Now() - start
	peer.Report(peer.Result{
		Ops: count * threads, Nanos: nanos, NsPerOp: float64(nanos) / float64(count),
		Checksum: uint64(count * threads),
	})
}
