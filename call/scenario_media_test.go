package call_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/media"
)

// audible is a call in talk with audio at both ends.
func audible(b *bed, A, B *peer) (a, leg *dialog, sa, sb *sound) {
	b.t.Helper()
	sa, sb = b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
	a = A.call("4002", A.sdp(30000))
	leg = B.rings(time.Second)
	leg.accept(40000)
	sa.to = audioAt(b.t, a.answered(time.Second).body)
	sb.to = audioAt(b.t, leg.invite.body)
	return a, leg, sa, sb
}

func TestScenario06EarlyMediaThenBusy(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000))
		early := a.response(183, "INVITE", time.Second)
		sa.to = audioAt(t, early.body)
		converse(500*time.Millisecond, map[*sound]float64{sb: 700})
		sa.hears(media.PCMU, 700)
		leg.reply(leg.invite, 486, "Busy Here", "")
		leg.gets("ACK", time.Second)
		busy := a.refused(486, time.Second)
		if got, want := busy.param("To", "tag"), early.param("To", "tag"); got != want || got == "" {
			t.Errorf("tag of the 486 is %q, of the 183 %q", got, want)
		}
		sa.forget()
		converse(200*time.Millisecond, map[*sound]float64{sb: 700})
		sa.hearsNothing()
		c := b.wantTrace("wait direct; offer 1: busy; end: Busy Here")
		if c.Cause.Status != 486 || c.Cause.Blame != "agent" {
			t.Errorf("got cause %+v, want 486 of the agent", c.Cause)
		}
	})
}

func TestScenario07HoldAndResume(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		converse(200*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		for _, side := range []struct {
			name      string
			d         *dialog
			p         *peer
			port      int
			own, held *sound
			hz        float64 // of the held side
			law       media.Codec
		}{{"caller", a, A, 30000, sa, sb, 700, 0}, {"agent", leg, B, 40000, sb, sa, 500, 0}} {
			last := 0
			for i, step := range []struct {
				lines []string
				want  string
			}{
				{[]string{"a=sendonly"}, "recvonly"}, {[]string{"a=sendonly"}, "recvonly"},
				{[]string{"a=inactive"}, "inactive"}, {[]string{"a=sendrecv"}, "sendrecv"},
				{[]string{"a=sendrecv"}, "sendrecv"}, {[]string{"a=recvonly"}, "sendonly"},
				{nil, "sendrecv"}, {[]string{"c=IN IP4 0.0.0.0"}, ""}, {nil, "sendrecv"},
			} {
				body := strings.Replace(side.p.sdp(side.port, step.lines...), "o=- 1 1", fmt.Sprintf("o=- 1 %d", i+2), 1)
				side.d.do("INVITE", body)
				ok := side.d.response(200, "INVITE", 500*time.Millisecond)
				side.d.ack("")
				got := direction(ok.body)
				if got != step.want && (step.want != "" || got == "sendrecv") {
					t.Errorf("%s: answer to %v is %s, want %s", side.name, step.lines, got, step.want)
				}
				if i > 0 {
					same := i == 1 || i == 4
					if grew := version(ok.body) - last; grew != 1 && !same || grew != 0 && same {
						t.Errorf("%s: version grew by %d at step %d", side.name, grew, i)
					}
				}
				last = version(ok.body)
				time.Sleep(100 * time.Millisecond)
				sa.forget()
				sb.forget()
				switch {
				case got == "recvonly" || got == "inactive": // held: music to the other side
					converse(time.Second, map[*sound]float64{side.held: side.hz})
					side.held.hearsMusic(time.Second, side.hz)
					side.own.hearsNothing()
				case got == "sendrecv":
					converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
					sa.hears(media.PCMU, 700)
					sb.hears(media.PCMU, 500)
				case got == "sendonly":
					converse(300*time.Millisecond, map[*sound]float64{side.held: side.hz})
					side.own.hears(media.PCMU, side.hz)
				}
			}
		}
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestScenario09LateOffer(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4002", "")
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		leg.accept(40000)
		ok := a.response(200, "INVITE", time.Second)
		sa.to = audioAt(t, ok.body)
		a.learn(ok)
		a.ack(A.sdp(30000))
		time.Sleep(100 * time.Millisecond)
		converse(500*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(media.PCMU, 700)
		sb.hears(media.PCMU, 500)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
	})
}

func TestALateOfferIsAnsweredInAQueueToo(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa := b.newSound("10.0.0.2:30000")
		a := A.call("4001", "")
		ok := a.response(200, "INVITE", time.Second)
		sa.to = audioAt(t, ok.body)
		a.learn(ok)
		a.ack(A.sdp(30000))
		leg := B.rings(time.Second)
		sa.forget()
		converse(time.Second, map[*sound]float64{sa: 500})
		sa.hearsMusic(time.Second, 500)
		leg.accept(40000)
		a.bye()
		leg.hungUp(time.Second)
		b.wantTrace("wait sales; offer 1: answered; talk; end: caller hung up")
	})
}

func TestALateOfferWithoutAnAnswerEndsTheCall(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a := A.call("4002", "")
		leg := B.rings(time.Second)
		leg.accept(40000)
		a.answered(time.Second) // its ACK has no description
		a.hungUp(time.Second)
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestEarlyMediaReachesTheCallerBeforeTheAnswer(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		a := A.call("4002", A.sdp(30000))
		leg := B.rings(time.Second)
		sb.to = audioAt(t, leg.invite.body)
		leg.reply(leg.invite, 183, "Session Progress", B.sdp(40000))
		sa.to = audioAt(t, a.response(183, "INVITE", time.Second).body)
		converse(300*time.Millisecond, map[*sound]float64{sb: 700})
		sa.hears(media.PCMU, 700)
		leg.reply(leg.invite, 200, "OK", B.sdp(40000))
		leg.acked(time.Second)
		ok := a.answered(time.Second)
		if audioAt(t, ok.body) != sa.to {
			t.Errorf("audio is at %v in the 200, was at %v in the 183", audioAt(t, ok.body), sa.to)
		}
		sa.forget()
		sb.forget()
		converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(media.PCMU, 700)
		sb.hears(media.PCMU, 500)
		leg.bye()
		a.hungUp(time.Second)
		b.wantTrace("wait direct; offer 1: answered; talk; end: agent hung up")
	})
}

func TestCodecsMayDifferAndChangeInTalk(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		only := func(p *peer, port int, law media.Codec, version int) string {
			s := strings.Replace(p.sdp(port), "RTP/AVP 0 8 101", fmt.Sprintf("RTP/AVP %d 101", law), 1)
			return strings.Replace(s, "o=- 1 1", fmt.Sprintf("o=- 1 %d", version), 1)
		}
		a := A.call("4002", only(A, 30000, media.PCMA, 1))
		leg := B.rings(time.Second)
		sb.to, sb.law = audioAt(t, leg.invite.body), media.PCMU
		leg.reply(leg.invite, 200, "OK", only(B, 40000, media.PCMU, 1))
		leg.acked(time.Second)
		sa.to, sa.law = audioAt(t, a.answered(time.Second).body), media.PCMA
		converse(500*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(media.PCMA, 700)
		sb.hears(media.PCMU, 500)

		a.do("INVITE", only(A, 30000, media.PCMU, 2))
		ok := a.response(200, "INVITE", 500*time.Millisecond)
		a.ack("")
		if strings.Contains(ok.body, "RTP/AVP 8") {
			t.Errorf("answer still has PCMA first: %q", ok.body)
		}
		sa.law = media.PCMU
		time.Sleep(100 * time.Millisecond)
		sa.forget()
		sb.forget()
		converse(500*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(media.PCMU, 700)
		sb.hears(media.PCMU, 500)

		leg.do("INVITE", only(B, 40000, media.PCMA, 2))
		leg.response(200, "INVITE", 500*time.Millisecond)
		leg.ack("")
		sb.law = media.PCMA
		time.Sleep(100 * time.Millisecond)
		sa.forget()
		sb.forget()
		converse(500*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(media.PCMU, 700)
		sb.hears(media.PCMA, 500)
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestDigitsGoThroughByTelephoneEvents(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, sa, sb := audible(b, A, B)
		converse(200*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.forget()
		sb.forget()
		sa.digit(5)
		sb.digit(9)
		time.Sleep(200 * time.Millisecond)
		for _, x := range []struct {
			s    *sound
			want byte
		}{{sb, 5}, {sa, 9}} {
			ends, stamps := 0, map[uint32]bool{}
			for _, p := range x.s.packets() {
				if p.kind != 101 {
					continue
				}
				stamps[p.ts] = true
				if p.payload[0] != x.want {
					t.Errorf("got event %d, want %d", p.payload[0], x.want)
				}
				if p.payload[1]&0x80 != 0 {
					ends++
				}
			}
			if len(stamps) != 1 || ends == 0 {
				t.Errorf("%v: got %d key presses with %d ends, want one", x.s.pc.LocalAddr(), len(stamps), ends)
			}
		}
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestInfoDigitsBecomeTelephoneEvents(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		a, leg, _, sb := audible(b, A, B)
		sb.forget()
		a.info("application/dtmf-relay", "Signal=7\r\nDuration=160\r\n")
		a.response(200, "INFO", time.Second)
		time.Sleep(400 * time.Millisecond)
		n := 0
		for _, p := range sb.packets() {
			if p.kind == 101 && p.payload[0] == 7 {
				n++
			}
		}
		if n == 0 {
			t.Error("the agent got no telephone-event for the caller's INFO")
		}
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}

func TestPayloadNumbersMayDifferOnTheLegs(t *testing.T) {
	overBoth(t, func(b *bed, A, B *peer) {
		sa, sb := b.newSound("10.0.0.2:30000"), b.newSound("10.0.0.3:40000")
		sa.law, sa.kind, sa.keys = media.PCMA, 97, 98
		odd := strings.Replace(A.sdp(30000), "RTP/AVP 0 8 101", "RTP/AVP 97 98", 1)
		odd = strings.Replace(odd, "a=rtpmap:101", "a=rtpmap:97 PCMA/8000\r\na=rtpmap:98", 1)
		a := A.call("4002", odd)
		leg := B.rings(time.Second)
		leg.accept(40000)
		ok := a.answered(time.Second)
		sa.to, sb.to = audioAt(t, ok.body), audioAt(t, leg.invite.body)
		converse(300*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		sa.hears(media.PCMA, 700)
		sb.hears(media.PCMU, 500)
		sa.forget()
		sb.forget()
		sa.digit(3)
		sb.digit(4)
		time.Sleep(200 * time.Millisecond)
		for _, x := range []struct {
			s           *sound
			kind, digit uint8
		}{{sa, 98, 4}, {sb, 101, 3}} {
			n := 0
			for _, p := range x.s.packets() {
				if p.kind == x.kind && p.payload[0] == x.digit {
					n++
				}
			}
			if n == 0 {
				t.Errorf("%v got no event %d of type %d", x.s.pc.LocalAddr(), x.digit, x.kind)
			}
		}
		a.bye()
		leg.hungUp(time.Second)
		b.oneCDR()
	})
}
