// mark_graph NODES ROUNDS SHAPE: the best time of ROUNDS forced collections of a graph that is all
// live.
package main

import (
	"os"
	"runtime"

	"gait/peers/peer"
)

const (
	chainNodes = 1000 // of a chain in the shape `mixed`
	mixedEvery = 8    // which of its nodes refer to a random one
)

type node struct {
	a, b  *node
	value [4]uint64
}

var table []*node
var root *node

// Links the nodes of the table; whether the table is part of the shape.
func link(shape string) bool {
	state, nodes := uint64(88172645463325252), uint64(len(table))
	switch shape {
	case "array":
		return true
	case "random":
		for _, node := range table {
			node.a = table[peer.Random(&state)%nodes]
			node.b = table[peer.Random(&state)%nodes]
		}
		return true
	case "mixed":
		for i, node := range table {
			if (i+1)%chainNodes != 0 && i+1 < len(table) {
				node.a = table[i+1]
			}
			if i%mixedEvery == 0 {
				node.b = table[peer.Random(&state)%nodes]
			}
		}
		for i := range table {
			if i%chainNodes != 0 {
				table[i] = nil
			}
		}
		return true
	case "tree":
		for i, node := range table {
			if 2*i+1 < len(table) {
				node.a = table[2*i+1]
			}
			if 2*i+2 < len(table) {
				node.b = table[2*i+2]
			}
		}
		return false
	}
	if shape == "shuffled" {
		for i := len(table) - 1; i > 0; i-- {
			j := peer.Random(&state) % uint64(i+1)
			table[i], table[j] = table[j], table[i]
		}
	}
	for i := 0; i+1 < len(table); i++ {
		table[i].a = table[i+1]
	}
	return false
}

func count(at *node) uint64 {
	nodes := uint64(0)
	for ; at != nil; at = at.a {
		nodes += 1 + count(at.b)
	}
	return nodes
}

func checksum(shape string) uint64 {
	if table == nil {
		return count(root)
	}
	found := uint64(0)
	for _, at := range table {
		if shape == "random" {
			if at.a != nil && at.b != nil {
				found++
			}
			continue
		}
		for ; at != nil; at = at.a {
			found++
		}
	}
	return found
}

func main() {
	nodes, rounds, shape := peer.Number(1), peer.Number(2), os.Args[3]
	table = make([]*node, nodes)
	for i := range table {
		table[i] = new(node)
	}
	keepTable := link(shape)
	root = table[0]
	if !keepTable {
		table = nil
	}
	runtime.GC()
	best := int64(1) << 62
	for i := 0; i < rounds; i++ {
		start := peer.Now()
		runtime.GC()
		if nanos := peer.Now() - start; nanos < best {
			best = nanos
		}
	}
	peer.Report(peer.Result{
		Ops: nodes, Nanos: best, NsPerOp: float64(best) / float64(nodes), Checksum: checksum(shape),
	})
}
