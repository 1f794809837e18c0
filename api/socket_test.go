package api

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hotline/store"
)

// running serves over a unix socket until the test ends.
func running(t *testing.T, e *engine) *Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "api") // short: the path of a socket is bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := newServer(t, e)
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }() // ended by the cleanup below
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		if _, err := os.Lstat(filepath.Join(dir, SocketName)); !os.IsNotExist(err) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
	return NewClient(dir, "cli:ann")
}

func TestTheClientSpeaksToTheServerOverTheSocket(t *testing.T) {
	e := &engine{store: &records{cdrs: []store.CDR{{ID: "2"}, {ID: "1"}}, recordings: []store.Recording{{ID: "r", Path: "r.wav"}}}}
	c, ctx := running(t, e), t.Context()
	if err := c.SetAgentState(ctx, "a/b ?", StateRequest{State: "ready"}); err != nil {
		t.Error(err)
	}
	if err := c.Hangup(ctx, "c1"); err != nil {
		t.Error(err)
	}
	if want := []string{"a/b ?|ready||cli:ann", "hangup c1 cli:ann"}; !slices.Equal(e.said, want) {
		t.Errorf("got %q, want %q", e.said, want)
	}
	var ids []string
	when := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	if err := c.CDRs(ctx, store.Filter{From: when, Caller: "+49 30&x", Limit: 9}, func(r store.CDR) error {
		ids = append(ids, r.ID)
		return nil
	}); err != nil || !slices.Equal(ids, []string{"2", "1"}) {
		t.Errorf("got %q, %v", ids, err)
	}
	if f := e.store.asked; !f.From.Equal(when) || f.Caller != "+49 30&x" || f.Limit != 9 {
		t.Errorf("got %+v", f)
	}
	var refused *Error
	if _, err := c.NewSecret(ctx, "nobody"); !errors.As(err, &refused) || refused.Status != 404 {
		t.Errorf("got %v, want a refusal", err)
	}
	if s, err := c.Status(ctx); err != nil || s.Realm != "r" {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestHalfAListIsNeverTakenForAWholeOne(t *testing.T) {
	e := &engine{store: &records{cdrs: make([]store.CDR, 1000), fail: errors.New("disk")}}
	c := running(t, e)
	if err := c.CDRs(t.Context(), store.Filter{}, func(store.CDR) error { return nil }); err == nil {
		t.Error("got a whole list, want an error")
	}
	e.store.cdrs = nil
	var refused *Error
	if err := c.CDRs(t.Context(), store.Filter{}, func(store.CDR) error { return nil }); !errors.As(err, &refused) || refused.Status != 500 {
		t.Errorf("got %v, want 500", err)
	}
}

func TestOnlyTheUserMayOpenTheSocketAndOneProcessHasIt(t *testing.T) {
	dir := t.TempDir()
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, SocketName)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want mode 0600", info.Mode(), err)
	}
	if _, err := Listen(dir); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want in use", err)
	}
	_ = l.(*socket).UnixListener.Close() // as a killed process leaves it: the file stays
	if _, err := os.Lstat(path); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(dir)
	if err != nil {
		t.Fatalf("a stale socket was not replaced: %v", err)
	}
	_ = again.Close()
}

func TestWhatIsNoSocketIsNotRemoved(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, SocketName)
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir); err == nil {
		t.Error("listened over a file")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "mine" {
		t.Errorf("got %s, %v", b, err)
	}
	if _, err := Listen(filepath.Join(dir, strings.Repeat("x", 120))); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v, want a word on the length", err)
	}
}

func TestNobodyAnswersWhereNobodyListens(t *testing.T) {
	c := NewClient(t.TempDir(), "x")
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNobody) {
		t.Errorf("got %v, want nobody", err)
	}
}
