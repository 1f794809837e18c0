package phone

import (
	"context"
	"fmt"
	"math"
	"time"
)

// toneAmplitude is that of tones said: -10 dB of a full sine.
const toneAmplitude = 10000

// oscillator makes a sine; the zero value makes silence.
type oscillator struct {
	phase, step float64 // of a turn
	amplitude   float64
}

func newOscillator(freq, amplitude float64) oscillator {
	return oscillator{step: freq / sampleRate, amplitude: amplitude}
}

func (o *oscillator) sample() int16 {
	v := o.amplitude * math.Sin(2*math.Pi*o.phase)
	_, o.phase = math.Modf(o.phase + o.step)
	return int16(math.Round(v))
}

func (o *oscillator) fill(pcm []int16) {
	if o.step == 0 {
		return
	}
	for i := range pcm {
		pcm[i] = o.sample()
	}
}

// Say says 8 kHz speech, behind what is being said already. It waits until there
// is somebody to say it to. The channel closes when it is said or given up.
func (c *Call) Say(pcm []int16) <-chan struct{} {
	done := make(chan struct{})
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closed:
		close(done)
		return done
	default:
	}
	if len(pcm) == 0 || len(s.clips) >= speakingMax {
		close(done)
		return done
	}
	s.clips = append(s.clips, clip{pcm: pcm, done: done})
	return done
}

// Tone says a sine (Hz) from now on, whenever nothing else is being said.
func (c *Call) Tone(freq float64) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.tone = newOscillator(freq, toneAmplitude)
}

// Quiet ends speech and tone; silence is sent.
func (c *Call) Quiet() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.quiet()
}

// Mute stops sending audio packets altogether, as a phone does that has died.
func (c *Call) Mute(on bool) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.mute = on
}

// Listen is all that was heard until now.
func (c *Call) Listen() Recording {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.ear.recording(time.Now())
}

// Stats counts the call's packets until now.
func (c *Call) Stats() Stats {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.stats
}

// LocalRTP is where the call's audio is received.
func (c *Call) LocalRTP() string { return c.s.local.String() }

// HeardTone says whether a tone (Hz) was heard for a fifth of a second or more
// since an instant; zero: at any time.
func (c *Call) HeardTone(freq float64, since time.Time) bool {
	return c.Listen().Since(since).HasTone(freq)
}

// HeardSpeech says whether speech (no tone, no silence) was heard since an instant.
func (c *Call) HeardSpeech(since time.Time) bool {
	return c.Listen().Since(since).HasSpeech()
}

// Dominant is the strongest frequency (Hz) heard in the last moments; 0 is silence.
func (c *Call) Dominant(window time.Duration) float64 {
	return c.Listen().Last(window).Dominant()
}

// WaitTone waits until a tone is heard for a fifth of a second, from now on.
func (c *Call) WaitTone(ctx context.Context, freq float64) error {
	return c.waitHeard(ctx, fmt.Sprintf("a tone of %g Hz", freq), func(r Recording) bool { return r.HasTone(freq) })
}

// WaitSpeech waits until speech is heard, from now on.
func (c *Call) WaitSpeech(ctx context.Context) error {
	return c.waitHeard(ctx, "speech", Recording.HasSpeech)
}

// WaitSilence waits until nothing was heard for d, from now on.
func (c *Call) WaitSilence(ctx context.Context, d time.Duration) error {
	return c.waitHeard(ctx, "silence", func(r Recording) bool {
		return r.Length() >= d && r.Last(d).Loudness() < silenceLevel
	})
}

func (c *Call) waitHeard(ctx context.Context, what string, is func(Recording) bool) error {
	from := time.Now()
	for {
		if is(c.Listen().Since(from)) {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-c.done:
			if is(c.Listen().Since(from)) {
				return nil
			}
			return fmt.Errorf("phone: call %s: ended (%s) before %s was heard", c.number, c.End(), what)
		case <-ctx.Done():
			return fmt.Errorf("phone: call %s: did not hear %s: %w", c.number, what, context.Cause(ctx))
		}
	}
}
