package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	pion "github.com/pion/sdp/v3"
)

var here = Local{Addr: netip.MustParseAddrPort("192.0.2.10:10000"), Events: true}

// body joins lines to a description that begins with a usual session level.
func body(lines ...string) []byte {
	head := []string{"v=0", "o=- 1 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0"}
	return []byte(strings.Join(append(head, lines...), "\r\n") + "\r\n")
}

func reparse(t *testing.T, b []byte) *pion.SessionDescription {
	t.Helper()
	var d pion.SessionDescription
	if err := d.Unmarshal(b); err != nil {
		t.Fatalf("pion can't read ours: %v\n%s", err, b)
	}
	return &d
}

func has(t *testing.T, b []byte, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if !strings.Contains("\r\n"+string(b), "\r\n"+l+"\r\n") {
			t.Errorf("no line %q in\n%s", l, b)
		}
	}
}

func TestAnswerTakesTheFirstCommonCodecAndTheirEventNumber(t *testing.T) {
	both := []uint8{PCMU, PCMA}
	for _, c := range []struct {
		name   string
		codecs []uint8
		events bool
		media  []string
		codec  uint8
		number uint8
		event  uint8
		line   string
	}{
		{"static, no rtpmap", both, true, []string{"m=audio 4000 RTP/AVP 0 8"}, 0, 0, 0, "m=audio 10000 RTP/AVP 0"},
		{"their order counts", both, true, []string{"m=audio 4000 RTP/AVP 8 0"}, 8, 8, 0, "m=audio 10000 RTP/AVP 8"},
		{"only what we speak", []uint8{PCMA}, true, []string{"m=audio 4000 RTP/AVP 0 8"}, 8, 8, 0, "m=audio 10000 RTP/AVP 8"},
		{"others are skipped", both, true, []string{"m=audio 4000 RTP/AVP 96 9 18 8", "a=rtpmap:96 opus/48000/2"}, 8, 8, 0, "m=audio 10000 RTP/AVP 8"},
		{"events at 101", both, true, []string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"}, 0, 0, 101, "m=audio 10000 RTP/AVP 0 101"},
		{"events at 96, case-blind", both, true, []string{"m=audio 4000 RTP/AVP 96 8", "a=rtpmap:96 Telephone-Event/8000", "a=rtpmap:8 pcma/8000"}, 8, 8, 96, "m=audio 10000 RTP/AVP 8 96"},
		{"events of another clock are not ours", both, true, []string{"m=audio 4000 RTP/AVP 0 110 97", "a=rtpmap:110 telephone-event/48000", "a=rtpmap:97 telephone-event/8000/1"}, 0, 0, 97, "m=audio 10000 RTP/AVP 0 97"},
		{"events we do not want", both, false, []string{"m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"}, 0, 0, 0, "m=audio 10000 RTP/AVP 0"},
		{"events not in the format list", both, true, []string{"m=audio 4000 RTP/AVP 0", "a=rtpmap:101 telephone-event/8000"}, 0, 0, 0, "m=audio 10000 RTP/AVP 0"},
		{"dynamic number", both, true, []string{"m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/8000/1"}, 8, 97, 0, "m=audio 10000 RTP/AVP 97"},
		{"wide-band PCMU is another codec", both, true, []string{"m=audio 4000 RTP/AVP 97 8", "a=rtpmap:97 PCMU/16000"}, 8, 8, 0, "m=audio 10000 RTP/AVP 8"},
		{"static number mapped elsewhere", both, true, []string{"m=audio 4000 RTP/AVP 0 8", "a=rtpmap:0 L16/44100"}, 8, 8, 0, "m=audio 10000 RTP/AVP 8"},
		{"AVPF is kept", both, true, []string{"m=audio 4000 RTP/AVPF 0"}, 0, 0, 0, "m=audio 10000 RTP/AVPF 0"},
		{"port with count", both, true, []string{"m=audio 4000/2 RTP/AVP 0"}, 0, 0, 0, "m=audio 10000 RTP/AVP 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := here
			l.Codecs, l.Events = c.codecs, c.events
			b, r, err := New(l).Answer(body(c.media...), SendRecv)
			if err != nil {
				t.Fatal(err)
			}
			want := Remote{Addr: netip.MustParseAddrPort("198.51.100.7:4000"), Codec: c.codec, PayloadType: c.number,
				EventType: c.event, PTime: 20 * time.Millisecond, Send: true, Receive: true}
			if r != want {
				t.Errorf("got %+v\nwant %+v", r, want)
			}
			has(t, b, c.line, "a=sendrecv", "a=ptime:20", "c=IN IP4 192.0.2.10",
				fmt.Sprintf("a=rtpmap:%d %s/8000", c.number, codecNames[c.codec]))
			reparse(t, b)
		})
	}
}

func TestDirectionsFollowTheTableOfRFC3264(t *testing.T) {
	all := []Direction{SendRecv, SendOnly, RecvOnly, Inactive}
	// answers[theirs][wanted by us], section 6.1.
	answers := [4][4]Direction{
		SendRecv: {SendRecv, SendOnly, RecvOnly, Inactive},
		SendOnly: {RecvOnly, Inactive, RecvOnly, Inactive},
		RecvOnly: {SendOnly, SendOnly, Inactive, Inactive},
		Inactive: {Inactive, Inactive, Inactive, Inactive},
	}
	for _, theirs := range all {
		for _, want := range all {
			for _, level := range []string{"session", "media"} {
				media, session := "a="+theirs.String(), "a=sendrecv"
				if level == "session" {
					media, session = "a=x", media
				}
				b, r, err := New(here).Answer(body(session, "m=audio 4000 RTP/AVP 0", media), want)
				if err != nil {
					t.Fatal(err)
				}
				d := answers[theirs][want]
				has(t, b, "a="+d.String())
				held := theirs == SendOnly || theirs == Inactive
				if r.Send != d.sends() || r.Receive != d.receives() || r.Held != held {
					t.Errorf("%s %v, want %v: got send %v receive %v held %v", level, theirs, want, r.Send, r.Receive, r.Held)
				}
			}
		}
	}
	// Their answer to our offer: who answers more than was offered gets only that.
	for _, c := range []struct {
		ours, theirs        Direction
		send, receive, held bool
	}{
		{SendRecv, SendRecv, true, true, false},
		{SendRecv, SendOnly, false, true, true},
		{SendRecv, RecvOnly, true, false, false},
		{SendRecv, Inactive, false, false, true},
		{SendOnly, RecvOnly, true, false, false},
		{SendOnly, SendRecv, true, false, false},
		{SendOnly, Inactive, false, false, true},
		{RecvOnly, SendOnly, false, true, false},
		{RecvOnly, Inactive, false, false, false},
		{Inactive, Inactive, false, false, false},
		{Inactive, SendRecv, false, false, false},
	} {
		s := New(here)
		has(t, s.Offer(c.ours), "a="+c.ours.String())
		r, err := s.Accept(body("m=audio 4000 RTP/AVP 0", "a="+c.theirs.String()))
		if err != nil || r.Send != c.send || r.Receive != c.receive || r.Held != c.held {
			t.Errorf("offer %v, answer %v: got %+v, %v, want %+v", c.ours, c.theirs, r, err, c)
		}
	}
}

func TestHoldTheOldWayIsAnAddressOfZeros(t *testing.T) {
	six := here
	six.Addr = netip.MustParseAddrPort("[2001:db8::1]:10000")
	for _, c := range []struct {
		l    Local
		line string
	}{{here, "c=IN IP4 0.0.0.0"}, {six, "c=IN IP6 ::"}, {six, "c=IN IP4 0.0.0.0"}} {
		b, r, err := New(c.l).Answer(body("m=audio 4000 RTP/AVP 0", c.line), SendRecv)
		if err != nil {
			t.Fatal(err)
		}
		has(t, b, "a=recvonly")
		if !r.Held || r.Send || !r.Receive || !r.Addr.Addr().IsUnspecified() {
			t.Errorf("%s: got %+v, want held, receive only", c.line, r)
		}
		s := New(c.l)
		s.Offer(SendRecv)
		if r, err := s.Accept(body("m=audio 4000 RTP/AVP 0", c.line)); err != nil || !r.Held || r.Send {
			t.Errorf("%s in an answer: got %+v, %v, want held", c.line, r, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	audio := "m=audio 4000 RTP/AVP 0"
	for _, c := range []struct {
		name string
		in   []byte
		err  error
		text string
	}{
		{"empty", nil, ErrMalformed, ""},
		{"no version", []byte("o=- 1 1 IN IP4 1.1.1.1\r\nm=audio 1 RTP/AVP 0\r\n"), ErrMalformed, "v="},
		{"version 1", []byte("v=1\r\no=- 1 1 IN IP4 1.1.1.1\r\n"), ErrMalformed, "version"},
		{"not a description", []byte("<html>\r\n"), ErrMalformed, "line 1"},
		{"too big", append(body(audio), make([]byte, maxBytes)...), ErrMalformed, "bytes"},
		{"too many lines", body(strings.Repeat("a=x\n", maxLines+1)), ErrMalformed, "lines"},
		{"too many media", body(strings.Repeat(audio+"\n", maxMedia+1)), ErrMalformed, "64 media lines"},
		{"no formats", body("m=audio 4000 RTP/AVP"), ErrMalformed, "formats"},
		{"bad port", body("m=audio 70000 RTP/AVP 0"), ErrMalformed, "port"},
		{"bad connection", body(audio, "c=IN IP4"), ErrMalformed, "c="},
		{"no connection", []byte("v=0\no=- 1 1 IN IP4 1.1.1.1\ns=-\nt=0 0\n" + audio), ErrMalformed, "no c="},
		{"no media", body(), ErrNoAudio, "0 media"},
		{"video only", body("m=video 4000 RTP/AVP 31"), ErrNoAudio, ""},
		{"fax only", body("m=image 4000 udptl t38"), ErrNoAudio, ""},
		{"audio taken away", body("m=audio 0 RTP/AVP 0", "m=image 4000 udptl t38"), ErrNoAudio, ""},
		{"no codec in common", body("m=audio 4000 RTP/AVP 18 96", "a=rtpmap:96 opus/48000/2"), ErrNoCodec, `"G729", "opus/48000/2"`},
		{"secured only", body("m=audio 4000 RTP/SAVP 0"), ErrNoCodec, "RTP/SAVP"},
		{"browser", body("m=audio 9 UDP/TLS/RTP/SAVPF 0"), ErrNoCodec, "UDP/TLS/RTP/SAVPF"},
		{"host name", body(audio, "c=IN IP4 phone.example.com"), ErrAddress, "phone.example.com"},
		{"multicast", body(audio, "c=IN IP4 233.252.0.1/64"), ErrAddress, "233.252.0.1"},
		{"other IP version", body(audio, "c=IN IP6 2001:db8::7"), ErrAddress, "192.0.2.10"},
		{"zone", body(audio, "c=IN IP6 fe80::1%eth0"), ErrAddress, "fe80::1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(here)
			before := *s
			if _, _, err := s.Answer(c.in, SendRecv); !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, want %v with %q", err, c.err, c.text)
			}
			if fmt.Sprint(*s) != fmt.Sprint(before) {
				t.Errorf("state changed: got %v, want %v", *s, before)
			}
		})
	}
}

func TestMediaLinesKeepTheirOrderOverReoffers(t *testing.T) {
	s := New(here)
	b, r, err := s.Answer(body("m=video 5000 RTP/AVP 31 34", "m=audio 0 RTP/AVP 0", "m=audio 4000 RTP/SAVP 0", "m=audio 4002 RTP/AVP 8",
		"m=audio 4004 RTP/AVP 0", "m=image 6000 udptl t38"), SendRecv)
	if err != nil || r.Addr.Port() != 4002 {
		t.Fatalf("got %+v, %v, want port 4002", r, err)
	}
	media := func(b []byte) (out []string) {
		for l := range strings.Lines(string(b)) {
			if strings.HasPrefix(l, "m=") {
				out = append(out, strings.TrimSpace(l[2:]))
			}
		}
		return out
	}
	want := []string{"video 0 RTP/AVP 31", "audio 0 RTP/AVP 0", "audio 0 RTP/SAVP 0", "audio 10000 RTP/AVP 8", "audio 0 RTP/AVP 0", "image 0 udptl t38"}
	if got := media(b); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("answer: got %q, want %q", got, want)
	}
	// Our own re-offer repeats all lines; the answer is read at the same place.
	want[3] = "audio 10000 RTP/AVP 8 0 101"
	if got := media(s.Offer(SendOnly)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("re-offer: got %q, want %q", got, want)
	}
	if _, err := s.Accept(body("m=audio 4000 RTP/AVP 0")); !errors.Is(err, ErrNoAudio) {
		t.Errorf("answer with fewer lines: got %v, want ErrNoAudio", err)
	}
	r, err = s.Accept(body("m=video 0 RTP/AVP 31", "m=audio 0 RTP/AVP 0", "m=audio 0 RTP/SAVP 0", "m=audio 4010 RTP/AVP 0", "a=recvonly",
		"m=audio 0 RTP/AVP 0", "m=image 0 udptl t38"))
	if err != nil || r.Addr.Port() != 4010 || r.Codec != PCMU || r.Receive {
		t.Errorf("got %+v, %v, want port 4010, PCMU, send only", r, err)
	}
	// A re-offer of theirs: the line in use stays, though an earlier one is usable now.
	_, r, err = s.Answer(body("m=video 0 RTP/AVP 31", "m=audio 4020 RTP/AVP 0", "m=audio 0 RTP/SAVP 0", "m=audio 4010 RTP/AVP 0"), SendRecv)
	if err != nil || r.Addr.Port() != 4010 {
		t.Errorf("got %+v, %v, want port 4010", r, err)
	}
}

func TestVersionGrowsOnlyWithAChange(t *testing.T) {
	s := New(here)
	version := func(b []byte) uint64 {
		d := reparse(t, b)
		if d.Origin.SessionID != s.id {
			t.Errorf("session id: got %d, want %d", d.Origin.SessionID, s.id)
		}
		return d.Origin.SessionVersion
	}
	offer := body("m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000")
	answer := func(b []byte) []byte {
		out, _, err := s.Answer(b, SendRecv)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	steps := []struct {
		what string
		b    func() []byte
		want uint64
	}{
		{"first answer", func() []byte { return answer(offer) }, 1},
		{"same offer again", func() []byte { return answer(offer) }, 1},
		{"hold", func() []byte { return answer(append(offer, "a=sendonly\r\n"...)) }, 2},
		{"still held", func() []byte { return answer(append(offer, "a=sendonly"...)) }, 2},
		{"codec change", func() []byte { return answer(body("m=audio 4000 RTP/AVP 8")) }, 3},
		{"our offer lists more", func() []byte { return s.Offer(SendRecv) }, 4},
		{"the same offer of ours", func() []byte { return s.Offer(SendRecv) }, 4},
	}
	for _, st := range steps {
		if got := version(st.b()); got != st.want {
			t.Errorf("%s: got version %d, want %d", st.what, got, st.want)
		}
	}
}

func TestCodecChangeInAReinvite(t *testing.T) {
	s := New(here)
	has(t, s.Offer(SendRecv), "m=audio 10000 RTP/AVP 0 8 101", "a=fmtp:101 0-15")
	if r, err := s.Accept(body("m=audio 4000 RTP/AVP 0 97", "a=rtpmap:97 telephone-event/8000")); err != nil || r.Codec != PCMU || r.EventType != 97 {
		t.Fatalf("got %+v, %v, want PCMU and events at 97", r, err)
	}
	b, r, err := s.Answer(body("m=audio 4000 RTP/AVP 98 97", "a=rtpmap:97 telephone-event/8000", "a=rtpmap:98 PCMA/8000"), SendRecv)
	if err != nil || r.Codec != PCMA || r.PayloadType != 98 {
		t.Fatalf("got %+v, %v, want PCMA at 98", r, err)
	}
	has(t, b, "m=audio 10000 RTP/AVP 98 97")
	has(t, s.Offer(SendRecv), "m=audio 10000 RTP/AVP 98 0 97", "a=rtpmap:98 PCMA/8000", "a=rtpmap:97 telephone-event/8000")
}

func TestAcceptNeedsAnOfferAndMayComeTwice(t *testing.T) {
	s := New(here)
	a := body("m=audio 4000 RTP/AVP 0")
	if _, err := s.Accept(a); err == nil {
		t.Error("accepted an answer to nothing")
	}
	s.Offer(SendRecv)
	if _, err := s.Accept(body("m=audio 0 RTP/AVP 0")); !errors.Is(err, ErrNoAudio) {
		t.Errorf("got %v, want ErrNoAudio", err)
	}
	for _, port := range []uint16{4000, 4002} { // 183 of one fork, 200 of another
		if r, err := s.Accept(body(fmt.Sprintf("m=audio %d RTP/AVP 8", port))); err != nil || r.Addr.Port() != port || r.Codec != PCMA {
			t.Errorf("got %+v, %v, want port %d", r, err, port)
		}
	}
}

func TestPacketTimeIsBounded(t *testing.T) {
	for attrs, want := range map[string]int{
		"":                          20,
		"a=ptime:30":                30,
		"a=ptime:20.0":              20,
		"a=ptime:40\na=maxptime:30": 30,
		"a=maxptime:10":             10,
		"a=maxptime:150":            20,
		"a=ptime:5":                 10,
		"a=ptime:25":                20,
		"a=ptime:1000":              60,
		"a=ptime:-1":                20,
		"a=ptime:x":                 20,
	} {
		_, r, err := New(here).Answer(body("m=audio 4000 RTP/AVP 0", attrs), SendRecv)
		if err != nil || r.PTime != time.Duration(want)*time.Millisecond {
			t.Errorf("%q: got %v, %v, want %d ms", attrs, r.PTime, err, want)
		}
	}
}

func TestUntidyDescriptionsAreUnderstood(t *testing.T) {
	for name, in := range map[string]string{
		"bare LF, no last newline": "v=0\no=- 1 1 IN IP4 198.51.100.7\ns=-\nc=IN IP4 198.51.100.7\nt=0 0\nm=audio 4000 RTP/AVP 0",
		"lines out of order":       "v=0\r\no=- 1 1 IN IP4 x\r\nt=0 0\r\na=tool:x\r\nc=IN IP4 198.51.100.7\r\ns=\r\nm=audio 4000 RTP/AVP 0\r\n",
		"no s= and t=":             "v=0\r\no=- 1 1 IN IP4 x\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP4 198.51.100.7\r\n",
		"unknown lines and blanks": "v=0\r\no=x\r\nb=ZZ:1:2\r\nX=1\r\n\r\nm=audio 4000 RTP/AVP 0 \r\nc=in IP4 198.51.100.7/127\r\n\r\n",
		"mapped IPv4":              "v=0\r\no=x\r\nm=audio 4000 rtp/avp 0\r\nc=IN IP6 ::ffff:198.51.100.7\r\n",
	} {
		if _, r, err := New(here).Answer([]byte(in), SendRecv); err != nil || r.Addr.String() != "198.51.100.7:4000" {
			t.Errorf("%s: got %+v, %v, want 198.51.100.7:4000", name, r, err)
		}
	}
}

func TestIPv6(t *testing.T) {
	l := here
	l.Addr = netip.MustParseAddrPort("[2001:db8::1]:10000")
	b, r, err := New(l).Answer(body("m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::7"), SendRecv)
	if err != nil || r.Addr.String() != "[2001:db8::7]:4000" {
		t.Fatalf("got %+v, %v, want [2001:db8::7]:4000", r, err)
	}
	has(t, b, "c=IN IP6 2001:db8::1")
	reparse(t, b)
}

func BenchmarkAnswer(b *testing.B) {
	offer := body("m=audio 4000 RTP/AVP 9 0 8 101", "a=rtpmap:9 G722/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
		"a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20", "a=sendrecv")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := New(here).Answer(offer, SendRecv); err != nil {
			b.Fatal(err)
		}
	}
}
