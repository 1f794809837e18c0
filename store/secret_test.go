package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"hotline/store"
)

func sealer(t *testing.T, path string) *store.Sealer {
	t.Helper()
	s, err := store.LoadOrCreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASealedTextOpensWithTheSameKeyFileOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	one, again, other := sealer(t, path), sealer(t, path), sealer(t, path+"2")
	for _, plain := range []string{"", "secret", "sealed:v1:", strings.Repeat("密", 1000)} {
		sealed := one.Seal(plain)
		if !strings.HasPrefix(sealed, "sealed:v1:") || sealed == one.Seal(plain) {
			t.Errorf("seal %q: got %q, want a prefix and a new text each time", plain, sealed)
		}
		if got, err := again.Open(sealed); got != plain || err != nil {
			t.Errorf("open: got %q, %v, want %q", got, err, plain)
		}
		if got, err := other.Open(sealed); !errors.Is(err, store.ErrSealed) {
			t.Errorf("open with another key: got %q, %v, want ErrSealed", got, err)
		}
	}
}

func TestAChangedSealedTextDoesNotOpen(t *testing.T) {
	s := sealer(t, filepath.Join(t.TempDir(), "key"))
	sealed := s.Seal("secret")
	for i := range sealed {
		b := []byte(sealed)
		b[i] ^= 1
		if got, err := s.Open(string(b)); err == nil {
			t.Errorf("byte %d changed: got %q, want an error", i, got)
		}
		if got, err := s.Open(sealed[:i]); err == nil {
			t.Errorf("cut to %d bytes: got %q, want an error", i, got)
		}
	}
}

func TestTheKeyFileIsPrivateAndNeverReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	var wg sync.WaitGroup
	texts := make([]string, 8)
	for i := range texts {
		wg.Go(func() { // ends by itself; all start at once and must agree on a key
			if s, err := store.LoadOrCreateKey(path); err == nil {
				texts[i] = s.Seal("x")
			}
		})
	}
	wg.Wait()
	for _, text := range texts {
		if got, err := sealer(t, path).Open(text); got != "x" {
			t.Errorf("sealed by another process: got %q, %v, want x", got, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 || info.Size() != 32 {
		t.Errorf("key file: got %v, %v, want mode 0600 and 32 bytes", info, err)
	}
	if list, _ := os.ReadDir(dir); len(list) != 1 {
		t.Errorf("files beside the key: got %v, want none", list)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.LoadOrCreateKey(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("short key file: got %v, want an error that names it", err)
	}
	if _, err := store.LoadOrCreateKey(filepath.Join(dir, "no", "key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: got %v, want that it does not exist", err)
	}
}

func TestOnlyTheSecretsOfTrunksAreSealed(t *testing.T) {
	s := sealer(t, filepath.Join(t.TempDir(), "key"))
	objects := []store.Object{
		{Key: store.Key{Kind: store.KindTrunk, ID: "a"}, Body: json.RawMessage(`{"user":"u","secret":"hunter2","later":1}`)},
		{Key: store.Key{Kind: store.KindTrunk, ID: "b"}, Body: json.RawMessage(`{"user":"u"}`)},
		{Key: store.Key{Kind: store.KindAgent, ID: "c"}, Body: json.RawMessage(`{"secret":"hunter2"}`)},
		{Key: store.Key{Kind: store.KindTrunk, ID: "d"}, Body: json.RawMessage(`{"secret":"sealed:v1:mine"}`)},
	}
	before, _ := json.Marshal(objects)
	sealed, err := s.SealTrunks(objects)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed[0].Body, []byte("hunter2")) || string(sealed[1].Body) != `{"user":"u"}` || string(sealed[2].Body) != `{"secret":"hunter2"}` {
		t.Errorf("sealed: got %s, want only the secrets of trunks changed", sealed)
	}
	twice, err := s.SealTrunks(sealed)
	if err != nil || string(twice[0].Body) != string(sealed[0].Body) {
		t.Errorf("sealed twice: got %s, %v, want %s", twice[0].Body, err, sealed[0].Body)
	}
	opened, err := s.OpenTrunks(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`{"later":1,"secret":"hunter2","user":"u"}`, `{"user":"u"}`, `{"secret":"hunter2"}`, `{"secret":"sealed:v1:mine"}`} {
		if string(opened[i].Body) != want {
			t.Errorf("opened: got %s, want %s", opened[i].Body, want)
		}
	}
	if after, _ := json.Marshal(objects); !bytes.Equal(after, before) {
		t.Errorf("arguments: got %s, want them unchanged: %s", after, before)
	}
	other := sealer(t, filepath.Join(t.TempDir(), "key"))
	if _, err := other.OpenTrunks(sealed); !errors.Is(err, store.ErrSealed) || !strings.Contains(err.Error(), "trunk a") {
		t.Errorf("another key: got %v, want ErrSealed and the trunk's name", err)
	}
	if _, err := s.SealTrunks([]store.Object{{Key: store.Key{Kind: store.KindTrunk, ID: "x"}, Body: json.RawMessage(`[]`)}}); err == nil {
		t.Error("a trunk that is no object: got no error, want one")
	}
}
