package callload

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Plan is one measurement.
type Plan struct {
	Calls  int           `json:"calls"`         // Media, Relayed: calls that stand at the same time
	PerSec float64       `json:"rate"`          // calls begun a second
	Warm   time.Duration `json:"warm"`          // before the window: audio, or uncounted set-ups
	Window time.Duration `json:"window"`        // measured
	PID    int           `json:"pid,omitempty"` // the server, whose CPU is counted; 0: nobody's

	// Provoke is sent to the server when the calls stand, a second before the window.
	Provoke syscall.Signal `json:"provoke,omitempty"`
}

// Result of a measurement. Times are in milliseconds.
type Result struct {
	Calls    int            `json:"calls"` // answered
	Failed   int            `json:"failed"`
	Why      map[string]int `json:"why,omitempty"` // failures by cause
	Seconds  float64        `json:"seconds"`       // that the window really took
	CPU      float64        `json:"cpu"`           // of the server, within the window
	CPUOwn   float64        `json:"cpuOwn"`        // of that, what its children did not use
	RSSIdle  int64          `json:"rssIdle"`       // bytes, before the first call
	RSSBusy  int64          `json:"rssBusy"`       // bytes, at the window's end
	SetupP50 float64        `json:"setupP50"`
	SetupP99 float64        `json:"setupP99"`
	Resent   uint64         `json:"resent"` // SIP messages sent again for want of an answer

	Said      uint64  `json:"said"` // packets that callers and agents sent within the window
	Sent      uint64  `json:"sent"` // of them, those that had to arrive as they are
	Lost      uint64  `json:"lost"`
	Misrouted uint64  `json:"misrouted"` // heard somebody else's, or calls joined crosswise
	Twice     uint64  `json:"twice"`
	Other     uint64  `json:"other"` // packets that are nobody's, within the window
	DelayP50  float64 `json:"delayP50"`
	DelayP99  float64 `json:"delayP99"`
	DelayMax  float64 `json:"delayMax"`
	Dropped   uint64  `json:"dropped"` // datagrams lost to full socket buffers, on the whole machine
	Room      *Room   `json:"room,omitempty"`
}

// answerWait is how long a caller waits; a call not answered by then has failed.
const answerWait = 15 * time.Second

// underWay is how long packets of the window may take to arrive.
const underWay = 500 * time.Millisecond

// tally gathers the set-ups.
type tally struct {
	mu     sync.Mutex // guards all below
	setups []time.Duration
	failed int
	why    map[string]int
}

// dial places one call and counts what came of it; nil: it failed.
func (t *tally) dial(ctx context.Context, l *Load, number string, prepare func(*stream)) *Call {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	c, err := l.dial(ctx, number, prepare)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.failed++
		if t.why == nil {
			t.why = map[string]int{}
		}
		t.why[err.Error()]++
		return nil
	}
	t.setups = append(t.setups, c.Setup)
	return c
}

func (t *tally) into(r *Result) {
	r.Calls, r.Failed, r.Why = len(t.setups), t.failed, t.why
	slices.Sort(t.setups)
	if n := len(t.setups); n > 0 {
		r.SetupP50, r.SetupP99 = ms(t.setups[(n-1)/2]), ms(t.setups[(n-1)*99/100])
	}
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Media places calls, lets them stand for the window and hangs up.
func (l *Load) Media(ctx context.Context, p Plan) (Result, error) {
	return l.stand(ctx, p, func(int) string { return l.cfg.Number })
}

// Rooms places calls to conferences, so many parties in each: the number is that
// of the load with three digits behind it, 000 for the first one. What comes back
// is a mix that names nobody: it is counted as Other.
func (l *Load) Rooms(ctx context.Context, p Plan, parties int) (Result, error) {
	r, err := l.stand(ctx, p, func(i int) string { return fmt.Sprintf("%s%03d", l.cfg.Number, i/parties) })
	r.Sent, r.Lost = 0, 0
	return r, err
}

// stand is Media with a number for each call.
func (l *Load) stand(ctx context.Context, p Plan, number func(i int) string) (Result, error) {
	var r Result
	idle, err := Look(p.PID)
	if err != nil {
		return r, err
	}
	var t tally
	var mu sync.Mutex // guards calls
	var calls []*Call
	spread(ctx, p.Calls, p.PerSec, func(i int) {
		if c := t.dial(ctx, l, number(i), nil); c != nil {
			mu.Lock()
			calls = append(calls, c)
			mu.Unlock()
		}
	})
	if p.Provoke != 0 && p.PID > 0 {
		if err := syscall.Kill(p.PID, p.Provoke); err != nil {
			return r, fmt.Errorf("callload: provoke: %w", err)
		}
	}
	if err := l.window(ctx, p, &r, l.pairs); err != nil {
		return r, err
	}
	r.RSSIdle = idle.RSS
	spread(context.WithoutCancel(ctx), len(calls), max(p.PerSec, 100), func(i int) {
		if err := calls[i].Hangup(); err != nil {
			t.mu.Lock()
			t.failed++
			t.mu.Unlock()
		}
	})
	t.into(&r)
	r.Resent = l.resent.Load()
	return r, nil
}

// window measures what happens between now + warm and window later.
func (l *Load) window(ctx context.Context, p Plan, r *Result, pairs func() []pair) error {
	if err := pause(ctx, p.Warm); err != nil {
		return err
	}
	all := pairs()
	var other uint64
	each(all, func(s *stream) {
		s.mu.Lock()
		other += s.other
		s.mu.Unlock()
		s.from = s.sent.Load()
	})
	lost := dropped()
	before, err := Look(p.PID)
	if err != nil {
		return err
	}
	began := time.Now()
	l.run.open.Store(l.run.now())
	if err := pause(ctx, p.Window); err != nil {
		return err
	}
	after, err := Look(p.PID)
	if err != nil {
		return fmt.Errorf("callload: the server is gone: %w", err)
	}
	r.Seconds = time.Since(began).Seconds()
	l.run.shut.Store(l.run.now())
	each(all, func(s *stream) {
		s.to = s.sent.Load()
		r.Said += uint64(s.to - s.from)
	})
	if err := pause(ctx, underWay); err != nil {
		return err
	}
	r.CPU, r.CPUOwn = ms(after.CPU-before.CPU), ms(after.Own-before.Own)
	r.RSSBusy, r.Dropped = after.RSS, dropped()-lost
	r.judge(all, other)
	h := &l.run.delay
	r.DelayP50, r.DelayP99, r.DelayMax = ms(h.quantile(0.5)), ms(h.quantile(0.99)), ms(time.Duration(h.max.Load()))
	return nil
}

// judge counts what each end heard of its peer; other is what it had heard of
// nobody before the window.
func (r *Result) judge(all []pair, other uint64) {
	for _, p := range all {
		if p.agent == nil { // nobody for this caller: all that he said is lost
			r.Sent += uint64(p.caller.to - p.caller.from)
			r.Lost += uint64(p.caller.to - p.caller.from)
			p.caller.mu.Lock()
			r.Other += p.caller.other
			p.caller.mu.Unlock()
			continue
		}
		for _, way := range [2][2]*stream{{p.caller, p.agent}, {p.agent, p.caller}} {
			from, to := way[0], way[1]
			to.mu.Lock()
			sent := uint64(from.to - from.from)
			r.Sent += sent
			if to.peer == from.id {
				r.Lost += sent - to.heard(from.from, from.to)
			} else {
				r.Misrouted += sent
			}
			r.Misrouted += to.cross
			r.Twice += to.twice
			r.Other += to.other
			to.mu.Unlock()
		}
	}
	r.Other -= min(other, r.Other)
}

func each(all []pair, f func(*stream)) {
	for _, p := range all {
		f(p.caller)
		if p.agent != nil {
			f(p.agent)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// settling is given to the server after the last short call, so that its call
// records count as well.
const settling = 500 * time.Millisecond

// Rate places short calls: answered, acknowledged, ended at once. CPU is that of
// the calls of the window with all that they leave to do.
func (l *Load) Rate(ctx context.Context, p Plan) (Result, error) {
	var r Result
	short := func(t *tally) func(int) {
		return func(int) {
			if c := t.dial(ctx, l, l.cfg.Number, nil); c != nil && c.Hangup() != nil {
				t.mu.Lock()
				t.failed++
				t.mu.Unlock()
			}
		}
	}
	idle, err := Look(p.PID)
	if err != nil {
		return r, err
	}
	spread(ctx, int(p.PerSec*p.Warm.Seconds()), p.PerSec, short(new(tally)))
	if err := pause(ctx, settling); err != nil {
		return r, err
	}
	before, err := Look(p.PID)
	if err != nil {
		return r, err
	}
	lost, resent := dropped(), l.resent.Load()
	began := time.Now()
	var t tally
	spread(ctx, int(p.PerSec*p.Window.Seconds()), p.PerSec, short(&t))
	r.Seconds = time.Since(began).Seconds()
	if err := pause(ctx, settling); err != nil {
		return r, err
	}
	after, err := Look(p.PID)
	if err != nil {
		return r, fmt.Errorf("callload: the server is gone: %w", err)
	}
	t.into(&r)
	r.CPU, r.CPUOwn = ms(after.CPU-before.CPU), ms(after.Own-before.Own)
	r.RSSIdle, r.RSSBusy = idle.RSS, after.RSS
	r.Resent, r.Dropped = l.resent.Load()-resent, dropped()-lost
	return r, nil
}

// Relayed sends the packets of calls over a relay: ends holds, for each call, the
// relay's address for the caller and that for the agent.
func (l *Load) Relayed(ctx context.Context, p Plan, ends [][2]netip.AddrPort) (Result, error) {
	var r Result
	idle, err := Look(p.PID)
	if err != nil {
		return r, err
	}
	var all []pair
	defer each(all, (*stream).close)
	for i, e := range ends {
		caller, err := l.run.newStream(l.sink.Addr(), uint32(i)<<1|1)
		if err != nil {
			return r, err
		}
		agent, err := l.run.newStream(l.sink.Addr(), uint32(i+1)<<1)
		if err != nil {
			caller.close()
			return r, err
		}
		caller.expect(agent.id)
		agent.expect(caller.id)
		all = append(all, pair{caller, agent})
		caller.start(e[0])
		agent.start(e[1])
	}
	err = l.window(ctx, p, &r, func() []pair { return all })
	r.Calls, r.RSSIdle = len(all), idle.RSS
	each(all, (*stream).close)
	return r, err
}
