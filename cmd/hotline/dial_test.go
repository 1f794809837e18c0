package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/ivr/prompts"
	"hotline/media"
)

// farEnd is a phone on a socket of this machine that deals with calls by a policy.
func farEnd(t *testing.T, transport string, policy phone.Policy) (addr string) {
	t.Helper()
	c := phone.Config{Transport: transport, Policy: policy, User: "far"}
	if transport == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.Stream, addr = []net.Listener{l}, l.Addr().String()
	} else {
		pc, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.Packet, addr = []net.PacketConn{pc}, pc.LocalAddr().String()
	}
	p, err := phone.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.Run(ctx) }() // ends with the test
	t.Cleanup(func() { stop(); <-ended })
	return addr
}

// command runs one command line in this process.
func command(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	code = newApp(strings.NewReader(""), &o, &e, func(string) (string, bool) { return "", false }).run(ctx, args)
	return code, o.String(), e.String()
}

func speech(t *testing.T, name string) []int16 {
	t.Helper()
	wav, _ := prompts.WAV("en", name)
	pcm, _, _, err := media.ReadWAV(bytes.NewReader(wav))
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

func TestDialTellsByItsExitCodeWhatBecameOfTheCall(t *testing.T) {
	talk := phone.AnswerAfter(50 * time.Millisecond).Then(func(c *phone.Call) { c.Say(speech(t, "welcome")) })
	tone := phone.AnswerAfter(50 * time.Millisecond).Speaking(600)
	short := phone.AnswerAfter(0).Then(func(c *phone.Call) {
		if c.WaitAnswered(t.Context()) == nil {
			c.Hangup()
		}
	})
	for _, c := range []struct {
		name      string
		policy    phone.Policy
		args      []string
		code      int
		out, errs string // regular expressions
	}{
		{"speech that is expected", talk, []string{"--expect-speech", "--for", "2s"}, 0, `answered; codec PCMU\n.* heard speech, `, `^$`},
		{"a tone that is expected", tone, []string{"--expect-tone", "600", "--for", "1s", "--codecs", "pcma"}, 0, `codec PCMA\n(.*\n)*.* heard 600 Hz for [01]\.`, `^$`},
		{"another tone", tone, []string{"--expect-tone", "425", "--for", "1s"}, 1, `mostly 600 Hz`, `^hotline: dial 4000: no tone of 425 Hz was heard; try: --record`},
		{"a tone for speech", tone, []string{"--expect-speech", "--for", "1s"}, 1, ``, `^hotline: dial 4000: no speech was heard; try: `},
		{"a refusal", phone.RejectAfter(0, 486), nil, 1, `calling 4000 at`, `^hotline: dial 4000: refused: 486 Busy Here; try: again later\n$`},
		{"nobody picks up", phone.RingForever(), []string{"--wait", "300ms"}, 1, `ringing`, `^hotline: dial 4000: not answered within 300ms; try: --wait 2m\n$`},
		{"the far end hangs up", short, []string{"--for", "20s"}, 0, `the far end hung up`, `^$`},
		{"keys too late", short, []string{"--dtmf", "1", "--dtmf-after", "5s"}, 1, ``, `^hotline: dial 4000: the far end hung up before 1 was pressed; try: `},
	} {
		for _, transport := range []string{"udp", "tcp"} {
			t.Run(c.name+" by "+transport, func(t *testing.T) {
				t.Parallel()
				addr := farEnd(t, transport, c.policy)
				code, out, errs := command(t, append([]string{"dial", "sip:4000@" + addr + ";transport=" + transport}, c.args...)...)
				if code != c.code || !regexp.MustCompile(c.out).MatchString(out) || !regexp.MustCompile(c.errs).MatchString(errs) {
					t.Errorf("got exit code %d, %s%swant %d, %q, %q", code, out, errs, c.code, c.out, c.errs)
				}
			})
		}
	}
}

func TestDialPlaysPressesAndRecords(t *testing.T) {
	t.Parallel()
	heard := make(chan *phone.Call, 1)
	addr := farEnd(t, "udp", phone.AnswerAfter(0).Then(func(c *phone.Call) {
		c.Say(speech(t, "goodbye"))
		<-c.Done()
		heard <- c
	}))
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.wav"), filepath.Join(dir, "out.wav")
	said := speech(t, "welcome")
	f, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := media.WriteWAV(f, media.Resample(said, 8000, 16000), 16000, 1); err != nil {
		t.Fatal(err)
	}
	f.Close()
	code, text, errs := command(t, "dial", "sip:4000@"+addr, "--from", "Ann", "--user", "1234", "--play", in, "--record", out,
		"--dtmf", "12#", "--dtmf-after", "2500ms", "--for", "4s", "--expect-speech")
	if code != 0 {
		t.Fatalf("exit code %d: %s%s", code, text, errs)
	}
	c := <-heard
	if name, number := c.Screen(); name != "Ann" || number != "1234" {
		t.Errorf("the far end saw %q %q, want Ann 1234", name, number)
	}
	if got := c.DigitString(); got != "12#" {
		t.Errorf("the far end got keys %q, want 12#", got)
	}
	if score, _ := phone.Correlate(said, c.Listen().Samples); score < 0.9 {
		t.Errorf("the far end heard the file with correlation %.2f, want 0.9", score)
	}
	pcm, err := readSpeech(out)
	if err != nil {
		t.Fatal(err)
	}
	if score, _ := phone.Correlate(speech(t, "goodbye"), pcm); score < 0.9 {
		t.Errorf("the recording has the far end's words with correlation %.2f, want 0.9", score)
	}
}

func TestDialFindsNobodyAndWrongUsage(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	for _, c := range []struct {
		args []string
		code int
		errs string
	}{
		{[]string{"sip:1@" + closed, "--transport", "tcp"}, 3, `^hotline: dial 1: nobody answers at .* by tcp; try: `},
		{[]string{"4000"}, 2, `^hotline: dial "4000": not a SIP address; try: `},
		{[]string{"sip:4000"}, 2, `no number or no host`},
		{[]string{"sip:4000@h:0"}, 2, `its port is none`},
		{[]string{"sip:1@h", "--transport", "tls"}, 2, `transport "tls": not known; try: --transport udp or tcp`},
		{[]string{"sip:1@127.0.0.1", "--dtmf", "1x"}, 2, `--dtmf "1x": no keys`},
		{[]string{"sip:1@127.0.0.1", "--dtmf-by", "x"}, 2, `--dtmf-by "x"`},
		{[]string{"sip:1@127.0.0.1", "--expect-tone", "5000"}, 2, `--expect-tone 5000: not a tone`},
		{[]string{"sip:1@127.0.0.1", "--for", "-1s"}, 2, `negative`},
		{[]string{"sip:1@127.0.0.1", "--codecs", "opus"}, 2, `--codecs "opus"`},
		{[]string{"sip:1@127.0.0.1", "--play", "none.wav"}, 1, `^hotline: play: open none.wav`},
		{[]string{"sip:1@127.0.0.1", "--play", "dial_test.go"}, 1, `not a readable WAV file.*try: sox`},
	} {
		code, _, errs := command(t, append([]string{"dial"}, c.args...)...)
		if code != c.code || !regexp.MustCompile(c.errs).MatchString(errs) {
			t.Errorf("dial %v: got exit code %d, %s want %d, %q", c.args, code, errs, c.code, c.errs)
		}
	}
}

// TestDemoShowsAWholeCall takes as long as its call, 18 s.
func TestDemoShowsAWholeCall(t *testing.T) {
	if testing.Short() {
		t.Skip("a call in real time")
	}
	t.Parallel()
	dir, err := os.MkdirTemp("", "hotline-demo") // the unix socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	began := time.Now()
	code, out, errs := command(t, "demo", "--data", filepath.Join(dir, "d"), "--sip", "udp://127.0.0.1:0", "--rtp", "127.0.0.1:27000-29999",
		"--media", "inline") // this binary is the test's, and has no media command
	if code != 0 {
		t.Fatalf("exit code %d:\n%s%s", code, out, errs)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v, want less than 20 s", took)
	}
	last := 0
	for _, want := range []string{
		"dials 4090", "menu\n", "presses 1", "rings and shows \"Demonstration: Demo caller\" 1091", "answers", "announcement: ",
		"talk: ", "says \"Hello", "says \"Of course", "hangs up", "survey\n", "rates 5", "rating  service 5", ".wav\n",
		"the caller heard the agent: yes", "the agent heard the caller: yes", "recording has the caller: yes", "recording has the agent: yes",
	} {
		at := strings.Index(out[last:], want)
		if at < 0 {
			t.Fatalf("%q is not told, or not in its turn:\n%s", want, out)
		}
		last += at
	}
	// What the real engine left can be replayed.
	code, out, errs = command(t, "simulate", "--replay", began.Format(time.DateOnly), "--policy", "longest-idle", "--data", filepath.Join(dir, "d"))
	if code != 0 || !strings.Contains(out, "the day itself: 1 of 1 offers in the records are reproduced bit for bit") {
		t.Errorf("replay: exit code %d:\n%s%s", code, out, errs)
	}
}
