package call_test

import (
	"strings"
	"testing"
	"time"

	"hotline/store"
)

func TestOneWayAudioIsShownInTheViewTheRecordTheLogAndTheFigures(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		converse(6*time.Second, map[*sound]float64{sa: 500, sb: 700})
		if v := b.eng.Calls()[0]; len(v.Silent) != 0 {
			t.Errorf("while both talk: got %+v, want nobody silent", v.Silent)
		}
		converse(8*time.Second, map[*sound]float64{sa: 500}) // B is not heard
		v := b.eng.Calls()[0]
		if len(v.Silent) != 1 || v.Silent[0].Leg == "caller" || v.Silent[0].Peer == "" || time.Since(v.Silent[0].Since) < 8*time.Second-100*time.Millisecond {
			t.Errorf("while B is silent: got %+v, want B's leg, for 8 s", v.Silent)
		}
		if n := b.eng.Status().Media.Silences; n != 1 {
			t.Errorf("got %d silences in the figures, want 1", n)
		}
		converse(2*time.Second, map[*sound]float64{sa: 500, sb: 700})
		if v := b.eng.Calls()[0]; len(v.Silent) != 0 {
			t.Errorf("when B is heard again: got %+v, want nobody silent", v.Silent)
		}
		a.bye()
		leg.hungUp(time.Second)
		for _, l := range b.oneCDR().Legs {
			if got, want := l.Silent, l.Role != "caller"; (got >= store.Duration(5*time.Second) && got <= store.Duration(9*time.Second)) != want {
				t.Errorf("record of the %s: got a silence of %s, want one: %v", l.Role, got, want)
			}
		}
		log := b.log.String()
		if strings.Count(log, `msg="leg is silent"`) != 1 || strings.Count(log, `msg="leg is heard again"`) != 1 {
			t.Errorf("log: want one line for the silence and one for its end:\n%s", log)
		}
	})
}

func TestTheMediaPlanesCountersAreExported(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		converse(2*time.Second, map[*sound]float64{sa: 500, sb: 700})
		all, err := b.eng.Metrics().Gather()
		must(t, err)
		got := map[string]float64{}
		for _, f := range all {
			if m := f.GetMetric()[0]; strings.HasPrefix(f.GetName(), "hotline_media_") {
				got[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
				if strings.HasPrefix(f.GetHelp(), "Field ") {
					t.Errorf("%s has no help of its own", f.GetName())
				}
			}
		}
		for name, least := range map[string]float64{"legs": 2, "bridges": 1, "recordings": 0, "packets_in_total": 150, "packets_out_total": 150,
			"lost_total": 0, "late_total": 0, "strangers_total": 0, "malformed_total": 0, "no_ports_total": 0, "record_drops_total": 0,
			"mix_underruns_total": 0, "mix_frames_total": 0, "rtcp_out_total": 0, "ssrcs_total": 0, "unknown_pt_total": 0, "srtp_bad_total": 0} {
			if v, ok := got["hotline_media_"+name]; !ok || v < least {
				t.Errorf("hotline_media_%s: got %v, there %v, want %v at least", name, v, ok, least)
			}
		}
		if m := b.eng.Status().Media; m.Legs != 2 || m.PacketsIn < 150 || m.PacketsOut < 150 {
			t.Errorf("status: got %+v, want two legs and their packets", m)
		}
		a.bye()
		leg.hungUp(time.Second)
	})
}
