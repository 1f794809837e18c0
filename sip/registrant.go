package sip

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	registerExpires = 600 * time.Second // asked for by default
	registerMost    = 24 * time.Hour    // longest interval that a 423 can make us ask for
	registerSilence = 40 * time.Second  // an answer is not waited for longer: above Timer F
	backOffFirst    = 30 * time.Second
	backOffMost     = 300 * time.Second
	maxRaises       = 2 // 423 answered in one attempt
)

// registrant keeps one trunk registered (RFC 3261, 10.2): a state machine without
// I/O. One goroutine at a time, but state, which any may call.
//
// At most one REGISTER is under way. After silence, 408 or 5xx the next place is
// tried at once; when all were tried, it waits 30 s, then twice as long each time,
// 300 s at most.
type registrant struct {
	trunk           Trunk
	callID, fromTag string
	places          []registerPlace
	problem         string

	place  int // index of the place in use
	tried  int // places tried in vain since the last success or wait
	cseq   uint32
	ask    time.Duration
	raises int
	auth   *clientAuth
	extra  [][2]string // credentials for the REGISTER to send next
	again  bool        // extra answers a challenge to the last REGISTER

	waiting bool // an answer is due
	sent    time.Time
	at      time.Time // when the next REGISTER is due; zero = at once
	backOff time.Duration
	contact string // URI last sent

	bound    bool // the trunk holds a binding of ours, until expires
	expires  time.Time
	stopping bool
	removal  bool // the REGISTER under way removes the binding
	done     bool

	shown atomic.Pointer[TrunkState]
}

// registerPlace is where a REGISTER can go.
type registerPlace struct {
	target Target // to resolve and send to
	uri    string // Request-URI
	domain string // of From and To
}

// register is one REGISTER to send: resolve Target, then build the request with the
// Contact URI at which that target can reach us. Via is the sender's to add.
type register struct {
	Target Target
	// URI is the Request-URI; Headers are all headers but Via and Content-Length. The
	// contact's user becomes the trunk's: it is what calls from the trunk will be for.
	// Headers must be called by the registrant's goroutine, before the response comes.
	URI     string
	Headers func(contact string) [][2]string
}

// newRegistrant takes a trunk with Register set. Places are its registrar and its
// peers; with a RegisterURI all are asked for that domain.
func newRegistrant(t Trunk, callID, fromTag string) *registrant {
	r := &registrant{trunk: t, callID: callID, fromTag: fromTag, ask: cmp.Or(t.Expires, registerExpires), backOff: backOffFirst}
	all := t.Peers
	if t.RegisterURI != "" {
		all = append([]string{t.RegisterURI}, t.Peers...)
	}
	for _, text := range all {
		target, err := ParseTarget(text)
		if err != nil {
			r.problem = err.Error()
			continue
		}
		target.Trunk = t.Name
		u, _ := parseURI(text)
		p := registerPlace{target: target, uri: "sip:" + hostPort(u.host, u.port), domain: hostPort(u.host, 0)}
		if t.RegisterURI != "" && len(r.places) > 0 {
			p.uri, p.domain = r.places[0].uri, r.places[0].domain
		}
		r.places = append(r.places, p)
	}
	if len(r.places) == 0 {
		r.done = true
		r.problem = cmp.Or(r.problem, "no peer to register at")
	}
	r.newAuth()
	r.show()
	return r
}

// sameRegistration says whether two settings of a trunk register alike.
func sameRegistration(a, b Trunk) bool {
	return a.Name == b.Name && slices.Equal(a.Peers, b.Peers) && a.RegisterURI == b.RegisterURI &&
		a.User == b.User && a.Password == b.Password && a.Realm == b.Realm && a.Expires == b.Expires
}

func (r *registrant) newAuth() {
	r.auth = newClientAuth(r.trunk.User, r.trunk.Password, r.trunk.Realm)
	r.extra, r.again = nil, false
}

// tick says what to send now (nil: nothing) and when to come again.
// After stop, next is zero when all is said.
func (r *registrant) tick(now time.Time) (send *register, next time.Time) {
	defer r.show()
	if r.bound && !now.Before(r.expires) {
		r.bound = false
	}
	if r.waiting && now.Sub(r.sent) >= registerSilence {
		r.silence(now, "no answer")
	}
	if r.stopping && !r.waiting && !r.bound {
		r.done = true
	}
	switch {
	case r.done:
		return nil, time.Time{}
	case r.waiting:
		return nil, r.sent.Add(registerSilence)
	case now.Before(r.at):
		if r.bound && r.expires.Before(r.at) {
			return nil, r.expires
		}
		return nil, r.at
	}
	return r.build(now), r.sent.Add(registerSilence)
}

// build makes the next REGISTER and counts it as sent.
func (r *registrant) build(now time.Time) *register {
	p := r.places[r.place]
	r.waiting, r.sent, r.removal = true, now, r.stopping
	r.cseq++
	if !r.again {
		r.extra = r.auth.begin("REGISTER", p.uri)
	}
	credentials, cseq, seconds := r.extra, r.cseq, int(r.ask/time.Second)
	r.extra, r.again = nil, false
	if r.removal {
		seconds = 0
	}
	return &register{Target: p.target, URI: p.uri, Headers: func(contact string) [][2]string {
		if u, ok := parseURI(contact); ok {
			contact = "sip:" + escapeUser(r.trunk.User) + "@" + hostPort(u.host, u.port)
			if u.params != "" {
				contact += ";" + u.params
			}
		}
		r.contact = contact
		aor := "<sip:" + escapeUser(r.trunk.User) + "@" + p.domain + ">"
		return append([][2]string{
			{"Max-Forwards", "70"},
			{"From", aor + ";tag=" + r.fromTag},
			{"To", aor},
			{"Call-ID", r.callID},
			{"CSeq", strconv.FormatUint(uint64(cseq), 10) + " REGISTER"},
			{"Contact", "<" + contact + ">;expires=" + strconv.Itoa(seconds)},
			{"Expires", strconv.Itoa(seconds)},
		}, credentials...)
	}}
}

// response takes the final response to the last REGISTER. Call tick next.
func (r *registrant) response(now time.Time, res *message) {
	if !r.waiting || res.status < 200 || res.cseq != r.cseq {
		return
	}
	defer r.show()
	r.waiting, r.at = false, now
	switch {
	case res.status == 401 || res.status == 407:
		headers, err := r.auth.answer("REGISTER", r.places[r.place].uri, res)
		if err != nil {
			r.fail(now, err.Error(), 0, false)
			return
		}
		r.extra, r.again = headers, true
	case r.removal:
		r.bound, r.done = false, true
	case res.status < 300:
		r.granted(now, res)
	case res.status == 423:
		least := time.Duration(readSeconds(first(res.named("Min-Expires")))) * time.Second
		if r.raises++; r.raises > maxRaises || least <= r.ask || least > registerMost {
			r.fail(now, "423 "+res.reason, 0, false)
			return
		}
		r.ask = least
	default:
		wait, _ := seconds(res.get(hRetryAfter))
		r.fail(now, strconv.Itoa(res.status)+" "+res.reason, time.Duration(wait)*time.Second,
			res.status == 408 || res.status >= 500 && res.status < 600)
	}
}

// granted books a 2xx: the time that the trunk gave our contact, else the
// Expires header's, else what we asked for.
func (r *registrant) granted(now time.Time, res *message) {
	given := int64(-1)
	contacts, _ := readContacts(res)
	ours, _ := parseURI(r.contact)
	for _, c := range contacts {
		if !c.star && (len(contacts) == 1 || c.uri.same(ours)) {
			given = c.expires
		}
	}
	if given < 0 {
		given = readSeconds(res.get(hExpires))
	}
	if given < 0 {
		given = int64(r.ask / time.Second)
	}
	if given == 0 {
		r.bound = false
		r.fail(now, "registered for no time", 0, false)
		return
	}
	life := min(time.Duration(given)*time.Second, registerMost)
	r.bound, r.expires, r.problem = true, now.Add(life), ""
	r.at = now.Add(max(life*8/10, time.Second))
	r.tried, r.raises, r.backOff = 0, 0, backOffFirst
	if r.stopping {
		r.at = now
	}
}

// silence: the last REGISTER met no answer (Timer F) or could not be sent. Call tick next.
func (r *registrant) silence(now time.Time, why string) {
	if !r.waiting {
		return
	}
	r.waiting = false
	if r.removal {
		r.bound, r.done = false, true
	} else {
		r.fail(now, why, 0, true)
	}
	r.show()
}

// fail goes to the next place, or waits when all were tried or it would not help.
func (r *registrant) fail(now time.Time, why string, retryAfter time.Duration, next bool) {
	r.problem = why
	r.raises = 0
	if r.stopping {
		// A binding may still stand: the removal is tried once, where it was made.
		r.at = now
		r.done = !r.bound || r.removal
		return
	}
	r.newAuth()
	if next && r.tried+1 < len(r.places) {
		r.tried++
		r.place = (r.place + 1) % len(r.places)
		r.at = now
		return
	}
	r.tried, r.place = 0, 0
	r.at = now.Add(max(r.backOff, min(retryAfter, downMost)))
	r.backOff = min(2*r.backOff, backOffMost)
}

// stop un-registers; the next tick gives that REGISTER if one is due.
func (r *registrant) stop(now time.Time) {
	if r.stopping {
		return
	}
	r.stopping = true
	r.at = now
	r.show()
}

// show publishes the state.
func (r *registrant) show() {
	st := &TrunkState{Name: r.trunk.Name, Registered: r.bound, Error: r.problem}
	if r.bound {
		st.Expires = r.expires
	}
	r.shown.Store(st)
}

// state is for display.
func (r *registrant) state() TrunkState { return *r.shown.Load() }

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}
