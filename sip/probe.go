package sip

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

const (
	probeWait  = 5 * time.Second // for the answer of one address
	probeSoon  = 5 * time.Second // until the next one while a peer's state is in doubt
	probeDown  = 3               // silences in a row that make a peer down
	probeUp    = 2               // answers in a row that make it up again
	probeCount = 16              // addresses of one peer that are asked
)

// probeResult is what OPTIONS to a peer brought.
type probeResult struct {
	target  Target // the address that answered, or the last one tried
	status  int    // 0: no answer
	rtt     time.Duration
	wait    time.Duration // Retry-After of a 503
	problem string        // why there was no answer
}

// answers: whoever refuses OPTIONS lives; a 503 says that it serves nobody.
func (p probeResult) answers() bool { return p.status != 0 && p.status != 503 && p.status != 408 }

// probing asks the addresses of one place by OPTIONS until one answers.
type probing struct {
	w     *worker
	left  []Target
	last  probeResult
	sent  time.Time
	tx    *clientTx
	limit alarm
	done  func(probeResult)
}

// examine asks a place whether it lives. done is called once, on a worker.
func (e *Endpoint) examine(w *worker, t Target, done func(probeResult)) {
	p := &probing{w: w, done: done, last: probeResult{target: t, problem: "no address"}}
	p.limit = alarm{owner: p}
	e.names.resolve(t, func(ts []Target, err error) {
		w.post(func() {
			if err != nil {
				p.last.problem = err.Error()
			}
			p.left = ts[:min(len(ts), probeCount)]
			p.next()
		})
	})
}

func (p *probing) next() {
	p.tx = nil
	p.w.clear(&p.limit)
	if len(p.left) == 0 {
		p.done(p.last)
		return
	}
	t := p.left[0]
	p.left = p.left[1:]
	h, ok := p.w.e.hopFor(t)
	if !ok {
		p.last = probeResult{target: t, problem: "no socket reaches " + t.Addr.String()}
		p.next()
		return
	}
	p.sent = time.Now()
	p.last = probeResult{target: t, problem: "no answer"}
	p.w.set(&p.limit, probeWait)
	if p.tx = p.w.probe(t.URI, h, p); p.tx == nil {
		p.next()
	}
}

func (p *probing) ring(uint8) {
	if p.tx != nil {
		p.tx.giveUp()
	}
	p.next()
}

// response of a txUser.
func (p *probing) response(tx *clientTx, m *message) {
	if tx != p.tx || m.status < 200 {
		return
	}
	m.hop.conn.keep()
	p.last.status, p.last.rtt, p.last.problem = m.status, time.Since(p.sent), ""
	if !p.last.answers() {
		wait, _ := seconds(m.get(hRetryAfter))
		p.last.wait = time.Duration(min(wait, 1<<24)) * time.Second
		p.last.problem = itoa(m.status) + " " + reasonOf(m.status)
		p.next()
		return
	}
	p.left = nil
	p.next()
}

// failed of a txUser.
func (p *probing) failed(tx *clientTx, _ int) {
	if tx != p.tx {
		return
	}
	p.last.problem = "no connection, or no answer"
	p.next()
}

// watch is what OPTIONS have told of a peer.
type watch struct {
	running bool
	next    time.Time
	known   bool // an answer came, or enough silences
	up      bool
	since   time.Time
	good    int // answers in a row
	bad     int // silences in a row
	latency time.Duration
}

// count takes a result; changed if the peer is up or down now and was not before.
func (w *watch) count(now time.Time, r probeResult) (changed bool) {
	if r.answers() {
		w.good, w.bad, w.latency = w.good+1, 0, r.rtt
	} else {
		w.good, w.bad = 0, w.bad+1
	}
	var up bool
	switch {
	case w.good >= probeUp, w.good > 0 && !w.known:
		up = true
	case w.bad >= probeDown:
		up = false
	default:
		return false
	}
	changed = !w.known || up != w.up
	w.known, w.up = true, up
	if changed {
		w.since = now
	}
	return changed
}

// doubtful: the next answer may change the state, so it is asked for soon.
func (w *watch) doubtful() bool {
	return !w.known || w.up && w.bad > 0 || !w.up && w.good > 0
}

// watchTrunks sends the OPTIONS that are due.
func (k *housekeeper) watchTrunks() {
	e := k.w.e
	for _, t := range e.trunks.due(k.w.now) {
		e.examine(k.w, t, func(r probeResult) {
			change, tell := e.trunks.probed(k.w.now, t, r)
			if tell && e.cfg.OnTrunk != nil {
				e.cfg.OnTrunk(change)
			}
		})
	}
}

// due are the peers to be asked now; they are not due again before probed.
func (s *trunkSet) due(now time.Time) (all []Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.trunks {
		if e.KeepAlive <= 0 {
			continue
		}
		for _, p := range e.peers {
			if p.bad != nil || p.watch.running || now.Before(p.watch.next) {
				continue
			}
			p.watch.running = true
			t := p.target
			t.URI = p.uri.bare()
			all = append(all, t)
		}
	}
	return all
}

// bare is the URI of a host, as the peer of a trunk is asked.
func (u uri) bare() string {
	s := "sip:" + hostPort(u.host, u.port)
	if tr := u.transportOr(); tr != "udp" || u.transport() != "" {
		s += ";transport=" + tr
	}
	return s
}

// probed takes what OPTIONS to a peer brought; tell if its state has changed.
func (s *trunkSet) probed(now time.Time, t Target, r probeResult) (change TrunkChange, tell bool) {
	if r.status == 503 {
		s.failed(now, r.target, 503, r.wait)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.peer(t)
	e := find(s.trunks, t.Trunk)
	if p == nil || e == nil {
		return change, false
	}
	w := &p.watch
	tell = w.count(now, r)
	w.running = false
	every := e.KeepAlive
	if w.doubtful() {
		every = min(every, probeSoon)
	}
	w.next = now.Add(every - time.Duration(rand.Int64N(int64(every)/10+1)))
	if !r.answers() {
		p.problem = r.problem
	} else if !p.down.After(now) {
		p.problem = ""
	}
	if tell && w.up {
		p.down, p.failures = time.Time{}, 0
	}
	return TrunkChange{Trunk: t.Trunk, Peer: p.text, Up: w.up, Latency: w.latency, Error: p.problem}, tell
}

// restKey is one address of a trunk that has several.
type restKey struct {
	trunk string
	addr  netip.AddrPort
}

const maxResting = 1024 // addresses remembered

// rest keeps calls off one address of a peer for a while, if the peer has others;
// true then, and while one of the others is up.
func (s *trunkSet) rest(p *trunkPeer, t Target, now, until time.Time) bool {
	if p.target.Addr.IsValid() || !t.Addr.IsValid() || len(p.addrs) < 2 {
		return false
	}
	if s.resting == nil || len(s.resting) >= maxResting {
		s.resting = map[restKey]time.Time{}
	}
	s.resting[restKey{t.Trunk, t.Addr}] = until
	for _, a := range p.addrs {
		if !s.resting[restKey{t.Trunk, a}].After(now) {
			return true
		}
	}
	return false
}

// rested puts the addresses that rest behind the others.
func (s *trunkSet) rested(now time.Time, ts []Target) []Target {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.resting) == 0 {
		return ts
	}
	var up, down []Target
	for _, t := range ts {
		if s.resting[restKey{t.Trunk, t.Addr}].After(now) {
			down = append(down, t)
		} else {
			up = append(up, t)
		}
	}
	return append(up, down...)
}

// owns says whether a place belongs to a trunk: a host or address of its peers, or
// one of its addresses.
func (s *trunkSet) owns(name string, t Target) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e := find(s.trunks, name)
	u, ok := parseURI(t.URI)
	if e == nil || !ok {
		return false
	}
	if e.has(u.host) {
		return true
	}
	return t.Addr.IsValid() && e.rank(t.Addr) > 0
}
