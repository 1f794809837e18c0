package media

import "math"

// Goertzel measures how strong a frequency (Hz) is in samples: the amplitude of
// a sine of that frequency, 0 to 32767.
func Goertzel(samples []int16, rate int, freq float64) float64 {
	if len(samples) == 0 || rate <= 0 {
		return 0
	}
	k := 2 * math.Cos(2*math.Pi*freq/float64(rate))
	var a, b float64
	for _, s := range samples {
		a, b = float64(s)+k*a-b, a
	}
	power := a*a + b*b - k*a*b
	return 2 * math.Sqrt(max(power, 0)) / float64(len(samples))
}

// Level is the effective (RMS) loudness of samples in dB below full scale of a
// square wave; -100 for silence. A full sine has -3.
func Level(samples []int16) float64 {
	var sum float64
	for _, s := range samples {
		sum += float64(s) * float64(s)
	}
	if sum == 0 {
		return -100
	}
	return max(-100, 10*math.Log10(sum/float64(len(samples))/(32768*32768)))
}

// Resample changes the rate of mono samples, with a windowed sinc that cuts off
// at the lower half rate.
func Resample(in []int16, from, to int) []int16 {
	if from == to || from <= 0 || to <= 0 || len(in) == 0 {
		return append([]int16(nil), in...)
	}
	g := gcd(from, to)
	up, down := to/g, from/g
	kernels, half := resampler(up, down)
	out := make([]int16, int(int64(len(in))*int64(up)/int64(down)))
	for i := range out {
		// Output i stands at i*down/up of the input: whole part and phase.
		at := int(int64(i) * int64(down) / int64(up))
		kernel := kernels[int(int64(i)*int64(down)%int64(up))]
		var sum float64
		for k, w := range kernel {
			if n := at - half + k; n >= 0 && n < len(in) {
				sum += w * float64(in[n])
			}
		}
		out[i] = int16(math.Round(min(max(sum, -32768), 32767)))
	}
	return out
}

// resampler makes a kernel for each phase; its middle is at index half.
func resampler(up, down int) (kernels [][]float64, half int) {
	const lobes = 16
	cut := min(1, float64(up)/float64(down)) * 0.95
	reach := lobes / cut
	half = int(math.Ceil(reach))
	kernels = make([][]float64, up)
	for p := range kernels {
		kernel := make([]float64, 2*half+2)
		var weight float64
		for k := range kernel {
			x := float64(p)/float64(up) - float64(k-half)
			if math.Abs(x) < reach {
				kernel[k] = sinc(cut*x) * (0.5 + 0.5*math.Cos(math.Pi*x/reach))
				weight += kernel[k]
			}
		}
		for k := range kernel {
			kernel[k] /= weight
		}
		kernels[p] = kernel
	}
	return kernels, half
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
