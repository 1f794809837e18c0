package call_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/call"
	"hotline/store"
)

// figure is one metric, by its name and the values of its labels, sorted.
func (b *bed) figure(name string, labels ...string) (v float64, ok bool) {
	b.t.Helper()
	all, err := b.eng.Metrics().Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.Metric {
			var got []string
			for _, l := range m.Label {
				got = append(got, l.GetValue())
			}
			slices.Sort(got)
			if slices.Equal(got, labels) {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

func TestATrunkThatCeasesToAnswerIsSeenDownAndUpAgain(t *testing.T) {
	overBothWith(t, func(transport string) store.Center {
		c := phones(transport)
		c.Trunks["out"] = store.Trunk{Peers: []string{"sip:" + addrC + ";transport=" + strings.ToLower(transport)}, KeepAlive: store.Duration(30 * time.Second)}
		return c
	}, func(b *bed, A, B *peer) {
		C := b.newPeer(B.transport, addrC)
		peer := "sip:" + addrC + ";transport=" + strings.ToLower(B.transport)
		answer := func(until time.Time) {
			for time.Now().Before(until) {
				if m := C.maybe(time.Second, isRequest("OPTIONS")); m != nil {
					C.leg(m).reply(m, 200, "OK", "")
				}
			}
		}
		answer(time.Now().Add(time.Minute))
		if v := b.trunk("out").States[0]; !v.Watched || !v.Up || v.Latency == 0 {
			t.Errorf("while it answers: %+v", v)
		}
		if got := b.trunk("out").Peers[0]; !strings.Contains(got, "(up, ") {
			t.Errorf("shown as %q, want up", got)
		}
		if v, ok := b.figure("hotline_trunk_up", "out", peer); !ok || v != 1 {
			t.Errorf("metric: got %v %v, want 1", v, ok)
		}
		time.Sleep(2 * time.Minute) // silence
		if v := b.trunk("out").States[0]; v.Up || v.Error == "" {
			t.Errorf("while it is silent: %+v", v)
		}
		if v, ok := b.figure("hotline_trunk_up", "out", peer); !ok || v != 0 {
			t.Errorf("metric: got %v %v, want 0", v, ok)
		}
		if v, _ := b.figure("hotline_trunk_changes_total", "down", "out"); v != 1 {
			t.Errorf("%v changes to down, want 1", v)
		}
		if !strings.Contains(b.log.String(), "trunk is down") {
			t.Error("the log does not say that it is down")
		}
		answer(time.Now().Add(2 * time.Minute))
		if v := b.trunk("out").States[0]; !v.Up {
			t.Errorf("when it answers again: %+v", v)
		}
	})
}

func TestWhoDivertedACallStandsInItsRecordIfTheTrunkIsTrusted(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		inBubble(t, scenarioCenter("UDP"), func(b *bed) {
			w := store.Trunk{Addresses: []string{"10.0.0.2"}, Trusted: trusted}
			b.apply(store.Center{Trunks: map[string]store.Trunk{"world": w}})
			A := b.newPeer("UDP", addrA)
			a := A.call("4001", A.sdp(30000), "P-Asserted-Identity: <sip:+4930777@x>", "Diversion: <sip:+4930888@x>;reason=no-answer")
			a.answered(time.Second)
			time.Sleep(time.Second)
			a.bye()
			c := b.oneCDR()
			want, caller := []string{"+4930888"}, "+4930777"
			if !trusted {
				want, caller = nil, "caller"
			}
			if !slices.Equal(c.Diverted, want) || c.Caller != caller {
				t.Errorf("trusted %v: diverted %q, caller %s, want %q, %s", trusted, c.Diverted, c.Caller, want, caller)
			}
		})
	}
}

func TestACallOutShowsNoNumberWhereThatIsAsked(t *testing.T) {
	for _, how := range []string{"code", "agent", "trunk", "nobody"} {
		center := phones("UDP")
		out := store.Trunk{Peers: []string{"sip:" + addrC + ";transport=udp"}, CallerID: "+4930123", Trusted: true, Hide: how == "trunk"}
		center.Trunks["out"] = out
		center.Agents["1001"] = store.Agent{Outbound: []string{"out"}, Hide: how == "agent"}
		inBubble(t, center, func(b *bed) {
			B, C := b.newPeer("UDP", addrB), b.newPeer("UDP", addrC)
			secret := B.account("1001")
			B.register(secret, 600)
			number := "+4989777"
			if how == "code" {
				number = "*67" + number
			}
			B.callAs(secret, number, B.sdp(40000))
			inv := C.rings(time.Second).invite
			if got := inv.start; !strings.HasPrefix(got, "INVITE sip:+4989777@") {
				t.Errorf("%s: trunk got %q", how, got)
			}
			if got := strings.Contains(inv.get("From"), "+4930123"); got != (how == "nobody") {
				t.Errorf("%s: From %q", how, inv.get("From"))
			}
			if got := inv.get("P-Asserted-Identity"); !strings.Contains(got, "+4930123") {
				t.Errorf("%s: the trunk that is trusted learns %q", how, got)
			}
		})
	}
}

// trunk is a trunk as operators see it.
func (b *bed) trunk(id string) call.TrunkView {
	b.t.Helper()
	for _, v := range b.eng.Trunks() {
		if v.ID == id {
			return v
		}
	}
	b.t.Fatalf("no trunk %s", id)
	return call.TrunkView{}
}
