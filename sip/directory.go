package sip

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Who is who: the registrar, the trunks and our registrations at them, driven
// by workers.

// signups are our registrations at trunks.
type signups struct {
	mu      sync.Mutex // guards the maps
	running map[string]*signup
	stopped bool
}

// signup drives one registrant: its timer, its REGISTERs and what comes back.
type signup struct {
	e      *Endpoint
	w      *worker
	trunk  Trunk
	reg    *registrant
	timer  alarm
	tx     *clientTx
	done   bool
	onDone func()
	onGone func() // lets the registration begin that takes this one's place
}

// handOver is how long a changed registration waits for the old one's removal,
// which must not arrive after it: both have the same Contact.
const handOver = 2 * time.Second

func (e *Endpoint) openDirectory() {
	now := time.Now()
	e.digest = newDigestServer(now, e.cfg.Realm, e.cfg.Secret, e.cfg.Accounts)
	e.registry = newRegistrar(now, registrarConfig{Restored: e.cfg.Bindings, OnChange: e.cfg.OnBinding})
	e.trunks = &trunkSet{}
	e.names = newResolver(e.cfg.Lookup, e.cfg.LookupSRV)
	e.signup.running = map[string]*signup{}
}

func (e *Endpoint) startDirectory(ctx context.Context) {
	e.wg.Go(func() { e.names.run(ctx) }) // ends with ctx
	if len(e.cfg.STUN) > 0 && e.cfg.Advertise == "" {
		for _, s := range e.udp {
			if !s.local.Addr().IsLoopback() {
				e.wg.Go(func() { e.watchExternal(ctx, s) }) // ends with ctx
			}
		}
	}
	e.workers[0].post(func() { (&housekeeper{w: e.workers[0]}).start() })
}

// housekeeper expires bindings and looks up peers of trunks.
type housekeeper struct {
	w     *worker
	timer alarm
	turn  int // of keep-alives
}

// housekeeping is how often bindings are expired and names of trunks looked up.
const housekeeping = time.Second

func (k *housekeeper) start() {
	k.timer = alarm{owner: k}
	k.ring(0)
}

func (k *housekeeper) ring(uint8) {
	e := k.w.e
	e.registry.expire(k.w.now)
	e.lookUpPeers()
	k.keepAlive()
	k.watchTrunks()
	k.w.set(&k.timer, housekeeping)
}

// lookUpPeers resolves those peers of trunks whose addresses are not known.
func (e *Endpoint) lookUpPeers() {
	for _, t := range e.trunks.unresolved() {
		e.names.resolve(t, func(ts []Target, err error) {
			var addrs []netip.AddrPort
			for _, t := range ts {
				addrs = append(addrs, t.Addr)
			}
			e.trunks.resolved(t, addrs, err)
		})
	}
}

func (e *Endpoint) stopDirectory(left *sync.WaitGroup) {
	e.signup.mu.Lock()
	defer e.signup.mu.Unlock()
	e.signup.stopped = true
	for _, s := range e.signup.running {
		left.Add(1)
		done := sync.OnceFunc(left.Done)
		s.w.post(func() {
			s.onDone = done
			s.stop()
		})
	}
}

// releaseDirectory lets go of registrations that nobody answered.
func (e *Endpoint) releaseDirectory() {
	e.signup.mu.Lock()
	defer e.signup.mu.Unlock()
	for _, s := range e.signup.running {
		s.w.post(s.finished)
	}
}

// Contacts are the live bindings of a user, most recent first; none: unreachable.
func (e *Endpoint) Contacts(aor string) []Target { return e.registry.contacts(time.Now(), aor) }

// Bindings are all live bindings.
func (e *Endpoint) Bindings() []Binding { return e.registry.bindings(time.Now()) }

// SetTrunks replaces the set of trunks while calls run; registers and
// un-registers as needed.
func (e *Endpoint) SetTrunks(trunks []Trunk) {
	for _, name := range e.trunks.set(trunks) {
		e.conns.forget(name)
	}
	e.lookUpPeers()
	e.signup.mu.Lock()
	defer e.signup.mu.Unlock()
	if e.signup.stopped {
		return
	}
	want := map[string]Trunk{}
	for _, t := range trunks {
		if t.Register {
			want[t.Name] = t
		}
	}
	old := map[string]*signup{}
	for name, s := range e.signup.running {
		switch t, ok := want[name]; {
		case !ok:
			s.w.post(s.stop)
		case sameRegistration(t, s.trunk):
			continue
		}
		old[name] = s
		delete(e.signup.running, name)
	}
	for name, t := range want {
		if e.signup.running[name] == nil {
			e.signup.running[name] = e.newSignup(t, old[name])
		}
	}
}

// newSignup begins a registration at once, or after the one whose place it takes.
func (e *Endpoint) newSignup(t Trunk, old *signup) *signup {
	callID := randomText(20)
	s := &signup{e: e, w: e.workerOf(callID), trunk: t, reg: newRegistrant(t, callID, randomText(10))}
	s.timer = alarm{owner: s}
	begin := func() { s.w.post(func() { s.ring(0) }) }
	if old == nil {
		begin()
		return s
	}
	s.w.post(func() { s.w.set(&s.timer, handOver) })
	old.w.post(func() {
		old.onGone = begin
		old.stop()
	})
	return s
}

func (s *signup) ring(uint8) {
	if s.done || s.tx != nil {
		return
	}
	s.w.busy = nil
	send, next := s.reg.tick(s.w.now)
	if send != nil {
		s.send(send)
		return
	}
	if next.IsZero() {
		s.finished()
		return
	}
	s.w.alarms.set(&s.timer, next)
}

// send resolves the registrar and sends; one address is enough, the registrant
// comes again after silence.
func (s *signup) send(r *register) {
	s.e.names.resolve(r.Target, func(ts []Target, err error) {
		s.w.post(func() {
			if err != nil || len(ts) == 0 {
				why := "no address"
				if err != nil {
					why = err.Error()
				}
				s.reg.silence(s.w.now, why)
				s.ring(0)
				return
			}
			s.sendTo(r, ts[0])
		})
	})
}

func (s *signup) sendTo(r *register, t Target) {
	h, ok := s.e.hopFor(t)
	if !ok {
		s.reg.silence(s.w.now, "no socket reaches "+t.Addr.String())
		s.ring(0)
		return
	}
	branch := s.e.branch()
	w := newBuilder(768).str("REGISTER ", r.URI, " SIP/2.0\r\n").line("Via", s.e.via(h, branch))
	for _, f := range r.Headers(s.e.contact(h)) {
		w.foreign(f[0], f[1])
	}
	s.tx = s.w.newClientTx(s, "REGISTER", branch, h, 0, w.done("", nil))
}

func (s *signup) response(tx *clientTx, m *message) {
	if m.status < 200 || tx != s.tx {
		return
	}
	s.tx = nil
	m.hop.conn.keep()
	s.reg.response(s.w.now, m)
	s.ring(0)
}

func (s *signup) failed(tx *clientTx, status int) {
	if tx != s.tx {
		return
	}
	s.tx = nil
	s.reg.silence(s.w.now, strings.ToLower(reasonOf(status)))
	s.ring(0)
}

func (s *signup) stop() {
	s.reg.stop(s.w.now)
	s.ring(0)
}

func (s *signup) finished() {
	s.done = true
	s.w.clear(&s.timer)
	if s.onDone != nil {
		s.onDone()
	}
	if s.onGone != nil {
		s.onGone()
	}
}

// Trunk gives the targets of a trunk's peers for a number, in order.
func (e *Endpoint) Trunk(name, number string) ([]Target, bool) {
	return e.trunks.targets(time.Now(), name, number)
}

// TrunkDown tells whether none of a trunk's peers may be tried before its time: each
// was silent, or asked to be left alone (503 with Retry-After), or answers no OPTIONS.
func (e *Endpoint) TrunkDown(name string) bool { return e.trunks.isDown(time.Now(), name) }

// Trunks is the state of all trunks.
func (e *Endpoint) Trunks() []TrunkState {
	states := e.trunks.states(time.Now())
	e.signup.mu.Lock()
	defer e.signup.mu.Unlock()
	for i := range states {
		if s := e.signup.running[states[i].Name]; s != nil {
			r := s.reg.state()
			states[i].Registered, states[i].Error, states[i].Expires = r.Registered, r.Error, r.Expires
		}
	}
	return states
}
