package main

import (
	"fmt"
	"net/netip"
	"strings"
)

// Conferences are dialled by these digits and three more, from 000 on.
const (
	benchRooms     = "5"
	benchRoomsMost = 1000
)

// benchCenter is testdata/bench/center.yaml with so many agents, whose phones are
// at this address, and conferences.
func benchCenter(agents, rooms int, at netip.AddrPort) string {
	var b strings.Builder
	b.WriteString(`settings: {name: bench, language: en, survey: none, silence: 60s}
trunks:
  callers: {name: Callers, addresses: [127.0.0.1]}
  out: {name: The world, peers: ["sip:127.0.0.1:16461"], user: u, secret: p, hairpin: allow}
numbers:
  "4000": {to: "queue:recorded", trunks: [callers]}
  "4001": {to: "queue:plain", trunks: [callers]}
  "4002": {to: "queue:direct", trunks: [callers]}
  "4003": {to: "flow:bye", trunks: [callers]}
  "4004": {to: "trunk:out", trunks: [callers]}
`)
	for i := range rooms {
		fmt.Fprintf(&b, "  \"%s%03d\": {to: \"conference:room%03d\", trunks: [callers]}\n", benchRooms, i, i)
	}
	if rooms > 0 {
		b.WriteString("conferences:\n")
	}
	for i := range rooms {
		fmt.Fprintf(&b, "  room%03d: {max: 50}\n", i)
	}
	b.WriteString(`queues:
  recorded: {record: true, announce_agent: false, survey: none, wrap_up: 0s, announce: {position: false, wait: false}, missed_ready: true, back_off: 1s}
  plain: {record: false, announce_agent: false, survey: none, wrap_up: 0s, announce: {position: false, wait: false}, missed_ready: true, back_off: 1s}
  direct: {direct: true, record: false, survey: none, wrap_up: 0s, missed_ready: true, back_off: 1s}
flows:
  bye:
    start: bye
    nodes:
      bye: {kind: hangup}
agents:
`)
	for i := range agents {
		fmt.Fprintf(&b, "  agent%03d: {contact: \"sip:agent%03d@%s\", queues: [recorded, plain, direct], state: ready}\n", i+1, i+1, at)
	}
	return b.String()
}
