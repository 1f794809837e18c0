package sdp

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const torture = "../../../shared/data/torture"

// foreign reads descriptions nobody here wrote: *.sdp, and the bodies of SIP
// messages. Nil when the folder is not beside the project.
func foreign(tb testing.TB) [][]byte {
	var out [][]byte
	filepath.WalkDir(torture, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		if filepath.Ext(path) != ".sdp" {
			i := bytes.Index(b, []byte("\nv=0"))
			if i < 0 {
				return nil
			}
			b = b[i+1:]
		}
		out = append(out, b)
		return nil
	})
	if out == nil {
		tb.Logf("%s is absent: no foreign descriptions", torture)
	}
	return out
}

// checkAnswer answers in and verifies what must hold for any answer.
func checkAnswer(t *testing.T, in []byte, l Local, want Direction) bool {
	t.Helper()
	s := New(l)
	out, r, err := s.Answer(in, want)
	if err != nil {
		if s.last != nil || s.active != -1 {
			t.Fatalf("an error changed the state: %+v", s)
		}
		return false
	}
	offer, err := read(in)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := read(out)
	if err != nil {
		t.Fatalf("we can't read our own: %v\n%s", err, out)
	}
	if got, want := len(answer.MediaDescriptions), len(offer.MediaDescriptions); got != want {
		t.Fatalf("got %d media lines, want %d", got, want)
	}
	used := 0
	for i, m := range answer.MediaDescriptions {
		o := offer.MediaDescriptions[i]
		if m.MediaName.Media != o.MediaName.Media || strings.Join(m.MediaName.Protos, "/") != strings.Join(o.MediaName.Protos, "/") {
			t.Fatalf("line %d: got %v, want that of %v", i, m.MediaName, o.MediaName)
		}
		for _, f := range m.MediaName.Formats {
			if !slices.Contains(o.MediaName.Formats, f) && !slices.Contains(o.MediaName.Formats, "0"+f) && !leadingZero(o.MediaName.Formats) {
				t.Fatalf("line %d: format %s was not offered in %v", i, f, o.MediaName.Formats)
			}
		}
		if m.MediaName.Port.Value != 0 {
			used++
		}
	}
	if used != 1 {
		t.Fatalf("got %d streams, want 1", used)
	}
	if !slices.Contains([]uint8{PCMU, PCMA}, r.Codec) || r.Addr.Port() == 0 || r.Send && r.Addr.Addr().IsUnspecified() {
		t.Fatalf("got %+v", r)
	}
	again, _, err := s.Answer(in, want)
	if err != nil || !bytes.Equal(again, out) {
		t.Fatalf("the same offer again: got %v\n%s\nwant\n%s", err, again, out)
	}
	// A peer of our kind takes our re-offer, and we its answer.
	peer := New(Local{Addr: l.Addr, Events: true})
	reply, _, err := peer.Answer(s.Offer(SendRecv), SendRecv)
	if err != nil {
		t.Fatalf("our re-offer is refused: %v", err)
	}
	if _, err := s.Accept(reply); err != nil {
		t.Fatalf("its answer is refused: %v", err)
	}
	return true
}

// leadingZero tells of formats such as "000", which are numbers all the same.
func leadingZero(formats []string) bool {
	return slices.ContainsFunc(formats, func(f string) bool { return len(f) > 1 && f[0] == '0' })
}

func TestForeignDescriptionsAreAnsweredOrRefused(t *testing.T) {
	answered, refused := 0, 0
	for _, b := range foreign(t) {
		if checkAnswer(t, b, here, SendRecv) {
			answered++
		} else {
			refused++
		}
	}
	t.Logf("%d answered, %d refused", answered, refused)
	if answered+refused > 0 && answered < 1000 {
		t.Errorf("answered %d, want at least 1000: most are plain audio", answered)
	}
}

func seeds(f *testing.F) {
	f.Add(body("m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000", "a=sendonly"))
	f.Add(body("m=video 5000 RTP/AVP 31", "m=audio 4000/2 RTP/AVPF 97", "a=rtpmap:97 pcma/8000/1", "a=ptime:30", "a=maxptime:20"))
	f.Add(body("m=image 4000 udptl t38", "m=audio 4000 RTP/AVP 0", "c=IN IP6 ::"))
	f.Add([]byte("v=0\no=x\nm=audio 1 RTP/AVP 08 8\nc=IN IP4 1.2.3.4\na=rtpmap:8 telephone-event/8000\na=rtpmap:08 PCMU/8000"))
	for i, b := range foreign(f) {
		if i%20 == 0 || bytes.Contains(b, []byte("SAVP")) {
			f.Add(b)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		checkAnswer(t, b, here, Direction(len(b)%4))
	})
}

func FuzzAccept(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(here)
		s.Offer(Direction(len(b) % 4))
		before := *s
		r, err := s.Accept(b)
		if err != nil {
			if s.active != before.active || s.agreed != before.agreed {
				t.Fatalf("an error changed the state: %+v", s)
			}
			return
		}
		if r.Send && (!s.offered.sends() || r.Addr.Addr().IsUnspecified()) || r.Receive && !s.offered.receives() {
			t.Fatalf("offered %v, got %+v", s.offered, r)
		}
		if _, err := read(s.Offer(SendRecv)); err != nil {
			t.Fatal(err)
		}
	})
}
