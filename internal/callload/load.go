package callload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Config of a Load.
type Config struct {
	Target netip.AddrPort // the server's SIP address; loopback
	Number string         // dialled
	Agents netip.AddrPort // where the agents' phones are reached; port 0: any
	Silent bool           // no audio: descriptions name a port where nobody speaks
}

// Load is the callers and the agents of one measurement.
type Load struct {
	cfg     Config
	callers *endpoint
	agents  *endpoint
	run     *run
	sink    netip.AddrPort // for descriptions without audio
	ids     atomic.Uint32

	calls    sync.Map // Call-ID -> *Call
	answered sync.Map // Call-ID -> *agentCall

	resent  atomic.Uint64 // SIP messages sent again
	agentUp atomic.Int64  // agents in a call
	seats   atomic.Uint64 // calls that agents answered
	byes    atomic.Uint64 // BYEs that came from the server, at both sides
	strays  atomic.Uint64 // requests within dialogs that don't exist

	closed chan struct{}
	once   sync.Once
}

// New opens the sockets; the agents answer from now on.
func New(cfg Config) (*Load, error) {
	if cfg.Target.IsValid() && !cfg.Target.Addr().IsLoopback() {
		return nil, fmt.Errorf("callload: new: %s is no loopback address", cfg.Target)
	}
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if !cfg.Agents.IsValid() {
		cfg.Agents = netip.AddrPortFrom(local, 0)
	}
	l := &Load{cfg: cfg, closed: make(chan struct{}), run: &run{id: rand.Uint32(), began: time.Now()}}
	var err error
	if l.callers, err = listen(netip.AddrPortFrom(local, 0)); err != nil {
		return nil, err
	}
	if l.agents, err = listen(cfg.Agents); err != nil {
		_ = l.callers.conn.Close()
		return nil, err
	}
	sink, err := l.run.newStream(local, 0)
	if err != nil {
		_ = l.callers.conn.Close()
		_ = l.agents.conn.Close()
		return nil, err
	}
	l.sink = sink.addr
	// All end with Close, which waits for them.
	l.run.wg.Go(func() { l.callers.read(l.toCaller) })
	l.run.wg.Go(func() { l.agents.read(l.toAgent) })
	l.run.wg.Go(func() { l.run.pacer.keep(l.closed) })
	l.run.wg.Go(func() { l.run.ears.keep(l.run, l.closed) })
	l.run.wg.Go(func() { <-l.closed; sink.close() })
	return l, nil
}

// AgentsAddr is where the agents' phones are reached.
func (l *Load) AgentsAddr() netip.AddrPort { return l.agents.addr }

// Aim sets the server for the calls that follow.
func (l *Load) Aim(target netip.AddrPort, number string) error {
	if !target.Addr().IsLoopback() {
		return fmt.Errorf("callload: aim: %s is no loopback address", target)
	}
	l.cfg.Target, l.cfg.Number = target, number
	return nil
}

// Byes counts the BYEs that the server sent, to callers and agents.
func (l *Load) Byes() uint64 { return l.byes.Load() }

// AgentsUp counts the agents in a call.
func (l *Load) AgentsUp() int { return int(l.agentUp.Load()) }

// Close ends everything without a word to the server.
func (l *Load) Close() {
	l.once.Do(func() {
		close(l.closed)
		_ = l.callers.conn.Close()
		_ = l.agents.conn.Close()
		for _, s := range l.streams() {
			s.close()
		}
	})
	l.run.wg.Wait()
}

// streams are those of all calls that are up.
func (l *Load) streams() (all []*stream) {
	l.calls.Range(func(_, v any) bool {
		if s := v.(*Call).stream; s != nil {
			all = append(all, s)
		}
		return true
	})
	l.answered.Range(func(_, v any) bool {
		if s := v.(*agentCall).stream; s != nil {
			all = append(all, s)
		}
		return true
	})
	return all
}

// pair is a call's two ends; agent is nil if the server never reached one.
type pair struct{ caller, agent *stream }

// pairs are the calls that are up, with the agent that each caller was given.
func (l *Load) pairs() (all []pair) {
	byCaller := map[uint32]*stream{}
	l.answered.Range(func(_, v any) bool {
		if a := v.(*agentCall); a.stream != nil && a.up.Load() {
			byCaller[a.caller] = a.stream
		}
		return true
	})
	l.calls.Range(func(_, v any) bool {
		if c := v.(*Call); c.stream != nil && c.stream.ear == nil {
			all = append(all, pair{c.stream, byCaller[c.id]})
		}
		return true
	})
	return all
}

// spread starts f for 0..n-1, rate a second, and waits for all.
func spread(ctx context.Context, n int, rate float64, f func(i int)) {
	var wg sync.WaitGroup
	began := time.Now()
	t := time.NewTicker(time.Millisecond)
	defer t.Stop()
	for i := 0; i < n && ctx.Err() == nil; {
		if due := int(time.Since(began).Seconds()*rate) + 1; i < due {
			n := i
			wg.Go(func() { f(n) }) // ends with its call; waited for below
			i++
			continue
		}
		<-t.C
	}
	wg.Wait()
}
