package bolt

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hotline/store"
)

// childPath names the store in the environment of a child process that is there
// to be killed.
const childPath = "HOTLINE_TEST_STORE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever writes calls with their journals from eight goroutines and prints
// the id of each record that was acknowledged.
func writeForever(path string) error {
	s, err := Open(path, Options{})
	if err != nil {
		return err
	}
	failed := make(chan error)
	for range 8 {
		go func() { // ends with the process
			for {
				now := time.Now()
				id := store.NewID(now)
				s.LogJournal(store.Journal{Call: id, Updated: now})
				s.LogACD([]store.ACDEvent{{At: now, Body: []byte("1")}})
				s.LogJournal(store.Journal{Call: id, Updated: now})
				if err := s.PutCDR(store.CDR{ID: id, Began: now}); err != nil {
					failed <- err
				}
				os.Stdout.WriteString(id + "\n")
			}
		}()
	}
	return <-failed
}

func TestKillingTheProcessLosesNoAcknowledgedRecord(t *testing.T) {
	const kills = 30
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "hotline.db")
	var acked []string
	var reopening time.Duration
	for range kills {
		acked = append(acked, killed(t, self, path, rand.IntN(120))...)
		began := time.Now()
		s := openTest(t, path)
		reopening = max(reopening, time.Since(began))
		wantKept(t, s, acked)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		check(t, path)
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills, %d acknowledged records, all there; the longest open took %v", kills, len(acked), reopening)
}

// killed runs a child until it has acknowledged some records, kills it and
// returns all that it acknowledged.
func killed(t *testing.T, self, path string, after int) (acked []string) {
	t.Helper()
	child := exec.Command(self)
	child.Env = append(os.Environ(), childPath+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var kill sync.Once
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if acked = append(acked, lines.Text()); len(acked) > after {
			kill.Do(func() { _ = child.Process.Kill() }) // SIGKILL
		}
	}
	_ = child.Wait() // "signal: killed"
	if len(acked) <= after {
		t.Fatalf("child: got its end after %d records, want it to run until it is killed", len(acked))
	}
	return acked
}
