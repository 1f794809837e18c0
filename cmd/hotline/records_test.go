package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotline/api"
	"hotline/store"
	"hotline/store/bolt"
)

// engine is one that only has records.
type engine struct {
	api.Engine
	store store.Store
}

func (e engine) Store() store.Store { return e.store }

// process serves records from a data directory until the test ends.
func process(t *testing.T) (dir string, s store.Store) {
	t.Helper()
	dir, err := os.MkdirTemp("", "cli") // short: the path of a socket is bounded
	if err != nil {
		t.Fatal(err)
	}
	b, err := bolt.Open(filepath.Join(dir, "db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := api.New(api.Config{Engine: engine{store: b}, Recordings: filepath.Join(dir, "recordings"), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := api.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }() // ended by the cleanup
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := b.Close(); err != nil {
			t.Errorf("store: %v", err)
		}
		_ = os.RemoveAll(dir)
	})
	return dir, b
}

// hotline runs one command line.
func hotline(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	a := newApp(strings.NewReader(""), &o, &e, func(string) (string, bool) { return "", false })
	return a.run(t.Context(), args), o.String(), e.String()
}

// isBlank tells the padding between columns from the end of a line.
func isBlank(r rune) bool { return r == ' ' }

func sampleCDR(id string, at time.Time) store.CDR {
	return store.CDR{
		ID: id, Began: at, Answered: at.Add(time.Second), Ended: at.Add(90 * time.Second),
		Caller: "5551234", Name: "Eve\x1b[2J\u202e", Called: "4000", From: "trunk:acme", Agent: "1001", Queue: "sales",
		Stages:  []store.Stage{{Name: "menu", Began: at, Ended: at.Add(10 * time.Second)}, {Name: "talk", Began: at.Add(10 * time.Second), Ended: at.Add(90 * time.Second)}},
		Legs:    []store.Leg{{ID: "l", Role: "caller", Peer: "trunk:acme", Began: at, Ended: at.Add(90 * time.Second), Codec: "PCMU", In: 4500, Jitter: store.Duration(1234567)}},
		Offers:  []store.Offer{{ID: "a-1-1", Agent: "1001", Queue: "sales", Began: at, Ended: at.Add(5 * time.Second), Result: "answered"}},
		Talks:   []store.Talk{{Agent: "1001", Began: at.Add(10 * time.Second), Ended: at.Add(90 * time.Second)}},
		Ratings: []store.Rating{{Item: "service", Stars: 5}}, Cause: store.Cause{Text: "normal", Blame: "agent"},
		Trace: "menu; wait sales; talk; end",
	}
}

func TestCallRecordsAreListedAndShown(t *testing.T) {
	dir, s := process(t)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)
	for i, id := range []string{"c1", "c2"} {
		if err := s.PutCDR(sampleCDR(id, at.Add(time.Duration(i)*time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := hotline(t, "cdr", "list", "--data", dir)
	want := `ID  BEGAN                LENGTH  CALLER   CALLED  QUEUE  AGENT  TALK  RATING     END
c2  2026-03-04 06:06:07  1:30    5551234  4000    sales  1001   1:20  service 5  normal, agent
c1  2026-03-04 05:06:07  1:30    5551234  4000    sales  1001   1:20  service 5  normal, agent
`
	if code != 0 || out != want || errs != "" {
		t.Errorf("got %d\n%s%s\nwant\n%s", code, out, errs, want)
	}
	code, out, _ = hotline(t, "cdr", "list", "--data", dir, "-o", "json", "--from", "2026-03-04 06:00")
	var r store.CDR
	if code != 0 || strings.Count(out, "\n") != 1 || json.Unmarshal([]byte(out), &r) != nil || r.ID != "c2" {
		t.Errorf("got %d %s", code, out)
	}
	if code, out, _ = hotline(t, "cdr", "list", "--data", dir, "-o", "json", "--caller", "999"); code != 0 || out != "" {
		t.Errorf("got %d %s", code, out)
	}
	code, out, _ = hotline(t, "cdr", "show", "c1", "--data", dir)
	for _, line := range []string{
		"name Eve?[2J?", "talk 1:20", "trace menu; wait sales; talk; end",
		"menu 2026-03-04 05:06:07 0:10", "answered", "PCMU 4500 0 0 1.2ms",
	} {
		if !strings.Contains(strings.Join(strings.FieldsFunc(out, isBlank), " "), line) {
			t.Errorf("%d: no %q in\n%s", code, line, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("a caller's name reaches the terminal as a command")
	}
}

func TestRecordingsAreListedAndCopied(t *testing.T) {
	dir, s := process(t)
	folder := filepath.Join(dir, "recordings")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.wav"), []byte("RIFF"), 0o600); err != nil {
		t.Fatal(err)
	}
	rec := store.Recording{ID: "r1", Call: "c1", Path: "a.wav", Agent: "1001", Began: time.Now(), Length: store.Duration(time.Minute), Bytes: 4, Torn: true}
	if err := s.PutRecording(rec); err != nil {
		t.Fatal(err)
	}
	code, out, _ := hotline(t, "recording", "list", "--data", dir, "-o", "json")
	if want := `"file":"` + filepath.Join(folder, "a.wav") + `"`; code != 0 || !strings.Contains(out, want) {
		t.Errorf("got %d %s, want %s", code, out, want)
	}
	if code, out, _ = hotline(t, "recording", "show", "r1", "--data", dir); code != 0 || !strings.Contains(out, "recovered after a crash") {
		t.Errorf("got %d %s", code, out)
	}
	to := filepath.Join(dir, "out.wav")
	if code, out, errs := hotline(t, "recording", "export", "r1", to, "--data", dir); code != 0 {
		t.Errorf("got %d %s%s", code, out, errs)
	}
	if b, err := os.ReadFile(to); err != nil || string(b) != "RIFF" {
		t.Errorf("got %s, %v", b, err)
	}
	if code, _, errs := hotline(t, "recording", "export", "r1", to, "--data", dir); code != 1 || !strings.Contains(errs, "is there already; try: --force") {
		t.Errorf("got %d %s", code, errs)
	}
	if code, out, _ := hotline(t, "recording", "export", "r1", "-", "--data", dir); code != 0 || out != "RIFF" {
		t.Errorf("got %d %s", code, out)
	}
}

func TestTimesAreReadAsPeopleWriteThem(t *testing.T) {
	zone := time.FixedZone("x", 3600)
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, zone)
	for text, want := range map[string]string{
		"today": "2026-03-04T00:00:00+01:00", "yesterday": "2026-03-03T00:00:00+01:00", "2h": "2026-03-04T03:06:07+01:00",
		"2026-01-02": "2026-01-02T00:00:00+01:00", "2026-01-02 03:04": "2026-01-02T03:04:00+01:00", "2026-01-02T03:04:05Z": "2026-01-02T03:04:05Z",
	} {
		if got, err := instant(text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: got %v, %v, want %s", text, got, err, want)
		}
	}
	if _, err := instant("-2h", now); err == nil {
		t.Error("a time in the future was accepted")
	}
}

func TestTablesAlignWideLetters(t *testing.T) {
	var out bytes.Buffer
	a := newApp(nil, &out, nil, func(string) (string, bool) { return "", false })
	if err := a.print(grid{head: []string{"A", "B"}, rows: [][]string{{"张丽", "x"}, {"Bob", ""}}}); err != nil {
		t.Fatal(err)
	}
	if want := "A     B\n张丽  x\nBob   -\n"; out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestSpansOfTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00", 59 * time.Second: "0:59", 61 * time.Second: "1:01", time.Hour: "1:00:00", 25*time.Hour + 61*time.Second: "25:01:01", -time.Second: "0:00",
	} {
		if got := span(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}
