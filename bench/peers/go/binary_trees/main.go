// binary_trees DEPTH THREADS: builds and walks many short-lived trees beside one that stays.
package main

import (
	"sync"

	"gait/peers/peer"
	"gait/peers/tree"
)

// This thread's share of the trees of each depth.
func part(number, threads, depth int) int {
	nodes := 0
	for d := 4; d <= depth; d += 4 {
		trees := 1 << (depth - d + 4)
		for i := trees * number / threads; i < trees*(number+1)/threads; i++ {
			nodes += tree.Build(d).Count()
		}
	}
	return nodes
}

func main() {
	depth, threads := peer.Number(1), peer.Number(2)
	nodes := make([]int, threads)
	start := peer.Now()
	stretch := tree.Build(depth + 1).Count()
	longLived := tree.Build(depth)
	var others sync.WaitGroup
	for i := 1; i < threads; i++ {
		others.Add(1)
		go func(number int) {
			defer others.Done()
			nodes[number] = part(number, threads, depth)
		}(i)
	}
	nodes[0] = part(0, threads, depth)
	others.Wait()
	kept := longLived.Count()
	nanos := peer.Now() - start
	ops := 0
	for _, count := range nodes {
		ops += count
	}
	peer.Report(peer.Result{
		Ops: ops, Nanos: nanos, NsPerOp: float64(nanos) / float64(ops),
		Checksum: uint64(stretch + kept + ops),
	})
}
