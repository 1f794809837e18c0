package media

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotline/internal/simnet"
)

// Tones of the three, and how loud each is on a channel where he is heard.
var (
	guestHz    = [3]float64{500, 700, 1100}
	guestLevel = 0.2 * 32768
)

// has tells which of the three are on a channel between two instants.
func has(pcm []int16, from, to time.Duration) (got string) {
	span := pcm[int(from.Seconds()*sampleRate):int(to.Seconds()*sampleRate)]
	for i, hz := range guestHz {
		switch v := Goertzel(span, sampleRate, hz) / guestLevel; {
		case v > 0.8 && v < 1.2:
			got += string("cat"[i])
		case v > 0.1:
			got += fmt.Sprintf("%c at %.2f", "cat"[i], v)
		}
	}
	return got
}

// The third is a barger, a coach, a listener and another agent, and is gone between.
func TestAllThatPeopleSayToTheCallerIsOnTheRightChannel(t *testing.T) {
	for _, shards := range []int{1, 2} {
		path := filepath.Join(t.TempDir(), "r.wav")
		steps := []struct {
			role  Role
			right string
		}{{numRoles, "a"}, {Barger, "at"}, {Coach, "a"}, {Barger, "at"}, {numRoles, "a"}, {Listener, "a"}, {Agent, "at"}, {Caller, "at"}, {numRoles, "a"}}
		simulatedOn(t, simnet.Options{Latency: 5 * time.Millisecond}, Config{Shards: shards}, func(r *rig) {
			all := []*peer{r.leg("caller"), r.leg("agent"), r.leg("third")}
			seatTwo(r, "caller", "agent")
			for i, p := range all {
				r.wg.Go(func() { p.talk(10*time.Second, sine(guestHz[i], 0.2)) })
			}
			time.Sleep(100 * time.Millisecond)
			r.e.Do(Record{ID: "r", Path: path, Left: "caller", Right: "agent"})
			for _, step := range steps {
				if step.role == numRoles {
					r.e.Do(Leave{Leg: "third"})
				} else {
					r.e.Do(Seat{Bridge: "b", Leg: "third", Role: step.role})
				}
				time.Sleep(time.Second)
			}
			r.e.Do(Finish{ID: "r"})
			r.wg.Wait()
		})
		left, right := readBack(t, path)
		for i, step := range steps {
			from := time.Duration(i)*time.Second + 200*time.Millisecond
			if got := has(right, from, from+700*time.Millisecond); got != step.right {
				t.Errorf("%d shards, second %d, third is %d: right has %q, want %q", shards, i, step.role, got, step.right)
			}
			if got := has(left, from, from+700*time.Millisecond); got != "c" {
				t.Errorf("%d shards, second %d: left has %q, want the caller alone", shards, i, got)
			}
		}
	}
}

// Who joined before the recording began is on it, and whose keys are masked is not.
func TestAThirdWhoJoinedBeforeIsRecorded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	simulated(t, func(r *rig) {
		all := []*peer{r.leg("caller"), r.leg("agent"), r.leg("third")}
		seatTwo(r, "caller", "agent")
		r.e.Do(Seat{Bridge: "b", Leg: "third", Role: Barger})
		for i, p := range all {
			r.wg.Go(func() { p.talk(3*time.Second, sine(guestHz[i], 0.2)) })
		}
		time.Sleep(100 * time.Millisecond)
		r.e.Do(Record{ID: "r", Path: path, Left: "caller", Right: "agent"})
		time.Sleep(time.Second)
		r.e.Do(Pause{ID: "r", On: true})
		time.Sleep(time.Second)
		r.e.Do(Close{Leg: "third"})
		r.e.Do(Pause{ID: "r"})
		time.Sleep(700 * time.Millisecond)
		r.e.Do(Finish{ID: "r"})
		r.wg.Wait()
	})
	_, right := readBack(t, path)
	for i, want := range []string{"at", "", "a"} {
		from := time.Duration(i)*time.Second + 200*time.Millisecond
		if got := has(right, from, from+400*time.Millisecond); got != want {
			t.Errorf("second %d: right has %q, want %q", i, got, want)
		}
	}
}

// A third who says nothing changes no bit of what the agent said.
func TestTheAgentIsRecordedBitForBitBesideOneWhoIsSilent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.wav")
	var want []byte
	simulated(t, func(r *rig) {
		r.leg("caller")
		b, c := r.leg("agent"), r.leg("third")
		seatTwo(r, "caller", "agent")
		r.e.Do(Seat{Bridge: "b", Leg: "third", Role: Barger})
		r.e.Do(Record{ID: "r", Path: path, Left: "caller", Right: "agent"})
		time.Sleep(50 * time.Millisecond)
		r.wg.Go(func() { c.talk(5*time.Second, constant(0)) })
		for i := range 200 {
			p := make([]byte, 160)
			for k := range p {
				p[k] = byte(i*7 + k*(1+i%5))
			}
			want = append(want, p...)
			b.send(p)
			time.Sleep(frameTime)
		}
		r.wg.Wait()
		r.e.Do(Finish{ID: "r"})
	})
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var right []byte
	for i := liveHeader + 1; i < len(file); i += 2 {
		right = append(right, file[i])
	}
	if !bytes.Contains(right, want) {
		t.Error("what the agent said is not on the right channel in one piece")
	}
}
