package call

import (
	"errors"
	"fmt"

	"hotline/sip"
)

// Why a call, a stage or a ring ended; found with context.Cause.
var (
	ErrCallerGone = errors.New("caller hung up")
	ErrWithdrawn  = errors.New("withdrawn")
	ErrShutdown   = errors.New("shutdown")
	ErrInternal   = errors.New("internal fault")
	ErrTooLong    = errors.New("longest call reached")
	ErrOperator   = errors.New("ended by an operator")
	ErrMediaDied  = errors.New("media engine died")
)

// Answers to operators.
var (
	ErrUnknown  = errors.New("there is none of that id")
	ErrBadState = errors.New("call: no such state; use ready, not ready or logged out")
)

// legEnded is the cause of a leg's context: how its dialog ended.
type legEnded struct {
	status int    // final status where there is one
	text   string // for people
	byPeer bool   // they ended it
	died   bool   // they vanished: silence, no refresh, no ACK, transport
	never  bool   // it was never answered
	nobody bool   // no reply whatsoever to our INVITE
	lost   bool   // its audio is gone with the media engine; the dialog lives
	sipWhy string
}

func (e *legEnded) Error() string {
	if e.status != 0 {
		return fmt.Sprintf("%d %s", e.status, e.text)
	}
	return e.text
}

// endedOf makes the cause of a leg from its dialog's last event.
func endedOf(ev sip.Event) *legEnded {
	switch ev := ev.(type) {
	case sip.Failed:
		return &legEnded{status: ev.Status, text: ev.Reason, byPeer: !ev.Unreachable, never: true,
			nobody: ev.Unreachable, sipWhy: "failed"}
	case sip.Ended:
		died := ev.Why == "session-timer" || ev.Why == "no-ack" || ev.Why == "transport"
		text := ev.Cause.Text
		if text == "" {
			text = ev.Why
		}
		return &legEnded{status: ev.Cause.Status, text: text, byPeer: ev.ByPeer, died: died, sipWhy: ev.Why}
	}
	return &legEnded{text: "ended"}
}

// The causes that hotline itself gives to a dialog.
var (
	causeNormal      = sip.Cause{Q850: 16, Text: "normal clearing"}
	causeNoAnswer    = sip.Cause{Status: 480, Q850: 19, Text: "no answer"}
	causeUnavailable = sip.Cause{Status: 480, Q850: 20, Text: "nobody available"}
	causeNotFound    = sip.Cause{Status: 404, Q850: 1, Text: "number not in service"}
	causeGone        = sip.Cause{Status: 481, Text: "the call to take over is gone"}
	causeHops        = sip.Cause{Status: 483, Q850: 25, Text: "too many hops"}
	causeMedia       = sip.Cause{Status: 488, Q850: 88, Text: "no audio in common"}
	causeForbidden   = sip.Cause{Status: 403, Q850: 21, Text: "not allowed"}
	causeBusy        = sip.Cause{Status: 486, Q850: 17, Text: "busy"}
	causeFull        = sip.Cause{Status: 503, Q850: 42, Text: "no capacity"}
	causeInternal    = sip.Cause{Status: 500, Q850: 41, Text: "internal fault"}
	causeShutdown    = sip.Cause{Status: 503, Q850: 41, Text: "shutting down"}
	causeElsewhere   = sip.Cause{Status: 0, Q850: 26, Text: "offer withdrawn"}
	causeCompleted   = sip.Cause{Status: 200, Text: "Call completed elsewhere"} // phones then show no missed call
	causeVanished    = sip.Cause{Status: 408, Q850: 27, Text: "no audio from the far end"}
	causeMediaDied   = sip.Cause{Status: 500, Q850: 41, Text: ErrMediaDied.Error()}
	causeRestarted   = sip.Cause{Q850: 41, Text: "engine restarted"}
)

// passOn maps a second leg's failure to what the caller is told. A 6xx is
// global and would keep the caller's phone from trying elsewhere, so it never
// goes through (RFC 3261 section 21.6).
func passOn(e *legEnded) sip.Cause {
	c := sip.Cause{Status: e.status, Text: e.text}
	switch {
	case e.status >= 600:
		c.Status = 480
	case e.status == 401 || e.status == 407 || e.status == 487 || e.status < 300:
		c.Status = 480
	case e.status < 400:
		c.Status = 480
	}
	return c
}
