package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/internal/phone"
	"hotline/media"
)

// dialFlags are the flags of hotline dial.
type dialFlags struct {
	play, record, dtmf, by    string
	after, during, wait       time.Duration
	tone                      float64
	speech                    bool
	user, secret, from, proto string
	codecs                    string
}

// dialSilence is how long nobody may answer at all before the far end counts as
// unreachable.
const dialSilence = 8 * time.Second

func newDialCmd(a *app) *cobra.Command {
	var f dialFlags
	cmd := &cobra.Command{
		Use: "dial sip:NUMBER@HOST[:PORT]", Short: "Place a test call; the exit code is the verdict", Args: exactly(1),
		Long: `Places one call, as a softphone would, and says what happened. It can play a WAV
file, record what it hears, press keys, and judge what it hears.

Exit codes: 0 the call was answered and all that was expected was heard, 1 not so,
2 wrong usage, 3 nobody answers at that address.`,
		Example: `  hotline dial sip:4000@127.0.0.1:5060 --user 1001 --secret abc --dtmf 1 --expect-speech
  hotline dial sip:4003@127.0.0.1 --play hello.wav --record heard.wav --for 20s`,
	}
	fl := cmd.Flags()
	fl.StringVar(&f.play, "play", "", "WAV file to play once the call is answered")
	fl.StringVar(&f.record, "record", "", "WAV file to write what is heard to (8 kHz mono)")
	fl.StringVar(&f.dtmf, "dtmf", "", "keys to press: 0-9 * # A-D")
	fl.DurationVar(&f.after, "dtmf-after", time.Second, "how long after the answer the first key is pressed")
	fl.StringVar(&f.by, "dtmf-by", "rfc4733", "how keys are sent: rfc4733 (sound where the far end has none), info, sound")
	fl.Float64Var(&f.tone, "expect-tone", 0, "a tone in Hz that must be heard for 200 ms")
	fl.BoolVar(&f.speech, "expect-speech", false, "speech must be heard, not only music or tones")
	fl.DurationVar(&f.during, "for", 10*time.Second, "how long the call lasts, unless the far end hangs up; 0: until it does")
	fl.DurationVar(&f.wait, "wait", time.Minute, "how long it may ring")
	fl.StringVar(&f.user, "user", "", "account to call with")
	fl.StringVar(&f.secret, "secret", "", "secret of the account; better in the environment: HOTLINE_DIAL_SECRET")
	fl.StringVar(&f.from, "from", "", "name that the far end is shown")
	fl.StringVar(&f.proto, "transport", "", "udp or tcp (default udp, or what the address says)")
	fl.StringVar(&f.codecs, "codecs", "pcmu,pcma", "codecs in order of preference")
	cmd.RunE = does(func(ctx context.Context, args []string) error {
		if f.secret == "" {
			f.secret, _ = a.env("HOTLINE_DIAL_SECRET")
		}
		d, err := a.newDialling(args[0], f)
		if err != nil {
			return err
		}
		return d.run(ctx)
	})
	return cmd
}

// dialling is one test call.
type dialling struct {
	a      *app
	f      dialFlags
	number string
	host   string // with port
	config phone.Config
	speech []int16
	file   *os.File // to record to
	began  time.Time
}

// newDialling checks the command line, so that nothing is dialled in vain.
func (a *app) newDialling(target string, f dialFlags) (*dialling, error) {
	d := &dialling{a: a, f: f}
	if err := d.readTarget(target); err != nil {
		return nil, err
	}
	if i := strings.IndexFunc(f.dtmf, func(r rune) bool { return !strings.ContainsRune("0123456789*#ABCD", r) }); i >= 0 {
		return nil, usageError{fmt.Sprintf("--dtmf %q: no keys of a phone", f.dtmf), "--dtmf '12#'"}
	}
	if f.by != "rfc4733" && f.by != "info" && f.by != "sound" {
		return nil, usageError{fmt.Sprintf("--dtmf-by %q: not known", f.by), "rfc4733, info or sound"}
	}
	if f.tone < 0 || f.tone >= 4000 {
		return nil, usageError{fmt.Sprintf("--expect-tone %g: not a tone that a telephone carries", f.tone), "--expect-tone 425"}
	}
	if f.during < 0 || f.wait <= 0 || f.after < 0 {
		return nil, usageError{"a length of time is negative", "--for 10s"}
	}
	codecs, err := readCodecs(f.codecs)
	if err != nil {
		return nil, err
	}
	if f.play != "" {
		if d.speech, err = readSpeech(f.play); err != nil {
			return nil, err
		}
	}
	local, err := localAddr(d.host)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w; try: the IP address of the far end", target, err)
	}
	d.config = phone.Config{
		User: f.user, Secret: f.secret, Name: f.from, Registrar: d.host, Transport: d.f.proto,
		Addr: local, Codecs: codecs, NoAnswer: dialSilence, Symmetric: true, Keep: max(f.during, 10*time.Minute),
	}
	if d.config.User == "" {
		d.config.User = "hotline-dial"
	}
	return d, nil
}

// readTarget reads "sip:4000@127.0.0.1:5060;transport=tcp".
func (d *dialling) readTarget(target string) error {
	bad := func(why string) error {
		return usageError{fmt.Sprintf("dial %q: %s", target, why), "hotline dial sip:4000@127.0.0.1:5060"}
	}
	rest, ok := strings.CutPrefix(target, "sip:")
	if !ok {
		return bad("not a SIP address")
	}
	rest, params, _ := strings.Cut(rest, ";")
	user, host, ok := strings.Cut(rest, "@")
	if !ok || user == "" || host == "" {
		return bad("no number or no host in it")
	}
	number, err := url.PathUnescape(user)
	if err != nil || len(number) > 128 {
		return bad("its number can't be read")
	}
	if proto, ok := strings.CutPrefix(strings.ToLower(params), "transport="); ok && d.f.proto == "" {
		d.f.proto = proto
	}
	if d.f.proto == "" {
		d.f.proto = "udp"
	}
	if d.f.proto != "udp" && d.f.proto != "tcp" {
		return usageError{fmt.Sprintf("transport %q: not known", d.f.proto), "--transport udp or tcp"}
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "5060")
	}
	_, port, err := net.SplitHostPort(host)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || n == 0 {
		return bad("its port is none")
	}
	d.number, d.host = number, host
	return nil
}

func readCodecs(s string) ([]uint8, error) {
	var out []uint8
	for name := range strings.SplitSeq(strings.ToLower(s), ",") {
		switch strings.TrimSpace(name) {
		case "pcmu":
			out = append(out, uint8(media.PCMU))
		case "pcma":
			out = append(out, uint8(media.PCMA))
		default:
			return nil, usageError{fmt.Sprintf("--codecs %q: not known", name), "--codecs pcmu,pcma"}
		}
	}
	return out, nil
}

// localAddr is the address of this machine that faces a host. No packet is sent.
func localAddr(host string) (netip.Addr, error) {
	c, err := net.Dial("udp", host)
	if err != nil {
		return netip.Addr{}, err
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}

// say prints what happened, with the time since the call began.
func (d *dialling) say(format string, args ...any) {
	fmt.Fprintf(d.a.out, "%6.2fs  %s\n", time.Since(d.began).Seconds(), plain(fmt.Sprintf(format, args...)))
}

// run places the call and judges it.
func (d *dialling) run(ctx context.Context) error {
	if d.f.record != "" {
		f, err := os.Create(d.f.record)
		if err != nil {
			return fmt.Errorf("record: %w", err)
		}
		defer func() { _ = f.Close() }()
		d.file = f
	}
	p, err := phone.New(d.config)
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() { defer close(ended); _ = p.Run(running) }() // ends with stop, below
	defer func() { stop(); <-ended }()

	d.began = time.Now()
	d.say("calling %s at %s by %s", d.number, d.host, d.f.proto)
	c, err := p.Call(running, d.number)
	if err != nil {
		return err
	}
	verdict := d.converse(ctx, c)
	d.hangUp(c)
	return errors.Join(verdict, d.keep(c))
}

// hangUp ends the call and tells how it ended.
func (d *dialling) hangUp(c *phone.Call) {
	c.Hangup()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if c.WaitDone(ctx) != nil {
		d.say("hung up; the far end did not confirm it")
		return
	}
	e := c.End()
	if !e.Answered {
		return
	}
	who := "we hung up"
	if e.ByPeer {
		who = "the far end hung up"
	}
	s := c.Stats()
	d.say("%s (%s); audio packets: %d in, %d out, %d lost", who, e, s.In, s.Out, s.Lost)
}

// keep writes the recording.
func (d *dialling) keep(c *phone.Call) error {
	if d.file == nil {
		return nil
	}
	r := c.Listen()
	if first := c.Stats().First; !first.IsZero() {
		r = r.Since(first)
	}
	if err := media.WriteWAV(d.file, r.Samples, 8000, 1); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	d.say("wrote %s: %.1fs", d.f.record, r.Length().Seconds())
	return nil
}

// converse waits for the answer, does what the flags say, and judges.
func (d *dialling) converse(ctx context.Context, c *phone.Call) error {
	if err := d.answered(ctx, c); err != nil {
		return err
	}
	up := time.Now()
	d.say("answered; codec %s", codecName(c.Codec()))
	if len(d.speech) > 0 {
		d.say("playing %s, %.1fs", d.f.play, float64(len(d.speech))/8000)
		c.Say(d.speech)
	}
	end := ctx
	if d.f.during > 0 {
		var cancel context.CancelFunc
		end, cancel = context.WithDeadline(ctx, up.Add(d.f.during))
		defer cancel()
	}
	if d.f.dtmf != "" {
		if err := d.press(end, c); err != nil && ctx.Err() == nil {
			return err
		}
	}
	_ = c.WaitDone(end)
	if ctx.Err() != nil {
		return fmt.Errorf("dial %s: interrupted", d.number)
	}
	return d.judge(c, up)
}

// answered waits until the far end has answered.
func (d *dialling) answered(ctx context.Context, c *phone.Call) error {
	limit := time.NewTimer(d.f.wait)
	defer limit.Stop()
	ringing := c.Ringing()
	for {
		select {
		case <-ringing:
			ringing = nil
			if c.Early() {
				d.say("ringing, with early media")
			} else {
				d.say("ringing")
			}
		case <-c.Answered():
			return nil
		case <-c.Done():
			select {
			case <-c.Answered(): // and ended before we looked
				return nil
			default:
			}
			return d.refused(c.End())
		case <-limit.C:
			return fmt.Errorf("dial %s: not answered within %v; try: --wait 2m", d.number, d.f.wait)
		case <-ctx.Done():
			return fmt.Errorf("dial %s: interrupted", d.number)
		}
	}
}

// refused explains a call that was never answered.
func (d *dialling) refused(e phone.End) error {
	if e.Unreachable {
		fmt.Fprintf(d.a.err, "hotline: dial %s: nobody answers at %s by %s; try: hotline status, or another address\n",
			plain(d.number), d.host, d.f.proto)
		return errors.Join(errTold, api.ErrNobody)
	}
	try := map[int]string{
		401: "--user and --secret of an account", 407: "--user and --secret of an account",
		403: "--user and --secret of an account that may call this number",
		404: "hotline number list", 480: "again later", 486: "again later", 488: "--codecs pcmu,pcma",
		503: "hotline status",
	}[e.Status]
	if try == "" {
		try = "hotline cdr list"
	}
	if e.Status == 401 && d.f.secret != "" {
		try = "the right secret: hotline agent secret " + d.config.User + " --new makes another"
	}
	return fmt.Errorf("dial %s: refused: %d %s; try: %s", d.number, e.Status, e.Reason, try)
}

func (d *dialling) press(ctx context.Context, c *phone.Call) error {
	select {
	case <-time.After(d.f.after):
	case <-c.Done():
	case <-ctx.Done():
		return fmt.Errorf("dial %s: the call was over before a key was pressed; try: a shorter --dtmf-after than --for", d.number)
	}
	by, send := "RFC 4733", c.Press
	switch {
	case d.f.by == "info":
		by, send = "INFO", c.PressInfo
	case d.f.by == "sound" || c.Events() == 0:
		by, send = "sound", c.PressSound
	}
	err := send(ctx, d.f.dtmf, 100*time.Millisecond)
	switch {
	case err == nil:
		d.say("pressed %s by %s", d.f.dtmf, by)
	case c.Over():
		return fmt.Errorf("dial %s: the far end hung up before %s was pressed; try: a shorter --dtmf-after", d.number, d.f.dtmf)
	case ctx.Err() != nil:
		return fmt.Errorf("dial %s: the call was over before %s was pressed; try: a longer --for", d.number, d.f.dtmf)
	}
	return err
}

// judge tells what was heard and whether that is what was expected.
func (d *dialling) judge(c *phone.Call, up time.Time) error {
	r := c.Listen().Since(up)
	d.say("heard %s", impression(c, r))
	var faults []string
	if d.f.tone > 0 {
		if got := r.ToneTime(d.f.tone); got == 0 {
			faults = append(faults, fmt.Sprintf("no tone of %g Hz was heard", d.f.tone))
		} else {
			d.say("heard %g Hz for %.1fs", d.f.tone, got.Seconds())
		}
	}
	if d.f.speech && !r.HasSpeech() {
		faults = append(faults, "no speech was heard")
	}
	if faults != nil {
		return fmt.Errorf("dial %s: %s; try: --record heard.wav, and listen to it", d.number, strings.Join(faults, ", "))
	}
	return nil
}

// impression says in words what was heard.
func impression(c *phone.Call, r phone.Recording) string {
	if c.Stats().In == 0 {
		return "nothing: no audio packet came"
	}
	if r.Loudness() <= -60 {
		return "silence"
	}
	what := "sound"
	if r.HasSpeech() {
		what = "speech"
	}
	what = fmt.Sprintf("%s, %.0f dB", what, r.Loudness())
	if f := r.Last(time.Second).Dominant(); f > 0 {
		what += fmt.Sprintf("; at the end mostly %.0f Hz", f)
	}
	return what
}

func codecName(pt uint8) string {
	if media.Codec(pt) == media.PCMA {
		return "PCMA"
	}
	return "PCMU"
}
