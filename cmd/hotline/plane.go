package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"hotline/call"
	"hotline/cmd/hotline/config"
	"hotline/media"
	"hotline/media/remote"
)

// mediaPlane is the audio of a center in another process: one that we start, or
// one that a service manager runs.
type mediaPlane struct {
	cfg    config.Config
	want   media.Config // its address and ports
	log    *slog.Logger
	stderr io.Writer // of a process that we start
	path   string    // of the socket
	own    bool      // we start and end it

	client *remote.Client

	mu     sync.Mutex    // guards what follows
	pid    int           // of the process that we started last
	exited chan struct{} // closed when it has ended; nil: none was started
}

// mediaSocket is the socket of a media process in its data directory.
const mediaSocket = "media.sock"

// Waits for a media process.
const (
	mediaStart = 5 * time.Second  // to listen, once it was started
	mediaYield = 15 * time.Second // until an earlier control process or version has gone
)

// newPlane says how the engine gets its plane; nil: in this process.
func (s *server) newPlane(m media.Config) call.NewPlane {
	if s.cfg.Media == config.MediaInline {
		return nil
	}
	path, foreign := strings.CutPrefix(s.cfg.Media, config.MediaUnix)
	if !foreign {
		path = filepath.Join(s.cfg.Data, mediaSocket)
	}
	s.plane = &mediaPlane{cfg: s.cfg, want: m, log: s.log, stderr: s.stderr, path: path, own: !foreign}
	return s.plane.connect
}

func (p *mediaPlane) String() string {
	if p == nil {
		return config.MediaInline
	}
	return fmt.Sprintf("%s (process %d)", p.cfg.Media, p.client.Home().PID)
}

// connect finds or starts the media process.
func (p *mediaPlane) connect(events func(media.Event)) (call.Plane, error) {
	ctx, cancel := context.WithTimeout(context.Background(), mediaYield)
	defer cancel()
	rc := remote.ClientConfig{Dial: p.dial, Stuck: p.stuck, Events: events, Own: p.own, Version: version(), Log: p.log}
	for {
		c, err := remote.Connect(ctx, rc)
		var refused *remote.RefusedError
		switch {
		case err == nil && p.own && len(c.Left().Legs) == 0 && !p.fits(c.Home()):
			p.log.Info("media process that runs nothing is replaced: it was started with other audio ports or shards", "pid", c.Home().PID)
			c.Close()
			p.end(ctx)
		case err == nil:
			if !p.fits(c.Home()) {
				p.log.Warn("media process keeps the audio address, ports and shards that it was started with",
					"pid", c.Home().PID, "has", fmt.Sprint(c.Home()), "not", p.cfg.RTP.String(), "advertise", p.cfg.Advertise, "shards", p.cfg.Shards)
			}
			p.client = c
			return c, nil
		case ctx.Err() != nil || !errors.As(err, &refused):
			return nil, p.explain(err)
		case refused.Busy: // by a process that has just died, or one that lives
		case p.own:
			p.log.Warn("media process of another version is ended, and the calls that it runs", "pid", refused.PID, "err", err)
			p.end(ctx)
		default:
			return nil, p.explain(err)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// explain says what to do about a media process that can't be used.
func (p *mediaPlane) explain(err error) error {
	if !p.own && !strings.Contains(err.Error(), "; try: ") {
		return fmt.Errorf("serve: media: %w; try: hotline media --stay --socket %s", err, p.path)
	}
	return fmt.Errorf("serve: media: %w", err)
}

// fits tells whether a media process has the address, ports and shards that we were told.
func (p *mediaPlane) fits(h remote.Home) bool {
	w := p.want
	return h.Addr == w.Addr && h.Advertise == w.Advertise && h.PortMin == w.PortMin && h.PortMax == w.PortMax && h.Shards == w.Shards
}

// dial connects to the media process, and starts one if it is ours to start.
func (p *mediaPlane) dial(ctx context.Context) (net.Conn, error) {
	conn, err := p.reach(ctx)
	if err == nil || !p.own {
		return conn, err
	}
	exited, err := p.start()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, mediaStart)
	defer cancel()
	for {
		if conn, err = p.reach(ctx); err == nil {
			return conn, nil
		}
		select {
		case <-exited:
			return nil, errors.New("media process ended at once; its log says why")
		case <-ctx.Done():
			return nil, err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *mediaPlane) reach(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", p.path)
}

// start starts a media process unless the last one still lives.
func (p *mediaPlane) start() (exited chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.exited != nil {
		select {
		case <-p.exited:
		default:
			return p.exited, nil
		}
	}
	cmd, err := p.command()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start media process: %w", err)
	}
	done := make(chan struct{})
	p.pid, p.exited = cmd.Process.Pid, done
	p.log.Info("media process is started", "pid", p.pid)
	// Ends with the media process, which may outlive us.
	go func() {
		if err := cmd.Wait(); err != nil {
			p.log.Error("media process ended", "pid", cmd.Process.Pid, "err", err)
		}
		close(done)
	}()
	return done, nil
}

// command is this very program as a media process. It has a session of its own,
// so that neither ctrl-C nor the end of a terminal reaches it.
func (p *mediaPlane) command() (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		self = "/proc/self/exe" // the same version, even after an upgrade of the file
	}
	args := []string{os.Args[0], "media", "--socket", p.path, "--rtp", p.cfg.RTP.String(), "--advertise", p.cfg.Advertise,
		"--log-format", p.cfg.LogFormat, "--log-level", strings.ToLower(p.cfg.LogLevel.String())}
	if p.cfg.File != "" {
		args = append(args, "--config", p.cfg.File)
	}
	cmd := exec.Command(self)
	cmd.Args = args
	cmd.Env = os.Environ()
	for _, k := range config.Keys { // what was a flag of serve holds for it, too
		if v, ok := p.cfg.Flags[k.Name]; ok {
			cmd.Env = append(cmd.Env, k.Env()+"="+v)
		}
	}
	cmd.Stderr = p.stderr
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}

// stuck ends a media process of ours that takes connections and says nothing.
func (p *mediaPlane) stuck(conn net.Conn) {
	pid := peerOf(conn)
	p.log.Error("media process does not answer", "pid", pid, "ended", p.own && pid > 0)
	if p.own && pid > 0 && pid != os.Getpid() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// end ends a media process of whatever version and waits until it has gone.
func (p *mediaPlane) end(ctx context.Context) {
	conn, err := p.reach(ctx)
	if err != nil {
		return
	}
	if err := remote.End(conn, version(), os.Getpid()); err != nil {
		p.log.Error("media process does not end", "err", err)
	}
	_ = conn.Close()
	for ctx.Err() == nil {
		conn, err := p.reach(ctx)
		if err != nil {
			return
		}
		_ = conn.Close()
		pause(ctx, 50*time.Millisecond)
	}
}

// close lets go of the media process if the engine never ran.
func (p *mediaPlane) close() {
	if p != nil && p.client != nil {
		p.client.Close()
	}
}

// pause waits, less if ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
