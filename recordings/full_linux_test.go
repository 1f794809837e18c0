package recordings

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFullDiskIsSaidPlainly(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no small file system to fill: mount: %v", err)
	}
	defer syscall.Unmount(dir, 0)
	d, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	free, err := d.Free()
	if err != nil || free == 0 || free > 64<<10 {
		t.Errorf("free: got %d, %v, want at most 64 KB", free, err)
	}
	if _, err := d.Put("small", began, bytes.NewReader(wav(t, 1))); err != nil {
		t.Errorf("small one: %v", err)
	}
	_, err = d.Put("c1", began, bytes.NewReader(wav(t, 10)))
	if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "bytes free") {
		t.Errorf("got %v, want ErrFull with the bytes free", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*/*/*/c1*")); left != nil {
		t.Errorf("left: %v", left)
	}
	if err := d.Verify("small"); err != nil {
		t.Error(err)
	}
	if err := d.Delete("small"); err != nil {
		t.Error(err)
	}
}
