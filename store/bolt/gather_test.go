package bolt

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/store"
)

// bubbled runs f with a store that gathers, in virtual time.
func bubbled(t *testing.T, gather time.Duration, f func(t *testing.T, s *Store)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hotline.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(path, Options{Gather: gather})
		if err != nil {
			t.Fatal(err)
		}
		f(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestRecordsOfCallsWaitForCompany(t *testing.T) {
	bubbled(t, 25*time.Millisecond, func(t *testing.T, s *Store) {
		var wg sync.WaitGroup
		for i := range 200 { // one second of a busy center
			wg.Go(func() { // ends by itself
				began := time.Now()
				if err := s.PutCDR(store.CDR{ID: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
				if err := s.PutCustomer(store.Customer{ID: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
				if got := time.Since(began); got > 50*time.Millisecond {
					t.Errorf("two puts: got %s, want 50ms at most", got)
				}
			})
			time.Sleep(5 * time.Millisecond)
		}
		wg.Wait()
		if got := s.Stats().Commits.Load(); got > 45 {
			t.Errorf("commits in a second: got %d, want about one per 25 ms", got)
		}
	})
}

func TestARecordAfterAQuietTimeIsWrittenAtOnce(t *testing.T) {
	bubbled(t, 25*time.Millisecond, func(t *testing.T, s *Store) {
		for i := range 3 {
			time.Sleep(30 * time.Millisecond)
			began := time.Now()
			if err := s.PutCDR(store.CDR{ID: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
			if got := time.Since(began); got != 0 {
				t.Errorf("put %d: got %s, want 0s", i, got)
			}
		}
	})
}

func TestWhoWaitsForAnAnswerIsNotHeldUpByGathering(t *testing.T) {
	bubbled(t, time.Hour, func(t *testing.T, s *Store) {
		if err := s.PutCDR(store.CDR{ID: "first"}); err != nil {
			t.Error(err)
		}
		began := time.Now()
		second := make(chan error)
		go func() { second <- s.PutCDR(store.CDR{ID: "second"}) }() // ends with the next commit
		synctest.Wait()
		if err := s.PutMeta("realm", []byte("a")); err != nil {
			t.Error(err)
		}
		if err := <-second; err != nil {
			t.Error(err)
		}
		if got := time.Since(began); got != 0 {
			t.Errorf("a meta and the record that waited: got %s, want 0s", got)
		}
		s.LogAgentStatus(store.AgentStatus{ID: "1001"})
		if err := s.PutCDR(store.CDR{ID: "third"}); err != nil {
			t.Error(err)
		}
		if got := time.Since(began); got != store.LogDelay/2 {
			t.Errorf("a record beside a log write: got %s, want %s", got, store.LogDelay/2)
		}
	})
}

func TestAJournalIsWrittenAsItWasLogged(t *testing.T) {
	bubbled(t, 0, func(t *testing.T, s *Store) {
		j := store.Journal{Call: "c1", CDR: store.CDR{ID: "c1", Stages: []store.Stage{{Name: "menu"}}, Path: []string{"main"}},
			Recording: &store.Recording{ID: "r1"}}
		s.LogJournal(j)
		j.CDR.Stages[0].Name, j.CDR.Path[0], j.Recording.ID = "later", "later", "later"
		if err := s.Sync(); err != nil {
			t.Error(err)
		}
		list, err := s.Journals()
		if err != nil || len(list) != 1 {
			t.Fatalf("journals: got %v, %v, want one", list, err)
		}
		got := list[0]
		if got.CDR.Stages[0].Name != "menu" || got.CDR.Path[0] != "main" || got.Recording.ID != "r1" {
			t.Errorf("got %+v, want it as it was when it was logged", got)
		}
	})
}

func TestACallOfOneCommitLeavesNoJournal(t *testing.T) {
	bubbled(t, 0, func(t *testing.T, s *Store) {
		s.LogJournal(store.Journal{Call: "c1"})
		if err := s.PutCDR(store.CDR{ID: "c1"}); err != nil {
			t.Error(err)
		}
		s.LogJournal(store.Journal{Call: "c1"})
		if err := s.Sync(); err != nil {
			t.Error(err)
		}
		if list, err := s.Journals(); err != nil || len(list) != 0 {
			t.Errorf("journals: got %v, %v, want none", list, err)
		}
	})
}
