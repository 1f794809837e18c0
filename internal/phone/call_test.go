package phone

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
	"hotline/sip"
)

const ms = time.Millisecond

// network has the delay of a town.
var network = simnet.Options{Latency: 5 * ms, Jitter: 3 * ms}

func TestTwoPhonesHearEachOther(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		for _, codecs := range [][]uint8{{0}, {8}, {8, 0}} {
			t.Run(fmt.Sprint(transport, codecs), func(t *testing.T) {
				bubble(t, network, func(a, b *Config) {
					a.Transport, b.Transport, a.Codecs = transport, transport, codecs
					a.Name = "Ann \"Q\" Lee"
				}, func(p *pair, ctx context.Context) {
					began := time.Now()
					a, b := p.call(ctx)
					if got := time.Since(began); got < time.Second || got > 1100*ms {
						t.Errorf("answered after %v, want about 1 s", got)
					}
					select {
					case <-a.Ringing():
					default:
						t.Error("ann never heard of ringing")
					}
					if name, number := b.Screen(); name != `Ann "Q" Lee` || number != "ann" {
						t.Errorf("bob's screen: got %q %q, want the name and number of ann", name, number)
					}
					if a.Codec() != codecs[0] || b.Codec() != codecs[0] {
						t.Errorf("codecs: got %d and %d, want %d", a.Codec(), b.Codec(), codecs[0])
					}
					a.Tone(440)
					b.Tone(600)
					wait(ctx, 2*time.Second)
					for _, x := range []struct {
						c           *Call
						heard, self float64
					}{{a, 600, 440}, {b, 440, 600}} {
						if !x.c.HeardTone(x.heard, time.Time{}) {
							t.Errorf("%s did not hear %g Hz", x.c.p.cfg.User, x.heard)
						}
						if x.c.HeardTone(x.self, time.Time{}) {
							t.Errorf("%s heard himself", x.c.p.cfg.User)
						}
						if f := x.c.Dominant(time.Second); f < x.heard-3 || f > x.heard+3 {
							t.Errorf("dominant: got %g Hz, want %g", f, x.heard)
						}
						if s := x.c.Stats(); s.In < 98 || s.Out < 98 || s.Lost+s.Gaps+s.Strangers+s.Unknown > 0 || s.Sources != 1 {
							t.Errorf("stats: got %+v, want 100 packets each way and nothing odd", s)
						}
					}
					a.Hangup()
					<-a.Done()
					<-b.Done()
					if e := b.End(); !e.ByPeer || e.Why != "bye" || !e.Answered {
						t.Errorf("bob's end: got %+v, want a bye of ann's", e)
					}
					if e := a.End(); e.ByPeer || e.Why != "ended-by-us" {
						t.Errorf("ann's end: got %+v, want her own", e)
					}
				})
			})
		}
	}
}

func TestDigitsArriveByThreeMethods(t *testing.T) {
	for _, c := range []struct {
		name   string
		press  func(context.Context, *Call) error
		events bool
		method string
	}{
		{"events", func(ctx context.Context, c *Call) error { return c.Press(ctx, "129*0#D", 50*ms) }, true, "rfc4733"},
		{"info", func(ctx context.Context, c *Call) error { return c.PressInfo(ctx, "129*0#D", 50*ms) }, true, "info"},
		{"sound", func(ctx context.Context, c *Call) error { return c.Press(ctx, "129*0#D", 50*ms) }, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, network, func(a, b *Config) { b.NoEvents = !c.events }, func(p *pair, ctx context.Context) {
				a, b := p.call(ctx)
				began := time.Now()
				if err := c.press(ctx, a); err != nil {
					t.Fatal(err)
				}
				wait(ctx, 100*ms)
				if c.method == "" {
					got := keysHeard(b.Listen().Since(began))
					if got != "129*0#D" {
						t.Errorf("heard keys %q, want 129*0#D", got)
					}
					return
				}
				if got := b.DigitString(); got != "129*0#D" {
					t.Errorf("got digits %q, want 129*0#D", got)
				}
				for _, d := range b.Digits() {
					if d.Method != c.method {
						t.Errorf("got %c by %s, want %s", d.Rune, d.Method, c.method)
					}
				}
			})
		})
	}
}

// keysHeard finds key tones in a recording.
func keysHeard(r Recording) string {
	var out strings.Builder
	last := -1
	for at := 0; at+400 <= len(r.Samples); at += 80 {
		frame := r.Samples[at : at+400]
		best := -1
		for code := range keyNames {
			x, _ := Correlate(frame[:200], keySound(code)[:400])
			if x > 0.9 && (Recording{Samples: frame}).Loudness() > -30 {
				best = code
			}
		}
		if best >= 0 && best != last {
			out.WriteByte(keyNames[best])
		}
		last = best
	}
	return out.String()
}

func TestALostPacketLosesNoKeyAndAKeyIsReportedOnce(t *testing.T) {
	bubble(t, simnet.Options{Latency: 5 * ms, Loss: 0.2, Duplicate: 0.2, Seed: 3}, nil, func(p *pair, ctx context.Context) {
		a, b := p.call(ctx)
		if err := a.Press(ctx, "1234567890", 100*ms); err != nil {
			t.Fatal(err)
		}
		wait(ctx, 100*ms)
		if got := b.DigitString(); got != "1234567890" {
			t.Errorf("got %q, want 1234567890", got)
		}
		if s := b.Stats(); s.Lost == 0 || s.Duplicates == 0 {
			t.Errorf("stats: got %+v, want losses and duplicates counted", s)
		}
	})
}

func TestHoldStopsTheHeldSideAndResumeLetsItSpeakAgain(t *testing.T) {
	for _, how := range []Direction{SendOnly, Inactive, ZeroAddress, RecvOnly} {
		t.Run(string(how), func(t *testing.T) {
			bubble(t, network, nil, func(p *pair, ctx context.Context) {
				a, b := p.call(ctx)
				a.Tone(440)
				b.Tone(600)
				wait(ctx, time.Second)
				if err := a.Hold(ctx, how); err != nil {
					t.Fatal(err)
				}
				wait(ctx, 100*ms)
				held := time.Now()
				wait(ctx, time.Second)
				if got, want := b.HeardTone(440, held), how == SendOnly || how == ZeroAddress; got != want {
					t.Errorf("bob hears ann: got %v, want %v", got, want)
				}
				if got, want := a.HeardTone(600, held), how == RecvOnly; got != want {
					t.Errorf("ann hears bob: got %v, want %v", got, want)
				}
				if got, want := b.Held(), how != RecvOnly; got != want {
					t.Errorf("bob is held: got %v, want %v", got, want)
				}
				if err := a.Resume(ctx); err != nil {
					t.Fatal(err)
				}
				wait(ctx, 100*ms)
				back := time.Now()
				wait(ctx, time.Second)
				if !a.HeardTone(600, back) || !b.HeardTone(440, back) || b.Held() {
					t.Error("no sound both ways after resume")
				}
			})
		})
	}
}

func TestTheCodecChangesInTheMiddleOfACall(t *testing.T) {
	bubble(t, network, nil, func(p *pair, ctx context.Context) {
		a, b := p.call(ctx)
		b.Tone(600)
		if err := b.Reoffer(ctx, 8); err != nil {
			t.Fatal(err)
		}
		if a.Codec() != 8 || b.Codec() != 8 {
			t.Errorf("codecs: got %d and %d, want 8", a.Codec(), b.Codec())
		}
		from := time.Now()
		wait(ctx, time.Second)
		if !a.HeardTone(600, from) {
			t.Error("no tone in the new codec")
		}
		a.RefuseOffers(true)
		if err := b.Reoffer(ctx, 0); err == nil {
			t.Error("a refused re-INVITE gave no error")
		}
		from = time.Now()
		wait(ctx, time.Second)
		if b.Codec() != 8 || !a.HeardTone(600, from) {
			t.Error("the old session does not stand after a refused offer")
		}
	})
}

func TestALateOfferIsAnsweredInTheACK(t *testing.T) {
	bubble(t, network, func(a, b *Config) { a.LateOffer = true }, func(p *pair, ctx context.Context) {
		a, b := p.call(ctx)
		if b.Incoming().HasOffer {
			t.Error("the INVITE has an offer")
		}
		a.Tone(440)
		b.Tone(600)
		wait(ctx, time.Second)
		if !a.HeardTone(600, time.Time{}) || !b.HeardTone(440, time.Time{}) {
			t.Error("no sound both ways")
		}
	})
}

func TestPoliciesOfIncomingCalls(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy Policy
		status int
		rings  bool
		early  bool
	}{
		{"reject", RejectAfter(0, 486), 486, false, false},
		{"ring, then reject", RejectAfter(2*time.Second, 603), 603, true, false},
		{"early media, then busy", EarlyMedia(425, 2*time.Second, 486), 486, true, true},
		{"early media, then answer", EarlyMedia(425, 2*time.Second, 0), 0, true, true},
		{"ring for ever", RingForever(), -1, true, false},
		{"answer and speak", AnswerAfter(time.Second).Speaking(425), 0, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, network, func(a, b *Config) { b.Policy, a.Require100rel = c.policy, c.early }, func(p *pair, ctx context.Context) {
				a, err := p.ann.Call(ctx, p.bobURI)
				if err != nil {
					t.Fatal(err)
				}
				wait(ctx, 1500*ms)
				if c.early && !a.HeardTone(425, time.Time{}) {
					t.Error("no early media heard")
				}
				wait(ctx, 10*time.Second)
				rang := false
				select {
				case <-a.Ringing():
					rang = true
				default:
				}
				if rang != c.rings || a.Early() != c.early {
					t.Errorf("rang %v, early %v; want %v, %v", rang, a.Early(), c.rings, c.early)
				}
				e := a.End()
				switch {
				case c.status < 0 && a.Over():
					t.Errorf("ended: %v", e)
				case c.status == 0 && (a.Over() || !a.HeardTone(425, time.Time{})):
					t.Errorf("over %v (%v), or no tone heard; want an answered call with a tone", a.Over(), e)
				case c.status > 0 && e.Status != c.status:
					t.Errorf("got %v, want %d", e, c.status)
				}
				a.Hangup()
				<-a.Done()
			})
		})
	}
}

func TestTheEndOfTheContextCancelsACallThatRings(t *testing.T) {
	bubble(t, network, nil, func(p *pair, ctx context.Context) {
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		if _, err := p.ann.Call(short, p.bobURI); err != nil {
			t.Fatal(err)
		}
		b, err := p.bob.Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		b.Ring()
		<-b.Done()
		if e := b.End(); e.Why != "cancel" || e.Answered {
			t.Errorf("got %+v, want a cancel", e)
		}
	})
}

func TestAPhoneThatDiesIsSilent(t *testing.T) {
	bubble(t, network, nil, func(p *pair, ctx context.Context) {
		a, b := p.call(ctx)
		b.Tone(600)
		wait(ctx, time.Second)
		p.bob.Die()
		from := time.Now().Add(20 * ms)
		wait(ctx, time.Second)
		if a.HeardTone(600, from) || a.Over() {
			t.Error("a dead phone is heard, or said goodbye")
		}
	})
}

func TestAudioFromElsewhereIsNotHeard(t *testing.T) {
	bubble(t, network, nil, func(p *pair, ctx context.Context) {
		a, b := p.call(ctx)
		_, _ = a, b
		pc, err := p.net.ListenPacket("10.0.0.66:4000")
		if err != nil {
			t.Fatal(err)
		}
		defer pc.Close()
		buf := make([]byte, rtpHeader+frameLen)
		header{pt: 0, ssrc: 66}.put(buf)
		if _, err := pc.WriteTo(buf, a.s.pc.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		wait(ctx, 100*ms)
		if s := a.Stats(); s.Strangers != 1 || s.Sources != 1 {
			t.Errorf("got %+v, want 1 stranger and 1 source", s)
		}
	})
}

func TestAPhoneBehindNATIsAnsweredWhereItsPacketsComeFrom(t *testing.T) {
	bubble(t, network, func(a, b *Config) {
		a.Private = netip.MustParseAddr("192.168.7.7") // nobody is there
		b.Symmetric = true
	}, func(p *pair, ctx context.Context) {
		a, b := p.call(ctx)
		if !strings.Contains(b.PeerSDP(), "192.168.7.7") {
			t.Errorf("ann tells %q, want her private address", b.PeerSDP())
		}
		b.Tone(600)
		a.Tone(440)
		wait(ctx, time.Second)
		if !a.HeardTone(600, time.Time{}) || !b.HeardTone(440, time.Time{}) {
			t.Error("no sound both ways")
		}
		a.Hangup()
		<-b.Done()
	})
}

func TestRegistrationIsGrantedRefusedAndRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(network)
		ctx, stop := context.WithCancel(t.Context())
		pc, err := n.ListenPacket("10.0.0.9:5060")
		if err != nil {
			t.Fatal(err)
		}
		registrar, err := sip.New(sip.Config{Packet: []net.PacketConn{pc}, Accounts: func(user string) (sip.Account, bool) {
			return sip.Account{User: user, HA1SHA256: sip.HA1("SHA-256", user, "hotline", "right")}, user == "ann"
		}})
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); registrar.Run(ctx) }()
		defer func() { stop(); <-ended }()
		c := config(t, n, "10.0.0.1", "ann")
		c.Registrar, c.Secret = "10.0.0.9:5060", "right"
		ann := run(t, ctx, c)
		if err := ann.Register(ctx); err != nil {
			t.Fatal(err)
		}
		if got := registrar.Contacts("ann"); len(got) != 1 || got[0].Addr.String() != "10.0.0.1:5060" {
			t.Errorf("bindings: got %v, want ann at 10.0.0.1:5060", got)
		}
		wait(ctx, time.Hour)
		if got := registrar.Contacts("ann"); len(got) != 1 || !ann.Registration().Registered {
			t.Errorf("after an hour: got %v, want the binding refreshed", got)
		}
		ann.Unregister()
		wait(ctx, time.Second)
		if got := registrar.Contacts("ann"); len(got) != 0 {
			t.Errorf("after Unregister: got %v, want none", got)
		}
		c = config(t, n, "10.0.0.2", "ann")
		c.Registrar, c.Secret = "10.0.0.9:5060", "wrong"
		if err := run(t, ctx, c).Register(ctx); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("wrong secret: got %v, want 401", err)
		}
	})
}
