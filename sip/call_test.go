package sip

import (
	"testing"
)

func TestBasicCall(t *testing.T) {
	t.Run("a caller is answered and hangs up", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			p.send(p.ask("INVITE", "c1", "1", ";tag=b", "", 1, "their offer"))
			p.want("100 INVITE")
			l := r.call(0)
			if l.in.Number != "4000" || l.in.From.User != "bob" || l.in.Peer.Trunk != "lan" || !l.in.HasOffer {
				t.Fatalf("incoming %+v", l.in)
			}
			l.Ring()
			ring := p.want("180 INVITE")
			l.Answer(l.media)
			ok := p.want("200 INVITE")
			if ring.toTag == "" || ring.toTag != ok.toTag {
				t.Fatalf("To tags %q in 180 and %q in 200, want one", ring.toTag, ok.toTag)
			}
			if ok.body != "us answer to their offer\r\n" {
				t.Fatalf("answer %q", ok.body)
			}
			p.send(p.ask("ACK", "c1", "a", ";tag=b", ";tag="+ok.toTag, 1, ""))
			event[Answered](t, l)
			p.send(p.ask("BYE", "c1", "2", ";tag=b", ";tag="+ok.toTag, 2, "", `Reason: Q.850;cause=16;text="bye"`))
			p.want("200 BYE")
			e := event[Ended](t, l)
			if !e.ByPeer || e.Why != "bye" || e.Cause.Q850 != 16 {
				t.Fatalf("ended %+v", e)
			}
			p.silent(40e9)
			l.quiet(t)
		})
	})
	t.Run("we call, are answered and hang up", func(t *testing.T) {
		bubble(t, nil, func(r *rig) {
			p := r.udp("10.0.0.2:5060")
			l := r.dial(nil, "sip:bob@10.0.0.2")
			inv := p.want("INVITE")
			if inv.target != "sip:bob@10.0.0.2" || inv.body != "us offer 1\r\n" {
				t.Fatalf("INVITE %q %q", inv.target, inv.body)
			}
			p.send(p.answer(inv, 180, "b", ""))
			if e := event[Ringing](t, l); e.Status != 180 || e.Early {
				t.Fatalf("ringing %+v", e)
			}
			p.send(p.answer(inv, 200, "b", "their answer"))
			ack := p.want("ACK")
			if ack.toTag != "b" || ack.cseq != inv.cseq || ack.via.branch == inv.via.branch {
				t.Fatalf("ACK tag %q, CSeq %d, branch as the INVITE's %v", ack.toTag, ack.cseq, ack.via.branch == inv.via.branch)
			}
			event[Answered](t, l)
			l.End(Cause{})
			bye := p.want("BYE")
			if bye.target != "sip:bob@10.0.0.2:5060" || bye.cseq != inv.cseq+1 {
				t.Fatalf("BYE to %s, CSeq %d", bye.target, bye.cseq)
			}
			p.send(p.answer(bye, 200, "", ""))
			if e := event[Ended](t, l); e.ByPeer || e.Why != "ended-by-us" {
				t.Fatalf("ended %+v", e)
			}
			p.silent(40e9)
			l.quiet(t)
		})
	})
}
