package sim

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"hotline/acd"
)

// busyDay is a day with all that happens to a center: people who hang up, missed
// and declined offers, transfers, breaks, wrap-up, two queues.
func busyDay(rule acd.Queue) Center {
	rule.WrapUp, rule.MissedNotReady = 20*time.Second, true
	other := rule
	rule.ID, other.ID = "q", "r"
	c := Center{Queues: []acd.Queue{rule, other}, Seed: 3, Open: 8 * time.Hour, Ratings: Ratings{Share: 0.3, Noise: 0.9, Whole: true, History: 5}}
	for i := range 12 {
		a := Agent{Agent: acd.Agent{ID: acd.AgentID(fmt.Sprintf("a%02d", i)), Queues: []acd.QueueID{"q", "r"}[i%2:]}}
		a.Quality = map[string]float64{"": 3.4 + 0.1*float64(i)}
		a.Miss, a.Decline = 0.05, 0.03
		from := 3*time.Hour + time.Duration(i)*10*time.Minute
		a.Away = []Span{{from, from + 30*time.Minute}}
		c.Agents = append(c.Agents, a)
	}
	patience, ring := Dist{Mean: 2 * time.Minute}, Dist{Mean: 4 * time.Second}
	s := Stream{Queue: "q", PerHour: 75, Talk: Dist{Mean: 3 * time.Minute, Shape: LogNormal}, Patience: &patience, PickUp: &ring, High: 1,
		Transfer: 0.08, To: "r", Profile: []float64{0.5, 1, 1.5, 1}, Customers: 300}
	s2 := s
	s2.Queue, s2.To, s2.Transfer = "r", "q", 0
	c.Streams = []Stream{s, s2}
	return c
}

// journal runs a center and keeps what a process would have kept of it.
func journal(t *testing.T, c Center, epoch uint64) (log []Logged, records map[string]Assigned) {
	t.Helper()
	records = map[string]Assigned{}
	c.Core = acd.Config{Node: "n1", Epoch: epoch}
	c.Log = func(at time.Time, ev acd.Event, out []acd.Command) {
		body, err := acd.EncodeEvent(ev)
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, Logged{epoch<<40 | uint64(len(log)+1), at, body})
		for _, cmd := range out {
			if o, ok := cmd.(acd.Offer); ok {
				reason, _ := json.Marshal(o.Reason)
				records[strings.TrimPrefix(o.ID.String(), "n1-")] = Assigned{o.Call, o.Agent, reason}
			}
		}
	}
	run(t, c)
	return log, records
}

func replay(t *testing.T, log []Logged, records map[string]Assigned, policy string, from, to time.Duration) Replayed {
	t.Helper()
	p, err := ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Replay(ReplayConfig{Records: records, From: opening.Add(from), To: opening.Add(to), Policy: p,
		Journal: func(f func(Logged) error) error {
			for _, l := range log {
				if err := f(l); err != nil {
					return err
				}
			}
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReplayReproducesTheDayBitForBit(t *testing.T) {
	for _, s := range acd.Strategies {
		log, records := journal(t, busyDay(acd.Queue{Strategy: s, H: 30 * time.Second, G: time.Minute}), 7)
		for _, from := range []time.Duration{-time.Hour, 4 * time.Hour} { // from the start, and from the middle of it all
			r := replay(t, log, records, "strategy="+string(s), from, 12*time.Hour)
			if r.Differ != 0 || r.Torn || r.Compared != r.Offers || r.Offers < 300 {
				t.Errorf("%s from %v: %d of %d offers differ, torn %v: %q", s, from, r.Differ, r.Compared, r.Torn, r.Why)
			}
			if r.Model != 0 || r.Moved != 0 || len(r.Changes) != 0 || r.Would != r.Was {
				t.Errorf("%s from %v: the same policy moves %d calls (%d in the model)\nwas   %+v\nwould %+v", s, from, r.Moved, r.Model, r.Was, r.Would)
			}
		}
	}
}

func TestReplayTellsWhatAnotherPolicyWouldHaveChanged(t *testing.T) {
	log, records := journal(t, busyDay(acd.Queue{}), 7) // first come first served
	r := replay(t, log, records, "head-start:head_start=5m:idle_start=10m", 0, 12*time.Hour)
	if r.Differ != 0 || r.Moved < 100 || len(r.Changes) != 10 {
		t.Fatalf("%d differ, %d moved, %d changes", r.Differ, r.Moved, len(r.Changes))
	}
	for i, ch := range r.Changes[1:] {
		if (ch.WaitWould - ch.WaitWas).Abs() > (r.Changes[i].WaitWould - r.Changes[i].WaitWas).Abs() {
			t.Errorf("changes are not sorted: %+v", r.Changes)
		}
	}
	if math.Abs(float64(r.Would.Calls-r.Was.Calls)) > 0.05*float64(r.Was.Calls) || r.Would.OccupancySD <= r.Was.OccupancySD {
		t.Errorf("was   %+v\nwould %+v", r.Was, r.Would)
	}
	// What the simulator says of such a center under that policy lies near.
	c := busyDay(acd.Queue{H: 5 * time.Minute, G: 10 * time.Minute})
	direct := run(t, c)
	if d := (r.Would.Wait - direct.Wait).Abs(); d > direct.Wait/3 {
		t.Errorf("wait under the other policy: replayed %v, simulated %v", r.Would.Wait, direct.Wait)
	}
}

func TestReplaySaysWhenTheJournalIsTorn(t *testing.T) {
	log, records := journal(t, busyDay(acd.Queue{}), 7)
	r := replay(t, log[3:], records, "longest-idle", 0, 12*time.Hour)
	if !r.Torn || !strings.Contains(fmt.Sprint(r.Why), "begins after the start of the process") {
		t.Errorf("a journal without its beginning: torn %v, %q", r.Torn, r.Why)
	}
	gap := append(append([]Logged{}, log[:2000]...), log[2005:]...)
	if r := replay(t, gap, records, "longest-idle", 0, 12*time.Hour); !r.Torn || !strings.Contains(fmt.Sprint(r.Why), "5 events before") {
		t.Errorf("a journal with a gap: torn %v, %q", r.Torn, r.Why)
	}
	if _, err := Replay(ReplayConfig{From: opening, To: opening.Add(time.Hour), Journal: func(func(Logged) error) error { return nil }}); err == nil {
		t.Error("an empty journal is replayed")
	}
}

func TestReplayFollowsAProcessThatWasStartedAnew(t *testing.T) {
	first, records := journal(t, busyDay(acd.Queue{}), 7)
	cut := first[:len(first)/2]
	c := busyDay(acd.Queue{})
	c.Seed = 9
	second, more := journal(t, c, 8)
	at := cut[len(cut)-1].At // the second process starts a minute after the first one was killed
	shift := at.Sub(second[0].At) + time.Minute
	for i := range second {
		second[i].At = second[i].At.Add(shift)
	}
	for id, m := range more {
		m.Reason = nil // its instants are shifted
		records[id] = m
	}
	r := replay(t, append(append([]Logged{}, cut...), second...), records, "longest-idle", 0, 24*time.Hour)
	if r.Processes != 2 || r.Torn {
		t.Errorf("processes %d, torn %v %q", r.Processes, r.Torn, r.Why)
	}
}
