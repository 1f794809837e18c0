package media

import "time"

// Event is a message of the engine to its user: a plain value.
type Event interface{ event() }

// Digit is one key press, reported at its begin; Duration is then unknown (0).
// Method is "rfc4733" or "inband".
type Digit struct {
	Leg      LegID
	Rune     rune
	Duration time.Duration
	Method   string
}

// Played ends a Play: its last frame was sent, or it was Cut by a Stop, another
// Play or the end of the leg.
type Played struct {
	Leg LegID
	ID  PlayID
	Cut bool
}

// Silent says that a leg which we may hear has sent nothing For so long. It
// repeats each Config.SilenceAfter.
type Silent struct {
	Leg LegID
	For time.Duration
}

// Heard says that the first packet of a leg was accepted, or the first one
// after a Silent.
type Heard struct{ Leg LegID }

// Recorded ends a recording. Bytes is the size of the file; Dropped counts
// bytes of audio replaced by silence because the disk did not keep up. With
// Err set the file is incomplete and may still have its live name.
type Recorded struct {
	ID       RecordingID
	Path     string
	Duration time.Duration
	Bytes    int64
	Dropped  uint64
	Err      error
}

// Hushed says, once, that the left channel of a recording has been quiet for so
// long as Record.Quiet wants, whether its leg sends silence or nothing.
type Hushed struct {
	ID  RecordingID
	Leg LegID
}

// Closed is the last event of a leg.
type Closed struct {
	Leg   LegID
	Stats LegStats
}

// LegStats is what a leg counted in its life.
type LegStats struct {
	PacketsIn  uint64 // accepted from the peer
	PacketsOut uint64
	Lost       uint64        // never arrived, by sequence number
	Late       uint64        // arrived behind a younger one
	Dropped    uint64        // ours, but malformed, doubled or of unknown type
	Strangers  uint64        // from a source that is not the peer
	Forged     uint64        // refused by SRTP: a wrong key, changed on the way, or here before
	Jitter     time.Duration // RFC 3550, appendix A.8, at the end

	// What the peer reports of our stream (RTCP); 0 where it reports nothing.
	RemoteLost   uint64        // packets of ours that never arrived
	RemoteJitter time.Duration // of its last report
	RTT          time.Duration // round trip, mean of the reports

	// Estimates by the E-model (ITU-T G.107), of the worse direction; 0 where
	// nothing was heard.
	RFactor  float64 // 0 to 100; 80 and more is good
	MOS      float64 // 1 to 4.5, of the whole life
	WorstMOS float64 // of the worst ten seconds
}

func (Digit) event()    {}
func (Played) event()   {}
func (Silent) event()   {}
func (Heard) event()    {}
func (Recorded) event() {}
func (Hushed) event()   {}
func (Closed) event()   {}
