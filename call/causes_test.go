package call

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"hotline/acd"
	"hotline/media"
	"hotline/sip"
)

func TestAFailureIsPassedOnAsTheCallersPhoneCanUseIt(t *testing.T) {
	for status, want := range map[int]int{
		486: 486, 404: 404, 480: 480, 488: 488, 500: 500, 503: 503, 408: 408, // as they are
		600: 480, 603: 480, 604: 480, // global: the caller's phone would not try elsewhere
		401: 480, 407: 480, 487: 480, // between us and the second leg
		302: 480, 300: 480, 0: 480, 200: 480,
	} {
		if got := passOn(&legEnded{status: status, text: "x"}); got.Status != want || got.Text != "x" {
			t.Errorf("%d is passed on as %d %q, want %d", status, got.Status, got.Text, want)
		}
	}
}

func TestWhatAFailedRingMeansForTheACD(t *testing.T) {
	never := func(status int) error { return &legEnded{status: status, never: true, byPeer: true} }
	for _, tc := range []struct {
		name string
		err  error
		how  acd.Refusal
		word string
	}{
		{"busy", never(486), acd.Busy, "busy"},
		{"busy everywhere", never(600), acd.Busy, "busy"},
		{"declined", never(603), acd.Declined, "declined"},
		{"forbidden", never(403), acd.PhoneUnreachable, "unreachable"},
		{"broken", never(500), acd.PhoneUnreachable, "unreachable"},
		{"not there now", never(480), acd.NoAnswer, "no answer"},
		{"terminated", never(487), acd.NoAnswer, "no answer"},
		{"no such phone", never(404), acd.PhoneUnreachable, "unreachable"},
		{"gone", never(410), acd.PhoneUnreachable, "unreachable"},
		{"out of service", never(503), acd.PhoneUnreachable, "unreachable"},
		{"silence", &legEnded{status: 408, nobody: true, never: true}, acd.PhoneUnreachable, "unreachable"},
		{"transport", &legEnded{status: 503, nobody: true, never: true}, acd.PhoneUnreachable, "unreachable"},
		{"hung up instead of pressing 1", &legEnded{byPeer: true, sipWhy: "bye"}, acd.Declined, "declined"},
		{"key 3", errSentOn, acd.SentOn, "sent on"},
		{"another key", errDeclined, acd.Declined, "declined"},
		{"rung out", ErrWithdrawn, acd.NoAnswer, "no answer"},
		{"no phone", errUnreachable, acd.PhoneUnreachable, "unreachable"},
		{"no port", fmt.Errorf("call: dial: %w", media.ErrNoPorts), acd.Failed, "no capacity"},
		{"caller gone", ErrCallerGone, acd.CallerGone, "caller gone"},
		{"shutdown", ErrShutdown, acd.CallerGone, "caller gone"},
		{"operator", ErrOperator, acd.CallerGone, "caller gone"},
		{"wrapped", fmt.Errorf("x: %w", never(486)), acd.Busy, "busy"},
		{"context", context.Canceled, acd.CallerGone, "caller gone"},
	} {
		if how, word := refusal(tc.err); how != tc.how || word != tc.word {
			t.Errorf("%s: got %v %q, want %v %q", tc.name, how, word, tc.how, tc.word)
		}
	}
}

func TestTheLastEventOfADialogSaysHowALegEnded(t *testing.T) {
	for _, tc := range []struct {
		ev   sip.Event
		want legEnded
	}{
		{sip.Failed{Status: 486, Reason: "Busy Here"}, legEnded{status: 486, text: "Busy Here", byPeer: true, never: true, sipWhy: "failed"}},
		{sip.Failed{Status: 408, Reason: "Timeout", Unreachable: true}, legEnded{status: 408, text: "Timeout", never: true, nobody: true, sipWhy: "failed"}},
		{sip.Ended{ByPeer: true, Why: "bye"}, legEnded{text: "bye", byPeer: true, sipWhy: "bye"}},
		{sip.Ended{Why: "session-timer"}, legEnded{text: "session-timer", died: true, sipWhy: "session-timer"}},
		{sip.Ended{Why: "no-ack", Cause: sip.Cause{Status: 408, Text: "no ACK"}}, legEnded{status: 408, text: "no ACK", died: true, sipWhy: "no-ack"}},
		{sip.Ended{Why: "transport"}, legEnded{text: "transport", died: true, sipWhy: "transport"}},
		{sip.Digit{}, legEnded{text: "ended"}},
	} {
		if got := endedOf(tc.ev); *got != tc.want {
			t.Errorf("%#v: got %+v, want %+v", tc.ev, *got, tc.want)
		}
	}
}

func TestTheFirstCauseCounts(t *testing.T) {
	c := &Call{}
	c.blame(486, 17, "busy", "agent")
	c.blame(500, 41, "late", "us")
	if c.cause.Text != "busy" || c.cause.Blame != "agent" {
		t.Errorf("got %+v, want the first cause", c.cause)
	}
}

func TestEveryEndOfACallHasACauseAndABlame(t *testing.T) {
	for _, gone := range []error{nil, context.Canceled, ErrShutdown, ErrInternal, ErrTooLong, ErrOperator, ErrCallerGone, errors.New("sip: socket closed")} {
		for _, end := range []error{nil, &legEnded{text: "bye", byPeer: true, sipWhy: "bye"}, &legEnded{died: true, sipWhy: "silence"},
			&legEnded{status: 488, text: "no codec", sipWhy: "rejected"}, &legEnded{status: 500, sipWhy: "internal"}, &legEnded{sipWhy: "ended-by-us"}} {
			for _, answered := range []bool{false, true} {
				l := &Leg{}
				l.ctx, l.end = context.WithCancelCause(context.Background())
				if end != nil {
					l.end(end)
				}
				c := &Call{caller: l, answers: answered}
				v, told := c.verdict(gone), c.endCause(gone)
				if v.Text == "" || v.Blame == "" {
					t.Errorf("cause %v, leg %v, answered %v: got verdict %+v", gone, end, answered, v)
				}
				if !answered && told.Status == 0 {
					t.Errorf("cause %v, leg %v: an unanswered caller gets no status: %+v", gone, end, told)
				}
			}
		}
	}
}
