package callload

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// floorSource is the C program that relays as cheaply as a media plane of this
// design can: the same tick, the same system calls, nothing else.
//
//go:embed floor/relay.c
var floorSource []byte

// BuildFloor compiles the C relay into dir with the machine's cc and returns the
// program, which is called with the number of calls and speaks as [ServeRelay].
func BuildFloor(ctx context.Context, dir string) (string, error) {
	if runtime.GOOS != "linux" {
		return "", fmt.Errorf("callload: the C relay needs Linux, this is %s", runtime.GOOS)
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		return "", fmt.Errorf("callload: no C compiler: %w", err)
	}
	source, program := filepath.Join(dir, "relay.c"), filepath.Join(dir, "relay")
	if err := os.WriteFile(source, floorSource, 0o600); err != nil {
		return "", fmt.Errorf("callload: %w", err)
	}
	if out, err := exec.CommandContext(ctx, cc, "-O2", "-o", program, source).CombinedOutput(); err != nil {
		return "", fmt.Errorf("callload: cc: %w: %s", err, out)
	}
	return program, nil
}
