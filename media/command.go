package media

import (
	"net/netip"
	"time"
)

// Ids are chosen by the user of the engine and are opaque to it.
type (
	LegID       string // one leg: one RTP socket and its peer
	BridgeID    string // a set of legs that hear each other
	PlayID      uint64 // one Play command, told back by Played
	ClipID      string // audio known to the engine
	RecordingID string // one file being recorded
)

// Codec is a static RTP payload type of RFC 3551, section 6.
type Codec uint8

// The codecs spoken here: G.711 in both laws, 8 kHz mono.
const (
	PCMU Codec = 0
	PCMA Codec = 8
)

// Role says who a seated leg is; the table hears says whom it hears.
type Role uint8

// Roles of a bridge. A Coach is heard by agents only, a Listener by nobody. Keys
// of all but Caller and Agent are told as events and not passed on.
const (
	Caller Role = iota
	Agent
	Listener
	Coach
	Barger
	numRoles
)

// hears[a][b] is true if a leg of role a hears a leg of role b.
var hears = [numRoles][numRoles]bool{
	Caller:   {Caller: true, Agent: true, Barger: true},
	Agent:    {Caller: true, Agent: true, Coach: true, Barger: true},
	Listener: {Caller: true, Agent: true, Coach: true, Barger: true},
	Coach:    {Caller: true, Agent: true, Coach: true, Barger: true},
	Barger:   {Caller: true, Agent: true, Coach: true, Barger: true},
}

// ToneKind names a tone that the engine makes itself.
type ToneKind uint8

// Tones. Ringback is 425 Hz, 1 s on and 4 s off; busy is 425 Hz, 0.5 s on and
// 0.5 s off (ITU-T E.180); sine is Freq1 and, unless 0, Freq2 together.
const (
	ToneNone ToneKind = iota
	ToneRingback
	ToneBusy
	ToneSine
)

// Tone is made by the engine for a duration; For 0 lasts until stopped.
type Tone struct {
	Kind         ToneKind
	Freq1, Freq2 float64 // Hz, ToneSine only
	For          time.Duration
}

// Command is a message to the engine: a plain value without pointers, so that
// it can cross a process boundary. Unknown ids are counted and ignored.
type Command interface{ command() }

// SetRemote says where a leg's peer is and what it speaks. It may come again
// at any time (re-INVITE); the stream to the peer goes on without a break.
type SetRemote struct {
	Leg        LegID
	Addr       netip.AddrPort // from the peer's description
	Control    netip.AddrPort // where it wants RTCP; zero is the port above Addr's
	Mux        bool           // RTCP goes to and comes from the RTP port (RFC 5761)
	Codec      Codec
	AudioType  uint8          // payload type of Codec where it is not the static one; 0 is the static one
	EventType  uint8          // telephone-event payload type that we send; 0 none
	EventIn    uint8          // one that the peer may send beside EventType: ours, which it should use; 0 none
	Send       bool           // we may send
	Receive    bool           // we may receive: audio is dropped otherwise
	PTime      time.Duration  // audio per packet of what we make; 0 is 20 ms
	Latch      []netip.Prefix // sources, beside Addr's IP, that may be latched
	InBandDTMF bool           // find digits in the audio
	SRTP       SRTP           // how packets are secured; zero is plain RTP
}

// audioType is the payload type that we send audio with.
func (c *SetRemote) audioType() uint8 {
	if c.AudioType != 0 {
		return c.AudioType
	}
	return uint8(c.Codec)
}

// codecOf reads the payload type of a packet of audio.
func (c *SetRemote) codecOf(pt uint8) (codec Codec, ok bool) {
	switch {
	case c.AudioType != 0 && pt == c.AudioType:
		return c.Codec, true
	case pt == uint8(PCMU), pt == uint8(PCMA):
		return Codec(pt), true
	}
	return 0, false
}

// isEvent is true for the payload types of telephone-events.
func (c *SetRemote) isEvent(pt uint8) bool {
	return c.EventType != 0 && (pt == c.EventType || c.EventIn != 0 && pt == c.EventIn && pt != c.AudioType)
}

// Play sends clips, one after the other without a gap, then the tone. It
// replaces a running Play of the leg, which hears it instead of its bridge.
// Loop repeats the clips (a tone repeats by itself) until stopped. With Over the
// leg hears its bridge as well, 8 dB softer meanwhile; for the others nothing changes.
type Play struct {
	Leg   LegID
	ID    PlayID
	Clips []ClipID
	Tone  Tone
	Loop  bool
	Over  bool
}

// Stop ends a Play; ID 0 ends whatever plays.
type Stop struct {
	Leg LegID
	ID  PlayID
}

// Seat puts a leg into a bridge, out of any other. Seating it again in the same
// bridge gives it the new role without a break.
type Seat struct {
	Bridge BridgeID
	Leg    LegID
	Role   Role
}

// Leave takes a leg out of its bridge.
type Leave struct{ Leg LegID }

// Record starts a stereo WAV of what two legs say (what we receive of them),
// placed by time. Left or Right may be "": silence until a Tap names a leg. With
// several shards a leg is heard while it sits in no bridge, or in one together
// with the leg that was there first. Right is not alone on its channel: whoever else
// Left hears in its bridge is added, so that it is all that people say to Left; never
// a Coach or a Listener.
type Record struct {
	ID          RecordingID
	Path        string
	Left, Right LegID
	Quiet       time.Duration // Hushed is told when Left has been quiet for so long; 0: never
}

// Tap changes who is on the channels of a running recording.
type Tap struct {
	ID          RecordingID
	Left, Right LegID
}

// Pause writes silence while On; time goes on.
type Pause struct {
	ID RecordingID
	On bool
}

// Finish ends a recording. Recorded follows when the file is safe on disk.
type Finish struct{ ID RecordingID }

// SendDigit presses a key towards a leg: telephone-events of RFC 4733 if
// negotiated, else the tone pair in the audio. Keys wait for each other.
// Duration 0 is 100 ms.
type SendDigit struct {
	Leg      LegID
	Digit    rune // 0-9 * # A-D
	Duration time.Duration
}

// MaskDigits keeps the keys of a leg to ourselves while On, whether they sound or
// come as telephone-events: in recordings its channel is silent while a key is
// held and 100 ms around, and whoever hears the leg gets silence instead, and the
// rest a packet later than otherwise. Digit events are told as ever. A key that is
// held when the mask goes Off is masked to its end.
type MaskDigits struct {
	Leg LegID
	On  bool
}

// WithholdDigits lets telephone-events of a leg go to nobody while On: they are
// told as Digit events only, for an owner who reads orders in them and sends on
// what is none by SendDigit. A key that is held at the change is as it began.
type WithholdDigits struct {
	Leg LegID
	On  bool
}

// Close ends a leg: it leaves its bridge and recordings, its play is cut, its
// socket closed. Closed is the last event of the leg.
type Close struct{ Leg LegID }

func (SetRemote) command()      {}
func (Play) command()           {}
func (Stop) command()           {}
func (Seat) command()           {}
func (Leave) command()          {}
func (Record) command()         {}
func (Tap) command()            {}
func (Pause) command()          {}
func (Finish) command()         {}
func (SendDigit) command()      {}
func (MaskDigits) command()     {}
func (WithholdDigits) command() {}
func (Close) command()          {}
