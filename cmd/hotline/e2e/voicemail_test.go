package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// lamp waits until a baresip was told of new and old messages: "1/0".
func (b *baresip) lamp(counts string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if all := b.of("MWI_NOTIFY"); len(all) > 0 && strings.Contains(all[len(all)-1].Param, "Voice-Message: "+counts) {
			return
		}
	}
	b.t.Fatalf("baresip was told %+v, want %s messages at last", b.of("MWI_NOTIFY"), counts)
}

// From outside a box is heard by its PIN, and by no other.
func TestABaresipOutsideHearsABoxByItsPIN(t *testing.T) {
	t.Parallel()
	h, port := desk(t)
	outside := h.outside("4930", port, 880, "")
	outside.do("dial sip:4021@hotline")
	outside.sees("CALL_ESTABLISHED", 1)
	outside.press("0") // cuts the greeting short
	hears(t, "who leaves a message", outside.heard, "beep")
	time.Sleep(2 * time.Second)
	outside.do("hangup")
	h.cdrs(1)
	outside.do("dial sip:4022@hotline")
	hears(t, "who wants to hear it", outside.heard, "enter-pin")
	outside.press("1111#")
	hears(t, "who wants to hear it", outside.heard, "wrong-pin")
	hears(t, "who wants to hear it", outside.heard, "enter-pin")
	outside.press("2468#")
	hearsTone(t, "who wants to hear it", outside.heard, 880)
	outside.do("hangup")
	h.wantTrace(h.cdrs(2)[1], "voicemail bob; message left; end: caller hung up")
}

// A caller leaves a message; the lamps of both agents' phones tell of it, the
// number that is to be told is called and hears it, one agent hears and claims it.
func TestAMessageIsLeftShownByLampsToldByACallAndHeard(t *testing.T) {
	t.Parallel()
	h, port := desk(t)
	told := h.outside("4930", port, 600, "")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, lamp: true})
	bob := h.registered(baresipCmd{user: "1002", secret: h.secret("1002"), says: 500, lamp: true, transport: "tcp"})
	ann.lamp("0/0")
	bob.lamp("0/0")

	caller := sippCmd{scenario: "keys", service: "4020", remote: h.addr(), tone: 880, steered: true, hears: true, args: []string{"-m", "1"},
		vars: []string{"[key1]", "0", "[key2]", "#", "[key3]", "#", "4930123456", "4930"}}.run(t)
	caller.answered()
	hears(t, "the caller", caller.ear.heard, "voicemail-greeting")
	caller.next()           // a key that cuts the greeting short, or means nothing
	time.Sleep(time.Second) // the beep
	caller.next()           // speaks
	time.Sleep(3 * time.Second)
	caller.next() // #
	hears(t, "the caller", caller.ear.heard, "voicemail-saved")
	h.wantTrace(h.cdrs(1)[0], "voicemail team; message left; goodbye; end: left a message")

	ann.lamp("1/0")
	bob.lamp("1/0")
	told.sees("CALL_ESTABLISHED", 1)
	hears(t, "who is told", told.heard, "voicemail-announce")
	told.press("1")
	ann.do("dial *97") // both hear it at the same time
	hears(t, "the agent", ann.heard, "voicemail-from")
	hearsTone(t, "who is told", told.heard, 880)
	told.do("hangup")
	hearsTone(t, "the agent", ann.heard, 880)
	ann.press("4")
	hears(t, "the agent", ann.heard, "voicemail-claimed")
	ann.do("hangup")
	bob.lamp("0/1")
	v := list[store.Voicemail](h, "voicemail", "list")
	if len(v) != 1 || v[0].Claimed != "1001" || v[0].Told != 1 || v[0].Caller != "4930" || v[0].Length.D() < 3*time.Second {
		t.Fatalf("got %+v, want one of 4930 that 1001 has claimed after one call about it", v)
	}
	if _, err := h.try("voicemail", "claim", v[0].ID, "--as", "1002"); err == nil || !strings.Contains(err.Error(), "1001") {
		t.Errorf("the second claim: got %v, want that 1001 has it", err)
	}
	file := fmt.Sprintf("%s/message.wav", h.dir)
	h.cli("voicemail", "play", v[0].ID, file)
	if r := readWAV(t, file)[0]; r.ToneTime(880) < 2*time.Second {
		t.Errorf("the message has %v of 880 Hz, want 2 s or more", r.ToneTime(880))
	}
}
