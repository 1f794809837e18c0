package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// names is a DNS for tests.
type names struct {
	mu    sync.Mutex // guards asked
	asked []string
	hosts map[string][]string
	srvs  map[string][]*net.SRV
	takes time.Duration
}

func (n *names) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	n.asked = append(n.asked, host)
	n.mu.Unlock()
	select {
	case <-time.After(n.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	var all []netip.Addr
	for _, a := range n.hosts[host] {
		all = append(all, netip.MustParseAddr(a))
	}
	if all == nil {
		return nil, errors.New("no such host")
	}
	return all, nil
}

func (n *names) srv(_ context.Context, name string) ([]*net.SRV, error) { return n.srvs[name], nil }

// resolving runs f with a resolver in a bubble.
func resolving(t *testing.T, n *names, f func(t *testing.T, r *resolver, cancel func())) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r := newResolver(n.lookup, n.srv)
		var wg sync.WaitGroup
		wg.Go(func() { r.run(ctx) })
		f(t, r, cancel)
		cancel()
		wg.Wait()
	})
}

// wait resolves and waits for the answer.
func wait(r *resolver, t Target) (all []string, err error) {
	done := make(chan struct{})
	r.resolve(t, func(ts []Target, e error) {
		for _, t := range ts {
			all = append(all, t.Addr.String()+" "+t.Transport)
		}
		err = e
		close(done)
	})
	<-done
	return all, err
}

func TestNamesAreResolvedAsRFC3263Says(t *testing.T) {
	n := &names{
		hosts: map[string][]string{"a.example": {"192.0.2.1", "2001:db8::1", "192.0.2.1"}, "s1.example": {"192.0.2.11"}, "s2.example": {"192.0.2.12"}, "b.example": {"192.0.2.2"}},
		srvs: map[string][]*net.SRV{
			"_sip._udp.s.example": {{Target: "s2.example.", Port: 5072, Priority: 20}, {Target: "gone.example.", Port: 1, Priority: 5}, {Target: "s1.example.", Port: 5071, Priority: 10}},
			"_sip._udp.b.example": {{Target: "gone.example.", Port: 5072}},
		},
	}
	tests := []struct {
		target Target
		want   []string
	}{
		{Target{URI: "sip:1@10.0.0.1;transport=tcp"}, []string{"10.0.0.1:5060 tcp"}},
		{Target{URI: "sip:1@a.example", Addr: netip.MustParseAddrPort("10.9.9.9:1"), Transport: "udp"}, []string{"10.9.9.9:1 udp"}},
		{Target{URI: "sip:1@a.example:5080"}, []string{"192.0.2.1:5080 udp", "[2001:db8::1]:5080 udp"}},
		{Target{URI: "sip:1@A.example", Transport: "tcp"}, []string{"192.0.2.1:5060 tcp", "[2001:db8::1]:5060 tcp"}},
		{Target{URI: "sip:1@s.example"}, []string{"192.0.2.11:5071 udp", "192.0.2.12:5072 udp"}},
		{Target{URI: "sip:1@s.example:5060"}, nil},
		{Target{URI: "sip:1@b.example"}, []string{"192.0.2.2:5060 udp"}},
		{Target{URI: "sip:1@none.example"}, nil},
		{Target{URI: "tel:+49"}, nil},
	}
	resolving(t, n, func(t *testing.T, r *resolver, _ func()) {
		for _, tt := range tests {
			got, err := wait(r, tt.target)
			if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
				t.Errorf("%s: got %q, %v, want %q", tt.target.URI, got, err, tt.want)
			}
		}
	})
}

func TestAnswersAreRememberedForAMinuteAndFailuresForSeconds(t *testing.T) {
	n := &names{hosts: map[string][]string{"a.example": {"192.0.2.1"}}}
	resolving(t, n, func(t *testing.T, r *resolver, _ func()) {
		for _, s := range []struct {
			host  string
			after time.Duration
			asked int
		}{
			{"a.example", 0, 1}, {"a.example", 59 * time.Second, 1}, {"a.example", time.Second, 2},
			{"x.example", 0, 3}, {"x.example", 4 * time.Second, 3}, {"x.example", time.Second, 4},
		} {
			time.Sleep(s.after)
			wait(r, Target{URI: "sip:" + s.host + ":5060"})
			if len(n.asked) != s.asked {
				t.Errorf("%s after %v: got %d look-ups, want %d", s.host, s.after, len(n.asked), s.asked)
			}
		}
	})
}

func TestManyWhoAskForOneNameShareOneLookup(t *testing.T) {
	n := &names{hosts: map[string][]string{"a.example": {"192.0.2.1"}}, takes: time.Second}
	resolving(t, n, func(t *testing.T, r *resolver, _ func()) {
		var told atomic.Int64
		for range 1000 {
			r.resolve(Target{URI: "sip:1@a.example:5060"}, func(all []Target, err error) {
				if len(all) == 1 && err == nil {
					told.Add(1)
				}
			})
		}
		time.Sleep(2 * time.Second)
		if told.Load() != 1000 || len(n.asked) != 1 {
			t.Errorf("got %d told by %d look-ups, want 1000 by 1", told.Load(), len(n.asked))
		}
	})
}

func TestAFullResolverRefusesAtOnceAndAllAreToldAtTheEnd(t *testing.T) {
	n := &names{takes: time.Hour}
	resolving(t, n, func(t *testing.T, r *resolver, cancel func()) {
		var busy, gone, late atomic.Int64
		for i := range 2 * resolveQueue {
			r.resolve(Target{URI: fmt.Sprintf("sip:h%d.example:5060", i)}, func(_ []Target, err error) {
				switch {
				case errors.Is(err, errResolverBusy):
					busy.Add(1)
				case errors.Is(err, errResolverGone):
					gone.Add(1)
				default:
					late.Add(1)
				}
			})
		}
		if busy.Load() < resolveQueue-resolveWorkers {
			t.Errorf("got %d refused at once, want %d at least", busy.Load(), resolveQueue-resolveWorkers)
		}
		time.Sleep(resolveTimeout + time.Second)
		cancel()
		synctest.Wait()
		if sum := busy.Load() + gone.Load() + late.Load(); sum != 2*resolveQueue || late.Load() == 0 || gone.Load() == 0 {
			t.Errorf("got %d told (%d timed out, %d at the end), want all %d", sum, late.Load(), gone.Load(), 2*resolveQueue)
		}
		if _, err := wait(r, Target{URI: "sip:new.example"}); !errors.Is(err, errResolverGone) {
			t.Errorf("got %v after the end, want %v", err, errResolverGone)
		}
	})
}

func TestTheNamesRememberedAreBounded(t *testing.T) {
	n := &names{hosts: map[string][]string{}}
	resolving(t, n, func(t *testing.T, r *resolver, _ func()) {
		for i := range resolveCache + 10 {
			wait(r, Target{URI: fmt.Sprintf("sip:h%d.example:5060", i)})
			if len(r.known) > resolveCache {
				t.Fatalf("got %d names remembered, want %d at most", len(r.known), resolveCache)
			}
		}
		time.Sleep(time.Minute)
		if _, err := wait(r, Target{URI: "sip:h1.example:5060"}); err == nil {
			t.Error("got an address, want none")
		}
	})
}
