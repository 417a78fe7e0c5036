// paced SHAPE LIVE_MB RATE_MBPS TOTAL_MB: replaces a live set of LIVE_MB of small objects until
// TOTAL_MB have been allocated.  Of the shapes only `steady` is here, and of the rates only 0, which
// is as fast as it goes.
package main

import (
	"fmt"
	"os"

	"gait/peers/peer"
)

const (
	payloadBytes = 80
	pairBytes    = 48 + payloadBytes
	leafShare    = 0.5
	batch        = 256
)

type node struct {
	next    *node
	payload []byte
	value   [2]uint64
}

func main() {
	if len(os.Args) < 5 || os.Args[1] != "steady" || os.Args[3] != "0" {
		fmt.Fprintln(os.Stderr, "usage: paced steady LIVE_MB 0 TOTAL_MB")
		os.Exit(2)
	}
	slots := make([]*node, peer.Number(2)*1000000/pairBytes)
	total := peer.Number(4) * 1000000
	state, filled, made := uint64(99), 0, 0

	start := peer.Now()
	for made*pairBytes < total {
		for i := 0; i < batch; i++ {
			random := peer.Random(&state)
			at := &node{}
			if float64(random>>40&0xff)/256 >= leafShare {
				at.next = slots[random%uint64(len(slots))]
				if at.next != nil {
					at.next = at.next.next
				}
			}
			at.payload = make([]byte, payloadBytes)
			slot := filled
			if filled < len(slots) {
				filled++
			} else {
				slot = int(random >> 8 % uint64(filled))
			}
			slots[slot] = at
			made++
		}
	}
	nanos := peer.Now() - start
	checksum := state
	for _, at := range slots {
		if at != nil {
			checksum += uint64(len(at.payload)) + uint64(at.payload[0])
		}
	}
	peer.Report(peer.Result{
		Ops: made, Nanos: nanos, NsPerOp: float64(nanos) / float64(made), Checksum: checksum,
	})
}
