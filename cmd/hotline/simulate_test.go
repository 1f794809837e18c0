package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"os"
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

// The table of docs/routing.md is that of the command above it. A change of a
// strategy may move it a little; beyond that the document has to be made anew.
func TestTheTableOfTheDocumentIsWhatTheSimulatorPrints(t *testing.T) {
	doc, err := os.ReadFile("../../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "\n$ hotline ")
	line, rest, ok2 := strings.Cut(rest, "\n")
	table, _, ok3 := strings.Cut(rest, "\n```")
	if !ok || !ok2 || !ok3 {
		t.Fatal("docs/routing.md has no table with its command")
	}
	code, out, errs := hotline(t, strings.Fields(line)...)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	table, _, _ = strings.Cut(table, "\n\n") // below it stands what decided, in words that may change
	want, got := strings.Split(table, "\n"), strings.Split(out, "\n")
	for i, w := range want {
		if i >= len(got) {
			t.Fatalf("line %d is missing: %q", i, w)
		}
		a, b := strings.Fields(got[i]), strings.Fields(w)
		if len(a) != len(b) {
			t.Errorf("line %d: %q, want %q", i, got[i], w)
			continue
		}
		for j := range b {
			var x, y float64
			_, err1 := fmt.Sscan(strings.TrimPrefix(a[j], "±"), &x)
			_, err2 := fmt.Sscan(strings.TrimPrefix(b[j], "±"), &y)
			near := math.Abs(x-y) <= 1.5+math.Abs(y)/5
			switch {
			case strings.HasPrefix(w, "rating"):
				near = math.Abs(x-y) <= 0.01
			case strings.HasPrefix(w, "longest wait"), strings.HasPrefix(w, "overtaken by"), strings.HasPrefix(w, "passed by"), strings.HasPrefix(w, "  at most"):
				near = x <= 2*y+30 && y <= 2*x+30 // the greatest of many, which one call may change
			}
			if err2 == nil && (err1 != nil || !near) || err2 != nil && a[j] != b[j] {
				t.Errorf("line %d: %q, want about %q: run the command again and put its table into docs/routing.md", i, got[i], w)
				break
			}
		}
	}
}

func TestPicturesAreWrittenAndNamedInTheDocument(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	a := newApp(strings.NewReader(""), &out, &out, func(string) (string, bool) { return "", false })
	if err := a.pictures(t.Context(), dir, 2000); err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/routing.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(dir)
	kept, _ := os.ReadDir("../../docs/routing")
	if len(files) != 5 || len(kept) != 5 {
		t.Errorf("%d pictures, %d in docs/routing, want 5", len(files), len(kept))
	}
	for i, f := range files {
		b, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(b))
		for err == nil {
			_, err = d.Token()
		}
		if err != io.EOF || len(b) < 2000 || bytes.Contains(b, []byte("NaN")) {
			t.Errorf("%s is no picture: %v", f.Name(), err)
		}
		if kept[i].Name() != f.Name() || !strings.Contains(string(doc), "(routing/"+f.Name()+")") {
			t.Errorf("%s is not in docs/routing.md and its folder", f.Name())
		}
	}
}
