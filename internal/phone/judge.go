package phone

import (
	"math"
	"math/cmplx"
	"time"
)

const (
	toneWindow   = sampleRate / 5 // samples: 200 ms
	toneShare    = 0.5            // of the window's power is in the tone
	silenceLevel = -50            // dB below full scale
	speechLevel  = -42            // dB below full scale: a frame with somebody's voice
	speechFrame  = 512            // samples, 64 ms
	speechHop    = 128            // samples from one frame to the next
	speechWindow = 3 * time.Second
	speechLeast  = 80 * time.Millisecond // of a window that holds speech; measured: prompts 340 ms and more, hold music 30 ms
	steadyDrop   = 15                    // dB that a quarter of a frame may be softer than the whole
	steadyPeaks  = 3                     // tones at once that music has
	steadyShare  = 0.88                  // of the power is in its peaks
)

// Loudness is the effective level in dB below full scale; -100 is silence.
func (r Recording) Loudness() float64 {
	var sum float64
	for _, s := range r.Samples {
		sum += float64(s) * float64(s)
	}
	if sum == 0 {
		return -100
	}
	return max(-100, 10*math.Log10(sum/float64(len(r.Samples))/(32768*32768)))
}

// HasTone says whether a tone (Hz) sounds for 200 ms somewhere in r.
func (r Recording) HasTone(freq float64) bool { return r.ToneTime(freq) > 0 }

// ToneTime is how long a tone (Hz) sounds in r, in steps of 100 ms; windows of 200
// ms that it fills count.
func (r Recording) ToneTime(freq float64) time.Duration {
	last, sum := -toneWindow, 0
	for at := 0; at+toneWindow <= len(r.Samples); at += toneWindow / 2 {
		if toneIn(r.Samples[at:at+toneWindow], freq) {
			sum += min(toneWindow, at-last)
			last = at
		}
	}
	return time.Duration(sum) * time.Second / sampleRate
}

// toneIn says whether a tone makes up at least half of the sound of a window.
func toneIn(pcm []int16, freq float64) bool {
	k := 2 * math.Cos(2*math.Pi*freq/sampleRate)
	var a, b, energy float64
	for _, s := range pcm {
		v := float64(s)
		a, b = v+k*a-b, a
		energy += v * v
	}
	n := float64(len(pcm))
	power := (a*a + b*b - k*a*b) / n * 2 // as energy
	return energy/n > 100*100 && power > toneShare*energy
}

// Dominant is the strongest frequency in r, Hz, to about 2 Hz; 0 for silence. At
// most the last 2 s are looked at.
func (r Recording) Dominant() float64 {
	pcm := r.Samples[max(0, len(r.Samples)-2*sampleRate):]
	if (Recording{Samples: pcm}).Loudness() < silenceLevel {
		return 0
	}
	size := 1 << 15
	x := make([]complex128, size)
	for i, s := range pcm {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(len(pcm)))
		x[i] = complex(w*float64(s), 0)
	}
	transform(x, false)
	best := 1
	for i := 1; i < size/2; i++ {
		if cmplx.Abs(x[i]) > cmplx.Abs(x[best]) {
			best = i
		}
	}
	return float64(best) * sampleRate / float64(size)
}

// HasSpeech says whether r holds speech: 80 ms that can be nothing else in some
// three seconds.
func (r Recording) HasSpeech() bool {
	frames := r.voices()
	window := int(speechWindow * sampleRate / time.Second / speechHop)
	count := 0
	for i, is := range frames {
		if is {
			count++
		}
		if i >= window && frames[i-window] {
			count--
		}
		if time.Duration(count*speechHop)*time.Second/sampleRate >= speechLeast {
			return true
		}
	}
	return false
}

// SpeechTime is how long somebody speaks in r, a fifth to a half of the true time:
// only frames that can be nothing else count.
func (r Recording) SpeechTime() time.Duration {
	count := 0
	for _, is := range r.voices() {
		if is {
			count++
		}
	}
	return time.Duration(count*speechHop) * time.Second / sampleRate
}

// voices tells of each frame whether somebody speaks in it: it is loud throughout
// (the edge of a tone has a wide spectrum too), and its spectrum is not that of a
// tone, of a key or of music made of few steady tones.
func (r Recording) voices() []bool {
	var x [speechFrame]complex128
	var out []bool
	for at := 0; at+speechFrame <= len(r.Samples); at += speechHop {
		frame := r.Samples[at : at+speechFrame]
		if !steady(frame) {
			out = append(out, false)
			continue
		}
		for i, s := range frame {
			w := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/speechFrame)
			x[i] = complex(w*float64(s), 0)
		}
		transform(x[:], false)
		out = append(out, spread(x[:speechFrame/2]))
	}
	return out
}

// steady says whether a frame is loud from its beginning to its end.
func steady(frame []int16) bool {
	least := (Recording{Samples: frame}).Loudness()
	if least < speechLevel {
		return false
	}
	for n := range 4 {
		part := frame[n*speechFrame/4 : (n+1)*speechFrame/4]
		if (Recording{Samples: part}).Loudness() < least-steadyDrop {
			return false
		}
	}
	return true
}

// spread says whether the power is not in a few peaks alone.
func spread(x []complex128) bool {
	var p [speechFrame / 2]float64
	sum := 0.0
	for i := 1; i < len(x); i++ {
		p[i] = real(x[i])*real(x[i]) + imag(x[i])*imag(x[i])
		sum += p[i]
	}
	peaks := 0.0
	for range steadyPeaks {
		best := 1
		for i := range p {
			if p[i] > p[best] {
				best = i
			}
		}
		for i := max(0, best-2); i <= min(len(p)-1, best+2); i++ {
			peaks += p[i]
			p[i] = 0
		}
	}
	return peaks < steadyShare*sum
}

// Correlate looks for a in b. The score is that of the best place, from 0
// (nothing alike) to 1 (the same, louder or softer); lag is that place, in
// samples of b. A long a is found even if b holds only its greater part.
func Correlate(a, b []int16) (score float64, lag int) {
	if len(a) == 0 || len(b) == 0 {
		return 0, 0
	}
	size := 1
	for size < len(a)+len(b) {
		size *= 2
	}
	x, y := make([]complex128, size), make([]complex128, size)
	energy := 0.0
	for i, s := range a {
		x[i] = complex(float64(s), 0)
		energy += float64(s) * float64(s)
	}
	sums := make([]float64, len(b)+1) // energy of b before each sample
	for i, s := range b {
		y[i] = complex(float64(s), 0)
		sums[i+1] = sums[i] + float64(s)*float64(s)
	}
	transform(x, false)
	transform(y, false)
	for i := range x {
		x[i] = cmplx.Conj(x[i]) * y[i]
	}
	transform(x, true)
	for at := range b {
		// Where a reaches beyond b, b is silent; a place with little sound is none.
		there := sums[min(at+len(a), len(b))] - sums[at]
		if there < 0.001*energy {
			continue
		}
		if v := real(x[at]) / math.Sqrt(there*energy); v > score {
			score, lag = v, at
		}
	}
	return min(score, 1), lag
}

// transform is the discrete Fourier transform of 2^n values in place (Cooley and
// Tukey); backwards it divides by their number.
func transform(x []complex128, backwards bool) {
	n := len(x)
	for i, j := 1, 0; i < n; i++ {
		bit := n >> 1
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		j ^= bit
		if i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	sign := -2 * math.Pi
	if backwards {
		sign = -sign
	}
	for size := 2; size <= n; size *= 2 {
		turn := cmplx.Rect(1, sign/float64(size))
		for at := 0; at < n; at += size {
			w := complex(1, 0)
			for i := at; i < at+size/2; i++ {
				u, v := x[i], x[i+size/2]*w
				x[i], x[i+size/2] = u+v, u-v
				w *= turn
			}
		}
	}
	if backwards {
		for i := range x {
			x[i] /= complex(float64(n), 0)
		}
	}
}
