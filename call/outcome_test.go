package call_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
)

func TestWhoAsksForATransferIsToldWhatCameOfIt(t *testing.T) {
	for name, tc := range map[string]struct {
		bob   phone.Policy
		to    string
		after func(d *desk) // two seconds later
		want  call.TransferView
		takes time.Duration // at least
	}{
		"answered":  {nil, "1002", nil, call.TransferView{State: call.TransferAnswered, By: "agent:1002"}, time.Second},
		"busy":      {phone.RejectAfter(time.Second, 486), "agent:1002", nil, call.TransferView{State: call.TransferBack, Why: "486 Busy Here"}, time.Second},
		"no answer": {phone.RingForever(), "agent:1002", nil, call.TransferView{State: call.TransferBack, Why: "no answer"}, 30 * time.Second},
		"cancelled": {phone.RingForever(), "agent:1002", func(d *desk) { d.asks(call.DoCancel, "") },
			call.TransferView{State: call.TransferBack, Why: "cancelled"}, 2 * time.Second},
		"gone": {phone.RingForever(), "agent:1002", func(d *desk) { d.caller.Hangup() },
			call.TransferView{State: call.TransferGone, Why: "the caller hung up"}, 2 * time.Second},
		"moved": {phone.RingForever(), "agent:1002", func(d *desk) { must(d.t, d.eng.Move("1001", "queue:support", "test")) },
			call.TransferView{State: call.TransferGone, Why: "moved to move queue:support"}, 2 * time.Second},
		"to a queue": {nil, "queue:support", nil, call.TransferView{State: call.TransferLed}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			withDesk(t, tc.bob, func(d *desk) {
				done := make(chan struct{})
				go func() { // ends with the two seconds
					defer close(done)
					if tc.after != nil {
						time.Sleep(2 * time.Second)
						tc.after(d)
					}
				}()
				began := time.Now()
				v, err := d.eng.Transfer(d.ctx(), "1001", tc.to, "agent:1001")
				must(t, err)
				took := time.Since(began)
				<-done
				tc.want.To = tc.to
				if v != tc.want || took < tc.takes || took > tc.takes+2*time.Second {
					t.Errorf("got %+v after %v, want %+v after %v", v, took, tc.want, tc.takes)
				}
				d.caller.Hangup()
				d.oneCDR()
			})
		})
	}
}

func TestATransferGoesOnWhenNobodyWaitsForItAnyMore(t *testing.T) {
	withDesk(t, phone.Policy(phone.AnswerAfter(5*time.Second)).Speaking(bobHz), func(d *desk) {
		ctx, cancel := context.WithTimeout(d.ctx(), time.Second)
		defer cancel()
		v, err := d.eng.Transfer(ctx, "1001", "1002", "agent:1001")
		if err != nil || v.State != call.TransferRuns {
			t.Errorf("got %+v, %v, want it running", v, err)
		}
		time.Sleep(6 * time.Second)
		d.hear("transferred", hears("caller", d.caller, bobHz), hears("Bob", d.bob.Calls()[0], callerHz))
		d.caller.Hangup()
		if r := d.oneCDR(); !strings.Contains(r.Trace, "transfer 1002; talk") && !strings.Contains(r.Trace, "transfer agent:1002; talk") {
			t.Errorf("got trace %s", r.Trace)
		}
	})
}

func TestATransferToNowhereIsRefusedBeforeAnybodyWaits(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		for ref, want := range map[string]error{"1001": call.ErrNowhere, "nothing": call.ErrUnknown} {
			if _, err := d.eng.Transfer(d.ctx(), ref, "queue:nothing", "agent:1001"); !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", ref, err, want)
			}
		}
		d.caller.Hangup()
	})
}
