package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"hotline/api"
	"hotline/call"
	"hotline/cmd/hotline/config"
	"hotline/internal/callload"
)

// Hidden commands, run by bench as its children. Both speak JSON lines and end
// with their input, that is with the parent.

func newBenchLoadCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "load", Hidden: true, Args: exactly(0), Short: "Calls as ordered on the input",
		RunE: does(func(ctx context.Context, _ []string) error { return callload.Serve(ctx, a.in, a.out) })}
}

func newBenchRelayCmd(a *app) *cobra.Command {
	return &cobra.Command{Use: "relay N", Hidden: true, Args: exactly(1), Short: "Relays the audio of N calls",
		RunE: does(func(ctx context.Context, args []string) error {
			n, err := strconv.Atoi(args[0])
			if err != nil || n < 1 {
				return usageError{"bench relay: " + args[0] + " is not a number of calls", "hotline bench"}
			}
			return callload.ServeRelay(ctx, n, a.in, a.out)
		})}
}

// child is a process that speaks JSON lines.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
	err *strings.Builder
}

// startChild runs this program with args; it ends with ctx or with its input.
func startChild(ctx context.Context, self string, args ...string) (*child, error) {
	c := &child{cmd: exec.CommandContext(ctx, self, args...), err: &strings.Builder{}}
	c.cmd.Stderr = c.err
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.cmd.WaitDelay = 5 * time.Second
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(bufio.NewReader(out))
	return c, c.cmd.Start()
}

// hello reads the first line.
func (c *child) hello() (h callload.Hello, err error) {
	if err = c.out.Decode(&h); err != nil {
		err = c.fault(err)
	}
	return h, err
}

// order has a measurement made.
func (c *child) order(o callload.Order) (r callload.Result, err error) {
	if err = json.NewEncoder(c.in).Encode(o); err == nil {
		err = c.out.Decode(&r)
	}
	if err != nil {
		err = c.fault(err)
	}
	return r, err
}

// fault says why a child did not answer.
func (c *child) fault(err error) error {
	c.end()
	if said := strings.TrimSpace(c.err.String()); said != "" {
		return errors.New(said)
	}
	return err
}

// end closes the child's input and waits for it.
func (c *child) end() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}

// served is a server process with a data directory of its own.
type served struct {
	cmd  *exec.Cmd
	data string
	sip  netip.AddrPort
	log  *os.File
	api  *api.Client
}

// benchRTP are the media ports; those in use by others are passed over. They lie
// below the ephemeral ports, where the load has its own.
const benchRTP = "127.0.0.1:20000-29999"

// startServer runs hotline serve on free loopback ports and waits until it answers.
// Its log goes into the data directory.
func startServer(ctx context.Context, self, data, sip string, flags ...string) (*served, error) {
	return startServerAs(ctx, self, data, sip, []string{"serve"}, flags...)
}

// startServerAs is startServer by another command than serve.
func startServerAs(ctx context.Context, self, data, sip string, command []string, flags ...string) (*served, error) {
	log, err := os.OpenFile(filepath.Join(data, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	s := &served{data: data, log: log, api: api.NewClient(data, "bench")}
	args := append(slices.Clone(command), "--data", data, "--sip", "udp://"+sip, "--rtp", benchRTP)
	args = append(args, flags...)
	s.cmd = exec.CommandContext(ctx, self, args...)
	s.cmd.Dir = data // no hotline.yaml is here
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "HOTLINE_") {
			s.cmd.Env = append(s.cmd.Env, e)
		}
	}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 10 * time.Second
	if err := s.cmd.Start(); err != nil {
		_ = log.Close()
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		s.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("server: %w: %s", err, said)
	}
	return s, nil
}

// readyWait is how long a server may take to start.
const readyWait = 15 * time.Second

func (s *served) ready(ctx context.Context) error {
	var err error
	for end := time.Now().Add(readyWait); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		var st call.Status
		if st, err = s.api.Status(ctx); err == nil && len(st.SIP) > 0 {
			s.sip, err = netip.ParseAddrPort(strings.TrimPrefix(st.SIP[0], "udp://"))
			return err
		}
	}
	return errors.Join(err, ctx.Err())
}

// stop ends the server in order and waits for it.
func (s *served) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
	_ = s.log.Close()
}

// kill ends the server and the media process that it started without a word:
// nobody needs what they would save.
func (s *served) kill() {
	media := callload.Children(s.cmd.Process.Pid)
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	for _, pid := range media {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = s.log.Close()
}

// apply gives the server the center for load tests.
func (s *served) apply(ctx context.Context, agents int, at netip.AddrPort) error {
	return s.applyText(ctx, benchCenter(agents, 0, at))
}

func (s *served) applyText(ctx context.Context, center string) error {
	f, err := config.ParseCenter("bench", []byte(center))
	if err != nil {
		return err
	}
	res, err := s.api.Apply(ctx, call.ApplyRequest{Center: f.Center, Actor: "bench"})
	if err == nil && len(res.Problems) > 0 {
		err = fmt.Errorf("center: %v", res.Problems)
	}
	return err
}

// one makes one measurement with fresh processes.
func (b bench) one(ctx context.Context, k benchKind, size int) (r callload.Result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	load, err := startChild(ctx, b.self, "bench", "load")
	if err != nil {
		return r, err
	}
	defer load.end()
	hello, err := load.hello()
	if err != nil {
		return r, err
	}
	o := callload.Order{Number: k.number, Silent: k.silent, Parties: k.parties, Plan: callload.Plan{
		Calls: size, PerSec: b.rate, Warm: benchWarm, Window: b.window}}
	if k.number == "" {
		return b.oneRelay(ctx, load, o)
	}
	data, err := os.MkdirTemp("", "hotline-bench-")
	if err != nil {
		return r, err
	}
	defer func() { _ = os.RemoveAll(data) }()
	serve := []string{"serve"}
	if k.burn {
		serve = []string{"bench", "serve"}
		o.Provoke = burnSignal
	}
	rooms := 0
	if k.crowd {
		rooms, o.Room, o.Parties, size = 1, benchRooms+"000", b.crowd[0], b.crowd[1]
		o.Calls = size
	}
	if k.parties > 0 {
		rooms = min(size, benchRoomsMost)
		o.Calls = rooms * k.parties
	}
	s, err := startServerAs(ctx, b.self, data, "127.0.0.1:0", serve, "--media", b.media)
	if err != nil {
		return r, err
	}
	defer s.kill()
	if err := s.applyText(ctx, benchCenter(max(300, 2*size), rooms, hello.Agents)); err != nil {
		return r, err
	}
	o.Target, o.PID = s.sip, s.cmd.Process.Pid
	return load.order(o)
}

// benchWarm is between the last set-up and the window: a conference greets each
// guest, and both processes collect what the set-ups left.
const benchWarm = 4 * time.Second

// oneRelay measures the relay in place of a server.
func (b bench) oneRelay(ctx context.Context, load *child, o callload.Order) (r callload.Result, err error) {
	program, args := b.self, []string{"bench", "relay", strconv.Itoa(o.Calls)}
	if b.floor != "" {
		program, args = b.floor, args[2:]
	}
	relay, err := startChild(ctx, program, args...)
	if err != nil {
		return r, err
	}
	defer relay.end()
	h, err := relay.hello()
	if err != nil {
		return r, err
	}
	o.Ends, o.PID = h.Ends, relay.cmd.Process.Pid
	return load.order(o)
}
