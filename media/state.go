package media

import (
	"errors"
	"net/netip"
	"time"
)

// ErrDied is the error of a recording whose engine, in another process, is gone.
var ErrDied = errors.New("media: engine died")

// ErrDown is returned by Open while the process of the engine does not answer.
var ErrDown = errors.New("media: engine does not answer")

// LegState is a leg as an engine's owner knows it from what he commanded.
type LegState struct {
	ID     LegID
	Local  netip.AddrPort
	Remote netip.AddrPort `json:",omitzero"` // of its last SetRemote
	Bridge BridgeID       `json:",omitempty"`
	Role   Role
	Opened time.Time
}

// RecordingState is a recording that runs, or whose file is not yet whole.
type RecordingState struct {
	ID          RecordingID
	Path        string // when it is whole; until then LivePath of it
	Left, Right LegID
	Began       time.Time
}

// State is what an engine in another process runs.
type State struct {
	Legs       []LegState
	Recordings []RecordingState
}
