package recordings

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotline/media"
)

var began = time.Date(2026, 11, 20, 23, 30, 0, 0, time.FixedZone("", -3600)) // 21 November in UTC

func open(t *testing.T) *Dir {
	t.Helper()
	d, err := New(filepath.Join(t.TempDir(), "recordings"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// wav is so many seconds of two channels.
func wav(t *testing.T, seconds int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := media.WriteWAV(&b, make([]int16, 2*8000*seconds), 8000, 2); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// place writes a file as media would, under its live or final name.
func place(t *testing.T, d *Dir, id string, live bool, b []byte) string {
	t.Helper()
	l, path, err := d.Path(id, began)
	if err != nil {
		t.Fatal(err)
	}
	if live {
		path = l
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPathsLieInTheFolderOfTheDayInUTC(t *testing.T) {
	d := open(t)
	live, final, err := d.Path("c-1_A", began)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(d.root, "2026", "11", "21", "c-1_A.wav"); final != want {
		t.Errorf("final: got %s, want %s", final, want)
	}
	if want := strings.TrimSuffix(final, ".wav") + ".live.wav"; live != want {
		t.Errorf("live: got %s, want %s", live, want)
	}
	for dir := filepath.Dir(final); dir != filepath.Dir(d.root); dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: got %v, %v, want 0700", dir, info.Mode(), err)
		}
	}
}

func TestIDsThatCouldBePathsAreRefused(t *testing.T) {
	d := open(t)
	for _, id := range []string{"", ".", "..", "../x", "a/b", `a\b`, "a.live", "a b", "ä", "a\x00", "a\n", strings.Repeat("a", 65)} {
		_, _, err := d.Path(id, began)
		_, e1 := d.Open(id)
		_, e2 := d.Stat(id)
		_, e3 := d.Finish(id)
		_, e4 := d.Put(id, began, nil)
		for _, err := range []error{err, e1, e2, e3, e4, d.Delete(id), d.Verify(id)} {
			if !errors.Is(err, ErrBadID) || strings.ContainsAny(err.Error(), "\n\x00") {
				t.Errorf("%q: got %v, want ErrBadID", id, err)
			}
		}
	}
	if _, _, err := d.Path(strings.Repeat("a", 64), began); err != nil {
		t.Error(err)
	}
}

func TestFinishTakesOverAWholeFile(t *testing.T) {
	d := open(t)
	b := wav(t, 3)
	path := place(t, d, "c1", false, b)
	for range 2 { // again is harmless
		r, err := d.Finish("c1")
		if err != nil {
			t.Fatal(err)
		}
		sum, _ := checksum(path)
		want := Recording{"c1", time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), path, int64(len(b)), 3 * time.Second, sum}
		if r != want || len(sum) != 64 {
			t.Errorf("got %+v, want %+v", r, want)
		}
		if s, err := d.Stat("c1"); err != nil || s != want {
			t.Errorf("stat: got %+v, %v, want %+v", s, err, want)
		}
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, want 0600", info.Mode())
	}
	if err := d.Verify("c1"); err != nil {
		t.Error(err)
	}
	b[len(b)-1] ^= 1
	os.WriteFile(path, b, 0o600)
	if err := d.Verify("c1"); !errors.Is(err, ErrDamaged) {
		t.Errorf("changed file: got %v, want ErrDamaged", err)
	}
}

func TestPutOpenListDelete(t *testing.T) {
	d := open(t)
	b := wav(t, 1)
	for i, id := range []string{"b", "a", "c"} {
		if _, err := d.Put(id, began.AddDate(0, 0, -i), bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Put("a", began, bytes.NewReader(b)); !errors.Is(err, ErrExists) {
		t.Errorf("put again on another day: got %v, want ErrExists", err)
	}
	if _, err := d.Put("x", began, strings.NewReader("no audio")); !errors.Is(err, ErrDamaged) {
		t.Errorf("put of text: got %v, want ErrDamaged", err)
	}
	place(t, d, "running", true, b)
	all, err := d.List()
	var ids []string
	for _, r := range all {
		ids = append(ids, r.ID)
		if r.Duration != time.Second || r.SHA256 == "" {
			t.Errorf("got %+v, want 1 s with checksum", r)
		}
	}
	if got := strings.Join(ids, " "); got != "c a b" || err != nil {
		t.Errorf("list: got %s, %v, want c a b", got, err)
	}
	f, err := d.Open("a")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); !bytes.Equal(got, b) || err != nil {
		t.Errorf("read %d bytes, %v, want %d", len(got), err, len(b))
	}
	f.Close()
	if err := d.Delete("a"); err != nil {
		t.Error(err)
	}
	_, e1 := d.Open("a")
	_, e2 := d.Open("running")
	for _, err := range []error{e1, e2, d.Delete("a")} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(d.root, "*/*/*/[ax].*")); left != nil {
		t.Errorf("left: %v", left)
	}
}

func TestRecoverMendsWhatACrashLeft(t *testing.T) {
	d := open(t)
	whole := wav(t, 2)
	if _, err := d.Put("done", began, bytes.NewReader(whole)); err != nil {
		t.Fatal(err)
	}
	header := bytes.Clone(whole[:44]) // as at the start of a recording: says there is nothing
	for _, at := range []int{4, 40} {
		copy(header[at:], []byte{0, 0, 0, 0})
	}
	place(t, d, "torn", true, append(header, whole[44:44+4*8000+2]...)) // 1 s and half a sample pair
	place(t, d, "empty", true, nil)
	place(t, d, "unsummed", false, whole)
	place(t, d, "garbage", false, []byte("not a WAV at all, though long enough to be one, or so it seems"))
	place(t, d, "done", true, whole)
	part := filepath.Join(filepath.Dir(place(t, d, "x", false, whole)), "x.wav.part")
	os.Rename(strings.TrimSuffix(part, ".part"), part)

	found, err := d.Recover()
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		torn, saved bool
		length      time.Duration
		name        string
	}
	want := map[string]result{
		"torn":     {true, true, time.Second, "torn.wav"},
		"empty":    {true, false, 0, "empty.broken"},
		"unsummed": {false, true, 2 * time.Second, "unsummed.wav"},
		"garbage":  {false, false, 0, "garbage.broken"},
		"done":     {true, false, 0, "done.broken"},
	}
	for _, r := range found {
		got := result{r.Torn, r.Err == nil, r.Duration, filepath.Base(r.Path)}
		if got != want[r.ID] {
			t.Errorf("%s: got %+v (%v), want %+v", r.ID, got, r.Err, want[r.ID])
		}
		if _, err := os.Stat(r.Path); err != nil {
			t.Error(err)
		}
		if r.Err == nil {
			if err := d.Verify(r.ID); err != nil {
				t.Error(err)
			}
		}
		delete(want, r.ID)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	if _, err := os.Stat(part); err == nil {
		t.Error("a part of a file is left")
	}
	f, err := os.Open(filepath.Join(filepath.Dir(part), "torn.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if s, rate, ch, err := media.ReadWAV(f); err != nil || len(s) != 16000 || rate != 8000 || ch != 2 {
		t.Errorf("torn: got %d samples, %d Hz, %d channels, %v, want 16000, 8000, 2", len(s), rate, ch, err)
	}
	if again, err := d.Recover(); len(again) != 0 || err != nil {
		t.Errorf("second time: got %+v, %v, want nothing", again, err)
	}
}

func TestRecoverTriesAgainWhatTheDiskRefused(t *testing.T) {
	d := open(t)
	path := place(t, d, "c1", true, wav(t, 1))
	full := func(string) error { return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC} }
	for range 2 {
		found, err := d.recover(full)
		if err != nil || len(found) != 1 || !errors.Is(found[0].Err, ErrFull) || found[0].Path != path {
			t.Fatalf("got %+v, %v, want ErrFull at %s", found, err, path)
		}
	}
	if found, err := d.Recover(); err != nil || len(found) != 1 || found[0].Err != nil {
		t.Errorf("got %+v, %v, want it saved", found, err)
	}
}

func TestStrangeFilesAndFoldersAreLeftAlone(t *testing.T) {
	d := open(t)
	for _, name := range []string{"2026", "notes.txt", "lost+found/x", "1999/13"} {
		path := filepath.Join(d.root, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		os.WriteFile(path, []byte("x"), 0o600)
	}
	if all, err := d.List(); len(all) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", all, err)
	}
	if found, err := d.Recover(); len(found) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", found, err)
	}
	if _, _, err := d.Path("c1", began); err == nil {
		t.Error("made a folder where a file is")
	}
}

func FuzzWAVDuration(f *testing.F) {
	var b bytes.Buffer
	media.WriteWAV(&b, make([]int16, 16), 8000, 2)
	f.Add(b.Bytes())
	f.Add(append(b.Bytes()[:12:12], "LIST\xff\xff\xff\xff"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := wavDuration(bytes.NewReader(b), int64(len(b))); err == nil && d < 0 {
			t.Errorf("got %v", d)
		}
	})
}

func TestDeleteTakesTheOutlineAlong(t *testing.T) {
	d := open(t)
	r, err := d.Put("a", began, bytes.NewReader(wav(t, 1)))
	if err != nil {
		t.Fatal(err)
	}
	peaks := strings.TrimSuffix(r.Path, ".wav") + ".peaks"
	if err := os.WriteFile(peaks, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Delete("a"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(peaks); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want the outline gone", err)
	}
}
