// crowd IDLE DEPTH: builds and walks short-lived trees while IDLE threads wait, each with a tree of
// its own on its stack.
package main

import (
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"gait/peers/peer"
	"gait/peers/tree"
)

const ownDepth, trees = 4, 256

func main() {
	idle, depth := peer.Number(1), peer.Number(2)
	debug.SetMaxThreads(idle + 1000)
	var ready, gone sync.WaitGroup
	over := make(chan struct{})
	var kept atomic.Int64
	for i := 0; i < idle; i++ {
		ready.Add(1)
		gone.Add(1)
		go func() {
			runtime.LockOSThread() // a thread of the system, as in C
			own := tree.Build(ownDepth)
			ready.Done()
			<-over
			kept.Add(int64(own.Count()))
			gone.Done()
		}()
	}
	ready.Wait()
	ops := 0
	start := peer.Now()
	for i := 0; i < trees; i++ {
		ops += tree.Build(depth).Count()
	}
	nanos := peer.Now() - start
	close(over)
	gone.Wait()
	peer.Report(peer.Result{
		Ops: ops, Nanos: nanos, NsPerOp: float64(nanos) / float64(ops),
		Checksum: uint64(ops) + uint64(kept.Load()),
	})
}
