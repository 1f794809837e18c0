package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/acd"
	"hotline/acd/sim"
	"hotline/store"
	"hotline/store/bolt"
)

// fillDay writes what a process would have left of a day, simulated: its journal,
// and a record of each call.
func fillDay(t *testing.T, s store.Store) {
	t.Helper()
	c := sim.Center{Queues: []acd.Queue{{ID: "sales", MissedNotReady: true, WrapUp: 10 * time.Second}}, Open: 6 * time.Hour, Seed: 4,
		Core: acd.Config{Node: "node-a", Epoch: 12}}
	for i := range 6 {
		c.Agents = append(c.Agents, sim.Agent{Agent: acd.Agent{ID: acd.AgentID(fmt.Sprint(1001 + i)), Queues: []acd.QueueID{"sales"}}, Miss: 0.05})
	}
	ring := sim.Dist{Mean: 3 * time.Second}
	c.Streams = []sim.Stream{{Queue: "sales", PerHour: 90, High: 1, Talk: sim.Dist{Mean: 3 * time.Minute}, Patience: &sim.Dist{Mean: 2 * time.Minute}, PickUp: &ring}}
	cdrs := map[acd.CallID]*store.CDR{}
	seq := uint64(12 << 40)
	c.Log = func(at time.Time, ev acd.Event, out []acd.Command) {
		body, err := acd.EncodeEvent(ev)
		if err != nil {
			t.Fatal(err)
		}
		seq++
		s.LogACD([]store.ACDEvent{{Seq: seq, At: at, Body: body}})
		if q, ok := ev.(acd.CallQueued); ok {
			cdrs[q.Call] = &store.CDR{ID: string(q.Call), Began: at}
		}
		for _, cmd := range out {
			if o, ok := cmd.(acd.Offer); ok {
				reason, _ := json.Marshal(o.Reason)
				r := cdrs[o.Call]
				r.Offers = append(r.Offers, store.Offer{ID: o.ID.String(), Agent: string(o.Agent), Queue: "sales", Began: at, Reason: reason})
			}
		}
	}
	if _, err := sim.Run(c); err != nil {
		t.Fatal(err)
	}
	for _, r := range cdrs {
		if err := s.PutCDR(*r); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
}

func TestADayIsReplayedThroughTheRunningProcessAndFromItsFile(t *testing.T) {
	t.Setenv("TZ", "UTC")
	dir, s := process(t)
	fillDay(t, s)
	other := t.TempDir()
	file, err := bolt.Open(filepath.Join(other, "hotline.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fillDay(t, file)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	var first string
	for _, data := range []string{dir, other} {
		code, out, errs := hotline(t, "simulate", "--replay", "2026-01-05", "--policy", "strategy=head-start head_start=5m idle_start=10m", "--queue", "sales", "--data", data)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		for _, want := range []string{"offers in the records are reproduced bit for bit", "calls would have had another agent", "the biggest changes", "service level 80/20"} {
			if !strings.Contains(out, want) {
				t.Errorf("the replay does not say %q:\n%s", want, out)
			}
		}
		if strings.Contains(out, "simulated under its own policy") {
			t.Errorf("the model does not live the day as it was:\n%s", out)
		}
		if first == "" {
			first = out
		} else if out != first {
			t.Errorf("from the file:\n%s\nthrough the process:\n%s", out, first)
		}
	}
}

func TestAReplayThatCannotBeIsRefused(t *testing.T) {
	t.Setenv("TZ", "UTC")
	dir, s := process(t)
	fillDay(t, s)
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"--replay 2026-01-05", 2, "needs another policy to compare with; try: --policy"},
		{"--replay someday --policy counted", 2, `"someday" is not a time; try: --replay 2026-12-24`},
		{"--replay 2026-03-05 --policy counted", 1, "the journal has no event of that day"},
		{"--replay 2026-01-05 --policy quickest", 2, `unknown strategy "quickest"; try: one of head-start`},
		{"--replay 2026-01-05 --policy counted --queue gone", 1, "no call of this queue on 2026-01-05; try: hotline queue list"},
		{"--replay 2026-01-05 --policy counted --data /absent", 1, "/absent/hotline.db is not there; try: --data"},
		{"--queue sales", 2, "goes with --replay"},
	} {
		args := append([]string{"simulate", "--data", dir}, strings.Fields(c.args)...)
		if code, out, errs := hotline(t, args...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, want %d; %q, want %q%s", c.args, code, c.code, errs, c.want, out)
		}
	}
}
