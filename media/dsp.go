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
	const lobes = 16
	cut := min(1, float64(to)/float64(from)) * 0.95
	reach := lobes / cut
	out := make([]int16, int(int64(len(in))*int64(to)/int64(from)))
	for i := range out {
		at := float64(i) * float64(from) / float64(to)
		var sum, weight float64
		for n := int(math.Ceil(at - reach)); float64(n) <= at+reach; n++ {
			x := at - float64(n)
			w := cut * sinc(cut*x) * (0.5 + 0.5*math.Cos(math.Pi*x/reach))
			weight += w
			if n >= 0 && n < len(in) {
				sum += w * float64(in[n])
			}
		}
		out[i] = int16(math.Round(min(max(sum/weight, -32768), 32767)))
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}
