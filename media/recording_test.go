package media

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hotline/internal/simnet"
)

// readBack gives the two channels of a file.
func readBack(t *testing.T, path string) (left, right []int16) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, rate, channels, err := ReadWAV(f)
	if err != nil || rate != 8000 || channels != 2 {
		t.Fatalf("got rate %d, %d channels, %v", rate, channels, err)
	}
	for i := 0; i+1 < len(s); i += 2 {
		left, right = append(left, s[i]), append(right, s[i+1])
	}
	return left, right
}

func TestBothSidesAreOnTheirChannels(t *testing.T) {
	dir := t.TempDir()
	everywhere(t, func(r *rig) {
		path := filepath.Join(dir, filepath.Base(r.t.Name())+".wav")
		a, b := r.leg("a", func(s *SetRemote) { s.Codec = PCMA }), r.leg("b")
		r.e.Do(Record{ID: "r", Path: path, Left: "a", Right: "b"})
		seatTwo(r, "a", "b")
		r.wg.Go(func() { a.talk(900*time.Millisecond, sine(500, 0.5)) })
		b.talk(900*time.Millisecond, sine(700, 0.5))
		r.e.Do(Finish{ID: "r"})
		r.stop()
		rec := told[Recorded](r)
		if len(rec) != 1 || rec[0].Err != nil || rec[0].Path != path || rec[0].Dropped != 0 {
			r.t.Fatalf("got %+v", rec)
		}
		left, right := readBack(r.t, path)
		if d := time.Duration(len(left)) * time.Second / 8000; d != rec[0].Duration || d < 850*time.Millisecond {
			r.t.Errorf("got %v in the file, %v told", d, rec[0].Duration)
		}
		info, err := os.Stat(path)
		if err != nil || info.Size() != rec[0].Bytes || info.Mode().Perm() != 0o600 {
			r.t.Errorf("got %v %v, want %d bytes of mode 0600", info, err, rec[0].Bytes)
		}
		mid := len(left) / 4
		if got := Goertzel(left[mid:3*mid], 8000, 500); got < 15000 {
			r.t.Errorf("left has %.0f of 500 Hz", got)
		}
		if got := Goertzel(right[mid:3*mid], 8000, 700); got < 15000 {
			r.t.Errorf("right has %.0f of 700 Hz", got)
		}
		if got := Goertzel(right[mid:3*mid], 8000, 500); got > 300 {
			r.t.Errorf("right has %.0f of the caller's 500 Hz", got)
		}
		if _, err := os.Stat(LivePath(path)); !os.IsNotExist(err) {
			r.t.Errorf("the live file is still there: %v", err)
		}
	})
}

func TestWhatIsRecordedIsBitForBitWhatWasSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	var want []byte
	simulatedOn(t, simnet.Options{Latency: 30 * time.Millisecond, Jitter: recSkew * time.Second / sampleRate}, Config{}, func(r *rig) {
		a := r.leg("a")
		for range 2 * settledAfter { // by then it is known how long the way is
			a.send(bytes.Repeat([]byte{0x7F}, 160))
			time.Sleep(frameTime)
		}
		r.e.Do(Record{ID: "r", Path: path, Left: "a"})
		for i := range 500 {
			p := make([]byte, 160)
			for k := range p {
				p[k] = byte(1 + (i*7+k)%100)
			}
			want = append(want, p...)
			a.send(p)
			time.Sleep(frameTime)
		}
		time.Sleep(100 * time.Millisecond)
		r.e.Do(Finish{ID: "r"})
		r.stop()
	})
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var left []byte
	for i := liveHeader; i < len(file); i += 2 {
		left = append(left, file[i])
	}
	at := bytes.Index(left, want[:160])
	if at < 0 || at+len(want) > len(left) || !bytes.Equal(left[at:at+len(want)], want) {
		t.Errorf("what was said is not on the channel in one piece (begin at %d of %d)", at, len(left))
	}
}

// A caller whose clock runs 200 ppm fast, an agent 200 ppm slow: after an hour
// 1.4 s apart if placed by timestamps alone.
func TestChannelsStayInStepForAnHour(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	simulatedOn(t, simnet.Options{Latency: 20 * time.Millisecond, Jitter: 8 * time.Millisecond}, Config{}, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		r.e.Do(Record{ID: "r", Path: path, Left: "a", Right: "b"})
		seatTwo(r, "a", "b")
		end := time.Now().Add(longTalk)
		drift := func(p *peer, step time.Duration) {
			next := time.Now()
			for next.Before(end) {
				// A mark of 20 ms at each whole minute of real time, to the sample.
				pcm := make([]int16, 160)
				for i := range pcm {
					at := next.Add(step*time.Duration(i)/160).Sub(end) + longTalk
					if at%time.Minute < frameTime {
						pcm[i] = 8000
					}
				}
				b := make([]byte, 160)
				p.send(PCMU.Encode(b, pcm))
				next = next.Add(step)
				time.Sleep(time.Until(next))
			}
		}
		r.wg.Go(func() { drift(a, 19996*time.Microsecond) })
		drift(b, 20004*time.Microsecond)
		time.Sleep(time.Second)
		r.e.Do(Finish{ID: "r"})
		r.stop()
		if rec := told[Recorded](r); len(rec) != 1 || rec[0].Err != nil {
			t.Fatalf("got %+v", rec)
		}
	})
	left, right := readBack(t, path)
	marks := func(s []int16) (at []int) {
		for i := range s {
			if s[i] > 4000 && (len(at) == 0 || i-at[len(at)-1] > 8000) {
				at = append(at, i)
			}
		}
		return at
	}
	l, r := marks(left), marks(right)
	if want := int(longTalk / time.Minute); len(l) < want || len(r) != len(l) {
		t.Fatalf("got %d and %d marks, want %d", len(l), len(r), want)
	}
	worst := 0
	for i := range l {
		worst = max(worst, l[i]-r[i], r[i]-l[i])
	}
	if worst > 160 {
		t.Errorf("got a skew of %.1f ms, want at most 20", float64(worst)/8)
	}
	t.Logf("worst skew: %.1f ms", float64(worst)/8)
}

func TestPauseIsSilenceAndTimeIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	simulated(t, func(r *rig) {
		a := r.leg("a")
		r.e.Do(Record{ID: "r", Path: path, Left: "a"})
		for i := range 3 {
			r.e.Do(Pause{ID: "r", On: i == 1})
			a.talk(time.Second, constant(1000))
		}
		r.e.Do(Finish{ID: "r"})
		r.stop()
	})
	left, _ := readBack(t, path)
	if len(left) < 23900 || len(left) > 24200 {
		t.Errorf("got %d samples, want 24000", len(left))
	}
	for i, want := range []bool{true, false, true} {
		if got := Level(left[8000*i+400:8000*i+7600]) > -40; got != want {
			t.Errorf("second %d: got sound %v, want %v", i, got, want)
		}
	}
}

func TestATapMovesToAnotherLegWithoutABreak(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	simulated(t, func(r *rig) {
		a, b, c := r.leg("a"), r.leg("b"), r.leg("c")
		r.e.Do(Record{ID: "r", Path: path, Left: "a", Right: "b"})
		r.wg.Go(func() { a.talk(2*time.Second, constant(500)) })
		r.wg.Go(func() { b.talk(2*time.Second, constant(1000)) })
		r.wg.Go(func() { c.talk(2*time.Second, constant(4000)) })
		time.Sleep(time.Second)
		r.e.Do(Tap{ID: "r", Left: "a", Right: "c"})
		time.Sleep(time.Second)
		r.e.Do(Close{Leg: "b"})
		r.e.Do(Finish{ID: "r"})
		r.stop()
	})
	left, right := readBack(t, path)
	for i := 400; i < 15600; i++ {
		if left[i] < 400 {
			t.Fatalf("left is silent at %d", i)
		}
		if want := i > 8000; i != 8000 && (right[i] > 2000) != want && (i < 7800 || i > 8200) {
			t.Fatalf("right at %d: got %d", i, right[i])
		}
	}
}

func TestALiveFileIsPlayableAtAnyMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	simulated(t, func(r *rig) {
		a := r.leg("a")
		r.e.Do(Record{ID: "r", Path: path, Left: "a", Right: "a"})
		for i := 1; i <= 50; i++ {
			a.talk(100*time.Millisecond, constant(1000))
			if i < 15 {
				continue
			}
			left, _ := readBack(t, LivePath(path))
			if missing := 100*i - len(left)/8; missing > 1000 {
				t.Errorf("after %d ms: %d ms are not in the file", 100*i, missing)
			}
		}
		r.stop() // no Finish: the end of the engine finishes it
		if rec := told[Recorded](r); len(rec) != 1 || rec[0].Err != nil {
			t.Errorf("got %+v", rec)
		}
	})
}

func TestWhatTheDiskRefusesIsToldAndTheCallGoesOn(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.wav")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(LivePath(filepath.Join(dir, "torn.wav")), []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	simulated(t, func(r *rig) {
		a, b := r.leg("a"), r.leg("b")
		seatTwo(r, "a", "b")
		for _, p := range []string{filepath.Join(dir, "no", "such", "dir.wav"), taken, filepath.Join(dir, "torn.wav")} {
			r.e.Do(Record{ID: RecordingID(p), Path: p, Left: "a", Right: "b"})
		}
		a.talk(3*time.Second, constant(1000))
		for _, p := range []string{filepath.Join(dir, "no", "such", "dir.wav"), taken, filepath.Join(dir, "torn.wav")} {
			r.e.Do(Finish{ID: RecordingID(p)})
		}
		r.stop()
		rec := told[Recorded](r)
		if len(rec) != 3 {
			t.Fatalf("got %+v", rec)
		}
		for _, e := range rec {
			if e.Err == nil {
				t.Errorf("%s: got no error", e.Path)
			}
		}
		if n := len(b.packets()); n != 150 {
			t.Errorf("the other side got %d packets, want 150", n)
		}
	})
	if b, _ := os.ReadFile(taken); string(b) != "mine" {
		t.Error("a file that was there was overwritten")
	}
	if b, _ := os.ReadFile(LivePath(filepath.Join(dir, "torn.wav"))); string(b) != "torn" {
		t.Error("a torn live file was overwritten")
	}
}

func TestAFullDiskEndsInAnErrorAndAPlayableFile(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	path := filepath.Join(t.TempDir(), "r.wav")
	f := &liveFile{path: path, live: LivePath(path)}
	var err error
	if f.f, err = os.OpenFile("/dev/full", os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	defer f.f.Close()
	if err := f.write(0, make([]byte, 100)); err == nil {
		t.Error("got no error of a full disk")
	}
}

func TestADiskThatFallsBehindLosesSoundNotTime(t *testing.T) {
	var s Stats
	d := newDisk(&s, func(Recorded) {})
	f := d.open("r", filepath.Join(t.TempDir(), "r.wav"))
	for d.waiting.Load()+2*recChunk <= diskWaiting {
		b := d.buffer(f, 2*recChunk)
		d.write(f, 0, b[:2*recChunk])
	}
	if b := d.buffer(f, 2*recChunk); b != nil {
		t.Error("got room beyond the bound")
	}
	if got := f.dropped.Load(); got != 2*recChunk {
		t.Errorf("got %d dropped, want %d", got, 2*recChunk)
	}
}

func TestSoxReadsWhatWeRecord(t *testing.T) {
	soxi, err := exec.LookPath("soxi")
	if err != nil {
		t.Skip("sox is not installed, so it does not read what we record; try: make phones")
	}
	path := filepath.Join(t.TempDir(), "r.wav")
	simulated(t, func(r *rig) {
		a := r.leg("a")
		r.e.Do(Record{ID: "r", Path: path, Left: "a"})
		a.talk(2*time.Second, sine(440, 0.5))
		r.e.Do(Finish{ID: "r"})
		r.stop()
	})
	out, err := exec.Command(soxi, path).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("WARN")) {
		t.Fatalf("soxi: %v\n%s", err, out)
	}
	for _, want := range []string{"Channels       : 2", "Sample Rate    : 8000", "u-law"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("soxi says\n%s\nwant %q", out, want)
		}
	}
	if out, err := exec.Command("sox", path, "-n", "stat").CombinedOutput(); err != nil || bytes.Contains(out, []byte("WARN")) {
		t.Errorf("sox: %v\n%s", err, out)
	}
}

func TestPacketsThatComeLateMoveNothingInARecording(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var p placer
	for k := range 3000 {
		said := int64(k * frameSize)
		late := int64(0)
		if busy := k/250%2 == 1; busy && k%20 != 0 { // a machine that is busy in every other 5 s
			late = random.Int64N(100 * sampleRate / 1000)
		}
		pos := p.at(header{seq: uint16(k), ts: uint32(k * frameSize), ssrc: 7}, said+late, 0)
		if want := said; pos != want {
			t.Fatalf("packet %d, %d samples late: placed at %d, want %d", k, late, pos, want)
		}
	}
}
