package e2e_test

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestDialIsACallerWhoseExitCodeIsTheVerdict(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml")
	secret := h.secret("1002")
	heardFile := filepath.Join(h.dir, "heard.wav")
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"speech is heard", []string{"sip:4000@" + h.addr(), "--expect-speech", "--for", "3s", "--record", heardFile}, 0},
		{"over TCP", []string{"sip:4000@" + h.addr(), "--transport", "tcp", "--expect-speech", "--for", "3s"}, 0},
		{"no such tone", []string{"sip:4000@" + h.addr(), "--expect-tone", "1234", "--for", "2s"}, 1},
		{"no such number", []string{"sip:9999@" + h.addr(), "--for", "1s"}, 1},
		{"wrong secret", []string{"sip:4000@" + h.addr(), "--for", "1s", "--secret", "wrong"}, 1},
		{"nobody there", []string{fmt.Sprintf("sip:4000@127.0.0.1:%d", freePort(t)), "--for", "1s"}, 3},
	} {
		args := append([]string{"dial", "--user", "1002", "--secret", secret}, c.args...)
		p := run(t, "hotline dial", nil, h.bin, args...)
		if got := p.wait(t, 20*time.Second); got != c.want {
			t.Errorf("%s: exit code: got %d, want %d: %s", c.name, got, c.want, p.output())
		}
	}
	heard(t, "dial", readWAV(t, heardFile)[0], "welcome")
	if _, err := exec.LookPath("soxi"); err == nil {
		if out, err := exec.Command("soxi", heardFile).CombinedOutput(); err != nil {
			t.Errorf("soxi can't read what dial recorded: %v: %s", err, out)
		}
	}
}
