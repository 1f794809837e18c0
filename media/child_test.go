package media_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"hotline/media"
	"hotline/media/remote"
)

// childSocket names the socket of this very binary when it is a media process.
const childSocket = "HOTLINE_TEST_MEDIA_SOCKET"

func TestMain(m *testing.M) {
	if path := os.Getenv(childSocket); path != "" {
		if err := beChild(path); err != nil {
			fmt.Fprintln(os.Stderr, "media process of a test:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	media.ThroughChild = throughChild
	os.Exit(m.Run())
}

// beChild is a media process like that of hotline media.
func beChild(path string) error {
	s, err := remote.NewServer(remote.ServerConfig{Media: media.Config{PortMin: 20000, PortMax: 29998},
		Alone: 10 * time.Second, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	return s.Run(context.Background(), l)
}

// child is an engine in another process, of which only figures lag behind.
type child struct {
	*remote.Client
	cmd  *exec.Cmd
	mu   sync.Mutex // guards legs
	legs []media.LegID
}

// Open notes the leg, to close it at the end.
func (c *child) Open(id media.LegID) (media.Local, error) {
	c.mu.Lock()
	c.legs = append(c.legs, id)
	c.mu.Unlock()
	return c.Client.Open(id)
}

// Stats waits until the figures are those of now.
func (c *child) Stats() *media.Stats {
	time.Sleep(2200 * time.Millisecond)
	return c.Client.Stats()
}

// Run returns when the process has ended.
func (c *child) Run(ctx context.Context) {
	run, end := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.Client.Run(run) }) // ends by end
	<-ctx.Done()
	c.mu.Lock()
	for _, id := range c.legs {
		c.Do(media.Close{Leg: id}) // as calls do
	}
	c.mu.Unlock()
	end()
	wg.Wait()
	_ = c.cmd.Wait() // told to end, or killed: nothing more to know
}

func throughChild(t *testing.T, events func(media.Event)) media.Driver {
	t.Helper()
	dir, err := os.MkdirTemp("", "media")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childSocket+"="+path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := remote.Connect(ctx, remote.ClientConfig{Events: events, Own: true, Wait: 10 * time.Second,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Dial: func(ctx context.Context) (net.Conn, error) {
			for {
				conn, err := net.Dial("unix", path)
				if err == nil || ctx.Err() != nil {
					return conn, err
				}
				time.Sleep(10 * time.Millisecond)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	return &child{Client: c, cmd: cmd}
}
