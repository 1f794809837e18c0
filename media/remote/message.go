package remote

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"hotline/media"
)

// hello is the first frame of both sides. Fields are never taken away.
type hello struct {
	Protocol int
	Version  string // of hotline, for people
	PID      int

	End bool `json:",omitempty"` // client: whatever the protocol, close everything and exit

	Addr      netip.Addr `json:",omitzero"` // server: where its legs are
	Advertise netip.Addr `json:",omitzero"`
	PortMin   uint16     `json:",omitempty"`
	PortMax   uint16     `json:",omitempty"`
	Shards    int        `json:",omitempty"` // as configured; 0: by the machine
}

// refused says why a connection is not taken.
type refused struct {
	Text     string
	Protocol int
	PID      int
	Busy     bool // another control process is connected
}

// RefusedError is the answer of a media process that does not take us.
type RefusedError struct {
	Text     string
	Protocol int  // that it speaks
	PID      int  // of the media process
	Busy     bool // another control process is connected to it
}

func (e *RefusedError) Error() string { return "remote: media process refuses: " + e.Text }

func wrongProtocol(theirs hello) string {
	return fmt.Sprintf("it speaks version %d of the media protocol, the control process (hotline %s) speaks %d; try: end the media process, then start again",
		Protocol, theirs.Version, theirs.Protocol)
}

// open asks for a leg; the answer carries the same number.
type open struct {
	N   uint64
	Leg media.LegID
}

type opened struct {
	N       uint64
	Addr    netip.AddrPort `json:",omitzero"`
	NoPorts bool           `json:",omitempty"`
	Closed  bool           `json:",omitempty"`
	Err     string         `json:",omitempty"`
}

// readHello reads the first frame of a connection.
func readHello(k kind, body []byte) (h hello, ok bool) {
	if k != kindHello || json.Unmarshal(body, &h) != nil {
		return h, false
	}
	return h, true
}
