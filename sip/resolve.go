package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	resolveWorkers = 8
	resolveQueue   = 256             // names waiting; more are refused at once
	resolveTimeout = 5 * time.Second // for one name, all its look-ups together
	resolveFresh   = 60 * time.Second
	resolveFailed  = 5 * time.Second // a failure is remembered so long
	resolveMost    = 16              // addresses used of one name
	resolveCache   = 4096            // names remembered
)

var (
	errTarget       = errors.New("sip: no usable SIP URI")
	errResolverBusy = errors.New("sip: resolve: too many names waiting")
	errResolverGone = errors.New("sip: resolve: stopped")
	errNoAddress    = errors.New("sip: resolve: no address")
)

// Target is a place that a request can be sent to.
type Target struct {
	URI       string         // Request-URI, "sip:1001@10.0.0.5:5060;transport=tcp"
	Addr      netip.AddrPort // where to send; zero = resolve the URI
	Transport string         // "udp", "tcp", "tls"
	Flow      string         // id of a live connection to prefer (phones behind NAT, TCP)
	Trunk     string         // whose credentials answer a challenge; "" none
}

// transports are those that we speak.
var transports = map[string]bool{"udp": true, "tcp": true, "tls": true}

// ParseTarget reads a SIP URI. An IP literal sets Addr, so that nothing has to be resolved.
func ParseTarget(uri string) (Target, error) {
	u, ok := parseURI(uri)
	if !ok || u.scheme != "sip" && u.scheme != "sips" || u.host == "" || len(uri) > maxContactBytes {
		return Target{}, fmt.Errorf("%w: %.80q", errTarget, uri)
	}
	t := Target{URI: uri, Transport: u.transportOr()}
	if !transports[t.Transport] {
		return Target{}, fmt.Errorf("%w: transport %.20q", errTarget, t.Transport)
	}
	if a, err := netip.ParseAddr(u.host); err == nil {
		t.Addr = netip.AddrPortFrom(a.Unmap(), uint16(u.portOr()))
	}
	return t, nil
}

// resolver finds addresses of targets: the part of RFC 3263 that needs no NAPTR.
// resolve never blocks: done is called at once when the answer is known (a literal,
// a cached name, a refusal), else later from one of the resolver's own goroutines.
type resolver struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// srv looks up "_sip._udp.example.com", sorted by priority; nil: no SRV.
	srv  func(ctx context.Context, name string) ([]*net.SRV, error)
	jobs chan uri

	mu      sync.Mutex // guards all below
	known   map[string]resolution
	waiting map[string][]func(found, error)
	stopped bool
	rand    func(n int) int // 0 to n-1, for weights
}

type resolution struct {
	groups []group
	err    error
	until  time.Time
}

// found are addresses in the order to try them, and how to reach them.
type found struct {
	addrs     []netip.AddrPort
	transport string
}

func newResolver(
	lookup func(ctx context.Context, host string) ([]netip.Addr, error),
	srv func(ctx context.Context, name string) ([]*net.SRV, error),
) *resolver {
	return &resolver{
		lookup: lookup, srv: srv,
		jobs:    make(chan uri, resolveQueue),
		known:   make(map[string]resolution),
		waiting: make(map[string][]func(found, error)),
		rand:    rand.IntN,
	}
}

// run owns the resolver's goroutines. It returns when ctx has ended, they have
// too, and everybody who waited has been told.
func (r *resolver) run(ctx context.Context) {
	var wg sync.WaitGroup
	for range resolveWorkers {
		wg.Go(func() { r.work(ctx) }) // ends with ctx
	}
	wg.Wait()
	r.mu.Lock()
	r.stopped = true
	left := r.waiting
	r.waiting = nil
	r.mu.Unlock()
	for _, all := range left {
		for _, done := range all {
			done(found{}, errResolverGone)
		}
	}
}

func (r *resolver) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case u := <-r.jobs:
			limited, cancel := context.WithTimeout(ctx, resolveTimeout)
			groups, err := r.find(limited, u)
			cancel()
			if ctx.Err() != nil {
				return // run tells those who wait
			}
			r.finish(u, groups, err)
		}
	}
}

// resolve gives the target once for each of its addresses, in the order to try them.
func (r *resolver) resolve(t Target, done func([]Target, error)) {
	if t.Addr.IsValid() {
		done([]Target{t}, nil)
		return
	}
	p, err := ParseTarget(t.URI)
	if err != nil {
		done(nil, err)
		return
	}
	if t.Transport == "" {
		t.Transport = p.Transport
	}
	if p.Addr.IsValid() {
		t.Addr = p.Addr
		done([]Target{t}, nil)
		return
	}
	u, _ := parseURI(t.URI)
	if u.transport() == "" && t.Transport == "udp" { // as nobody said: what the name offers (RFC 3263, 4.1)
		u.params = ""
	} else {
		u.params = "transport=" + t.Transport
	}
	r.ask(u, func(f found, err error) {
		all := make([]Target, len(f.addrs))
		for i, a := range f.addrs {
			all[i] = t
			all[i].Addr, all[i].Transport = a, f.transport
		}
		done(all, err)
	})
}

// ask answers from the cache or joins the look-up of that name.
func (r *resolver) ask(u uri, done func(found, error)) {
	u.user, u.headers, u.host = "", "", strings.ToLower(u.host)
	key := resolveKey(u)
	r.mu.Lock()
	k, ok := r.known[key]
	fresh := ok && time.Now().Before(k.until)
	_, running := r.waiting[key]
	err := k.err
	if !fresh {
		err = nil
		switch {
		case r.stopped:
			err = errResolverGone
		case running:
			r.waiting[key] = append(r.waiting[key], done)
		default:
			select {
			case r.jobs <- u:
				r.waiting[key] = append(r.waiting[key], done)
			default:
				err = errResolverBusy
			}
		}
	}
	r.mu.Unlock()
	switch {
	case fresh:
		done(r.pick(u, k.groups), err)
	case err != nil:
		done(found{}, err)
	}
}

// pick orders what was found, for one call.
func (r *resolver) pick(u uri, groups []group) found {
	f := found{inOrder(groups, r.rand), u.transportOr()}
	if len(groups) > 0 && groups[0].transport != "" {
		f.transport = groups[0].transport
	}
	return f
}

// resolveKey tells names apart: a port that is said rules out SRV.
func resolveKey(u uri) string {
	return hostPort(u.host, u.port) + ";" + u.transport()
}

func (r *resolver) finish(u uri, groups []group, err error) {
	key, now := resolveKey(u), time.Now()
	until := now.Add(resolveFresh)
	if err != nil {
		until = now.Add(resolveFailed)
	}
	r.mu.Lock()
	if len(r.known) >= resolveCache {
		for k, v := range r.known {
			if !now.Before(v.until) {
				delete(r.known, k)
			}
		}
		if len(r.known) >= resolveCache {
			clear(r.known)
		}
	}
	r.known[key] = resolution{groups, err, until}
	all := r.waiting[key]
	delete(r.waiting, key)
	r.mu.Unlock()
	for _, done := range all {
		done(r.pick(u, groups), err)
	}
}

// find does the look-ups of one name: SRV unless a port is said, then addresses
// (RFC 3263, 4.2).
func (r *resolver) find(ctx context.Context, u uri) ([]group, error) {
	if u.port == 0 && r.srv != nil {
		kinds := []string{u.transport()}
		if kinds[0] == "" {
			kinds = []string{"udp", "tcp"}
		}
		var refused error
		for _, transport := range kinds {
			all, err := r.services(ctx, u.host, transport)
			if len(all) > 0 {
				return all, nil
			}
			refused = errors.Join(refused, err)
		}
		if refused != nil {
			return nil, refused
		}
	}
	found, err := r.addresses(ctx, u.host, uint16(u.portOr()))
	if err != nil {
		return nil, err
	}
	return []group{{addrs: found}}, nil
}

func (r *resolver) addresses(ctx context.Context, host string, port uint16) ([]netip.AddrPort, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(a.Unmap(), port)}, nil
	}
	found, err := r.lookup(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("sip: resolve %s: %w", host, err)
	}
	var all []netip.AddrPort
	for _, a := range found {
		if p := netip.AddrPortFrom(a.Unmap(), port); !slices.Contains(all, p) && len(all) < resolveMost {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s", errNoAddress, host)
	}
	return all, nil
}
