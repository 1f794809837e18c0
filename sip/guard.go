package sip

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

const (
	guardSources = 8192      // sources remembered; the one unseen for longest is forgotten
	guardVouch   = time.Hour // how long a source that proved itself is not counted
)

// guard limits what one source may send: a token bucket per IPv4 address or
// IPv6 /64, in a bounded table. Safe for many readers.
type guard struct {
	rate  float64 // tokens per second
	burst float64

	mu      sync.Mutex // guards the fields below
	buckets map[netip.Prefix]*list.Element
	recent  list.List // of *bucket, most recently seen first
}

type bucket struct {
	source  netip.Prefix
	tokens  float64
	at      time.Time
	trusted time.Time // until when it is not counted
}

func newGuard(rate float64, burst int) *guard {
	return &guard{rate: rate, burst: float64(burst), buckets: map[netip.Prefix]*list.Element{}}
}

// allow takes a token. The caller asks known sources (trunks) himself when it is refused.
func (g *guard) allow(a netip.Addr, now time.Time) bool {
	if a.IsLoopback() {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.bucket(a, now)
	if now.Before(b.trusted) {
		return true
	}
	b.tokens = min(g.burst, b.tokens+now.Sub(b.at).Seconds()*g.rate)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// vouch trusts a source that authenticated or takes part in a call.
func (g *guard) vouch(a netip.Addr, now time.Time) {
	if a.IsLoopback() || !a.IsValid() {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bucket(a, now).trusted = now.Add(guardVouch)
}

func (g *guard) bucket(a netip.Addr, now time.Time) *bucket {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	if el := g.buckets[p]; el != nil {
		g.recent.MoveToFront(el)
		return el.Value.(*bucket)
	}
	if len(g.buckets) >= guardSources {
		last := g.recent.Back()
		delete(g.buckets, g.recent.Remove(last).(*bucket).source)
	}
	b := &bucket{source: p, tokens: g.burst, at: now}
	g.buckets[p] = g.recent.PushFront(b)
	return b
}
