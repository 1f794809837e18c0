package media

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// brokenSocket stands for a programming error on the way of a packet.
type brokenSocket struct{ deafSocket }

func (*brokenSocket) send([]byte, netip.AddrPort) error { panic("broken") }

func TestAPanicEndsItsOwnLegOnly(t *testing.T) {
	s, a, b := quiet()
	var closed []LegID
	s.e.cfg.Events = func(ev Event) {
		if c, ok := ev.(Closed); ok {
			closed = append(closed, c.Leg)
		}
	}
	for i, id := range []LegID{"c", "d"} {
		l := newLeg(id)
		l.sock, l.port = &brokenSocket{}, 4
		s.do(opened{l})
		s.do(SetRemote{Leg: id, Addr: source(2 + i), Send: true, Receive: true})
	}
	// c panics at a packet that goes to d, d at its own clock.
	s.do(Seat{Bridge: "y", Leg: "c"})
	s.do(Seat{Bridge: "y", Leg: "d"})
	s.deliver(s.legs["c"], speech(), source(2), 0)
	s.do(Play{Leg: "a", ID: 1, Tone: Tone{Kind: ToneBusy}})
	s.do(Play{Leg: "d", ID: 2, Tone: Tone{Kind: ToneBusy}})
	s.now = 40 * time.Millisecond
	s.tick()
	if !reflect.DeepEqual(closed, []LegID{"c", "d"}) {
		t.Errorf("got %v closed, want c and d", closed)
	}
	if got := s.stats.Panics.Load(); got != 2 {
		t.Errorf("got %d panics counted, want 2", got)
	}
	if a.out == 0 || len(s.clocked) != 1 {
		t.Errorf("got %d packets to a and %d legs on the clock, want some and 1", a.out, len(s.clocked))
	}
	s.deliver(b, speech(), source(1), time.Second)
	if b.in != 1 {
		t.Error("the other bridge does not go on")
	}
}

func TestAPanicInAMixEmptiesItsBridgeOnly(t *testing.T) {
	s, a, _ := quiet()
	c := newLeg("c")
	c.sock, c.port = &brokenSocket{}, 4
	s.do(opened{c})
	s.do(SetRemote{Leg: "c", Addr: source(2), Send: true, Receive: true})
	s.do(Seat{Bridge: "x", Leg: "c", Role: Listener})
	s.now = 40 * time.Millisecond
	s.tick()
	if len(s.bridges) != 0 || len(s.mixing) != 0 || s.stats.Panics.Load() != 1 || a.closed {
		t.Errorf("got %d bridges, %d mixing, %d panics", len(s.bridges), len(s.mixing), s.stats.Panics.Load())
	}
}

// Commands shall cross a process boundary one day.
func TestEveryCommandIsAPlainValue(t *testing.T) {
	for _, c := range []Command{
		SetRemote{Leg: "a", Addr: netip.MustParseAddrPort("[::1]:4000"), Control: netip.MustParseAddrPort("[::1]:4007"), Mux: true, Codec: PCMA,
			AudioType: 97, EventType: 96, EventIn: 101, Send: true, Receive: true, PTime: 30 * time.Millisecond,
			Latch: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, InBandDTMF: true,
			SRTP: SRTP{Suite: "AEAD_AES_256_GCM", Ours: []byte{1}, Theirs: []byte{2}, MKI: []byte{3}}},
		Play{"a", 7, []ClipID{"x", "y"}, Tone{ToneSine, 440, 480.5, time.Second}, true, true},
		Stop{"a", 7}, Seat{"b", "a", Barger}, Leave{"a"},
		Record{"r", "/x.wav", "a", "b", time.Second}, Tap{"r", "a", "b"}, Pause{"r", true}, Finish{"r"},
		SendDigit{"a", '#', time.Second}, MaskDigits{"a", true}, Close{"a"},
	} {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		back := reflect.New(reflect.TypeOf(c))
		if err := json.Unmarshal(b, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), c) {
			t.Errorf("got %v %v, want %v", back.Elem(), err, c)
		}
	}
}

func TestCommandsForWhomNobodyKnowsAreCounted(t *testing.T) {
	s, _, _ := quiet()
	for _, c := range []Command{
		SetRemote{Leg: "?"}, Stop{Leg: "?"}, Seat{Leg: "?"}, Leave{"?"}, SendDigit{Leg: "?"}, Close{"?"},
		Tap{ID: "?"}, Pause{ID: "?"}, Finish{"?"}, Seat{Leg: "a", Role: 99},
	} {
		s.do(c)
	}
	if got := s.stats.UnknownIDs.Load(); got != 10 {
		t.Errorf("got %d, want 10", got)
	}
}
