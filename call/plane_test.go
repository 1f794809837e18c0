package call_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/simnet"
	"hotline/media"
	"hotline/media/remote"
	"hotline/store"
)

// mediaProcess is a media engine behind a socket of the bubble's network.
type mediaProcess struct {
	t    *testing.T
	net  *simnet.Network
	addr string
	stop context.CancelFunc
	done chan error
	conn net.Conn // of its control process
}

func startMedia(t *testing.T, network *simnet.Network) *mediaProcess {
	t.Helper()
	m := &mediaProcess{t: t, net: network, addr: "10.0.0.1:7000"}
	m.start()
	return m
}

func (m *mediaProcess) start() {
	m.t.Helper()
	l, err := m.net.Listen(m.addr)
	if err != nil {
		m.t.Fatal(err)
	}
	s, err := remote.NewServer(remote.ServerConfig{Media: media.Config{Listen: m.net.ListenUDP,
		Addr: netip.MustParseAddr("10.0.0.1"), PortMin: 20000, PortMax: 20999}})
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m.stop, m.done = stop, make(chan error, 1)
	done := m.done
	go func() { done <- s.Run(ctx, l) }() // ends with end
	synctest.Wait()
}

// end stops the process; its control process hears nothing of the ends.
func (m *mediaProcess) end() {
	if m.conn != nil {
		_ = m.conn.Close()
	}
	m.stop()
	if err := <-m.done; err != nil {
		m.t.Error(err)
	}
}

// use makes an engine's calls use the media process.
func (m *mediaProcess) use(cfg *call.Config) {
	cfg.Plane = func(events func(media.Event)) (call.Plane, error) {
		return remote.Connect(context.Background(), remote.ClientConfig{Events: events, Log: cfg.Log,
			Dial: func(ctx context.Context) (net.Conn, error) {
				conn, err := m.net.Dial(ctx, "tcp", m.addr)
				m.conn = conn
				return conn, err
			}})
	}
}

// behindASocket runs a test on an engine whose media is another process.
func behindASocket(t *testing.T, test func(b *bed, m *mediaProcess)) {
	t.Helper()
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		network := simnet.New(simnet.Options{Latency: time.Millisecond})
		m := startMedia(t, network)
		b := newBed(t, dir, network, m.use)
		b.apply(allRecorded())
		test(b, m)
		b.end()
		m.end()
	})
}

func TestACallWorksWithMediaInAnotherProcess(t *testing.T) {
	behindASocket(t, func(b *bed, m *mediaProcess) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		a, leg := up(A, B)
		time.Sleep(5 * time.Second)
		a.bye()
		leg.hungUp(time.Second)
		c := b.wantTrace("wait direct; offer 1: answered; talk; end: caller hung up")
		recs := b.recordings()
		if len(recs) != 1 || recs[0].Torn || recs[0].Error != "" || recs[0].Length < store.Duration(4*time.Second) || recs[0].Call != c.ID {
			t.Errorf("recordings: got %+v, want a whole one of 5s", recs)
		}
	})
}

// allRecorded is the scenarios' center with every talk recorded.
func allRecorded() store.Center {
	c := scenarioCenter("UDP")
	yes := true
	for id, q := range c.Queues {
		q.Record = &yes
		c.Queues[id] = q
	}
	return c
}

// recordings are the records of all recordings.
func (b *bed) recordings() []store.Recording {
	b.t.Helper()
	var out []store.Recording
	if err := b.st.Recordings(store.Filter{}, func(r store.Recording) bool { out = append(out, r); return true }); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func TestCallsOfADeadMediaProcessEndWithItsCauseAndNewOnesWork(t *testing.T) {
	behindASocket(t, func(b *bed, m *mediaProcess) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		a, leg := up(A, B)
		time.Sleep(5 * time.Second)
		m.end()
		a.hungUp(time.Second)
		leg.hungUp(time.Second)
		c := b.oneCDR()
		if c.Cause.Text != call.ErrMediaDied.Error() || c.Cause.Blame != "us" || c.Cause.Q850 != 41 {
			t.Errorf("cause: got %+v, want that of the media engine, our fault", c.Cause)
		}
		A.call("4002", A.sdp(30000)).refused(503, time.Second)
		m.start()
		time.Sleep(3 * time.Second)
		a, leg = up(A, B)
		time.Sleep(time.Second)
		a.bye()
		leg.hungUp(time.Second)
		b.cdrs()
		if n := len(b.recordings()); n != 2 {
			t.Errorf("recordings: got %d, want 2", n)
		}
	})
}

func TestCallsOfAnEarlierProcessTalkOnAndAreEndedAfterTheGraceTime(t *testing.T) {
	dir, copied := memoryDir(t), memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		network := simnet.New(simnet.Options{Latency: time.Millisecond})
		m := startMedia(t, network)
		first := newBed(t, dir, network, m.use)
		first.apply(allRecorded())
		A, B := first.newPeer("UDP", addrA), first.newPeer("UDP", addrB)
		a, leg := up(A, B)
		time.Sleep(5 * time.Second)

		// The control process dies: what it wrote until now is what the next one
		// finds, and it says nothing more to anybody.
		snapshot(t, filepath.Join(dir, "hotline.db"), filepath.Join(copied, "hotline.db"))
		if err := os.Symlink(filepath.Join(dir, "recordings"), filepath.Join(copied, "recordings")); err != nil {
			t.Fatal(err)
		}
		network.Filter(func(from, _ string, _ []byte) bool { return from != engineAddr })
		addr := m.addr
		m.addr = "10.0.0.1:7999" // the dead one finds nobody
		_ = m.conn.Close()
		phones := first.after
		first.after = nil
		first.end()
		network.Filter(nil)

		m.addr = addr
		began := time.Now()
		next := newBed(t, copied, network, m.use, func(c *call.Config) { c.Adopt = 10 * time.Second })
		next.after = phones
		A.none("BYE", 9*time.Second, isRequest("BYE"))
		a.hungUp(2 * time.Second)
		leg.hungUp(time.Second)
		time.Sleep(time.Second)
		c := next.oneCDR()
		if !c.Recovered || c.Cause.Blame != "us" {
			t.Errorf("record: got %+v, want recovered, our fault", c)
		}
		recs := next.recordings()
		if len(recs) != 1 || recs[0].Torn || recs[0].Error != "" || recs[0].Call != c.ID || recs[0].SHA256 == "" ||
			recs[0].Length.D() < 14*time.Second || recs[0].Length.D() < time.Since(began)-5*time.Second {
			t.Errorf("recordings: got %+v, want a whole one of 15s", recs)
		}
		again, leg2 := up(A, B)
		again.bye()
		leg2.hungUp(time.Second)
		next.cdrs()
		next.end()
		m.end()
	})
}

// snapshot copies a file as a crash would leave it.
func snapshot(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}
