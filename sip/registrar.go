package sip

import (
	"cmp"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// registrarConfig of a registrar. Zero fields take the defaults named here.
type registrarConfig struct {
	Min, Max time.Duration // granted lifetimes; defaults 60 s and 3600 s (RFC 3261, 10.3)
	Each     int           // most bindings of one account; default 5
	Restored []Binding     // of an earlier process; their flows are gone
	OnChange func(BindingChange)
}

// registrar keeps the bindings of accounts (RFC 3261, 10.3). Safe for many workers.
// OnChange is called in the order of the changes, by one goroutine at a time, no lock held.
type registrar struct {
	min, max time.Duration
	each     int
	onChange func(BindingChange)

	mu      sync.Mutex // guards all below
	byUser  map[string][]*bound
	sources map[netip.AddrPort][]*bound
	flows   map[string][]*bound // of live connections
	seq     uint64              // order of registration within one instant
	next    time.Time           // nothing runs out earlier; zero: nothing is bound
	out     []BindingChange
	telling bool // a goroutine is calling onChange
}

// bound is a binding in the registrar's index.
type bound struct {
	Binding
	uri uri
	seq uint64
}

func newRegistrar(now time.Time, c registrarConfig) *registrar {
	r := &registrar{
		min:      cmp.Or(c.Min, 60*time.Second),
		max:      cmp.Or(c.Max, 3600*time.Second),
		each:     cmp.Or(c.Each, 5),
		onChange: c.OnChange,
		byUser:   make(map[string][]*bound),
		sources:  make(map[netip.AddrPort][]*bound),
		flows:    make(map[string][]*bound),
	}
	restored := slices.Clone(c.Restored)
	slices.SortStableFunc(restored, func(a, b Binding) int { return a.Registered.Compare(b.Registered) })
	for _, b := range restored {
		uri, ok := parseURI(b.Contact)
		if !ok || b.AOR == "" || !b.Expires.After(now) {
			continue
		}
		b.Flow = ""
		if b.Q == 0 {
			b.Q = 1
		}
		r.put(&bound{Binding: b, uri: uri})
		r.trim(b.AOR)
	}
	r.out = nil
	return r
}

// registered is the answer to a REGISTER: status and headers to add to the response.
type registered struct {
	Status  int
	Reason  string
	Headers [][2]string // name, value
}

// handle answers a REGISTER of an authenticated user. All or nothing (RFC 3261, 10.3 step 7).
func (r *registrar) handle(now time.Time, user string, m *message, from origin) registered {
	ask, refusal := r.read(user, m)
	if refusal.Status != 0 {
		return refusal
	}
	r.mu.Lock()
	if !r.inOrder(ask) {
		r.mu.Unlock()
		return registered{Status: 500, Reason: "CSeq Too Low"}
	}
	r.drop(now, user)
	if ask.star {
		for _, b := range slices.Clone(r.byUser[user]) {
			r.remove(b)
		}
	}
	for _, c := range ask.contacts {
		r.apply(now, ask, c, from)
	}
	r.trim(user)
	answer := registered{Status: 200, Reason: "OK", Headers: r.list(now, user)}
	r.mu.Unlock()
	r.tell()
	return answer
}

// registration is a REGISTER that was read and found sound.
type registration struct {
	user, callID, agent string
	cseq                uint32
	star                bool
	contacts            []contactValue // Expires filled in, in seconds, 0 removes
}

// read checks all that needs no state; a refusal has a status.
func (r *registrar) read(user string, m *message) (ask registration, refusal registered) {
	if u, ok := parseURI(m.to.uri); !ok || unescape(u.user) != user || user == "" {
		return ask, registered{Status: 403, Reason: "Not Your Address"}
	}
	contacts, err := readContacts(m)
	if err != nil {
		return ask, registered{Status: 400, Reason: "Bad Contact"}
	}
	if len(contacts) > r.each {
		return ask, registered{Status: 403, Reason: "Too Many Contacts"}
	}
	header := int64(-1)
	if v := m.get(hExpires); v != "" {
		header = readSeconds(v)
	}
	ask = registration{user: user, callID: m.callID, cseq: m.cseq, agent: agentName(m)}
	for _, c := range contacts {
		if c.star {
			if len(contacts) > 1 || header != 0 {
				return ask, registered{Status: 400, Reason: "Bad Contact"}
			}
			ask.star = true
			return ask, registered{}
		}
		if c.uri.scheme != "sip" {
			return ask, registered{Status: 400, Reason: "Contact Must Be A SIP URI"}
		}
		if c.expires < 0 {
			c.expires = header
		}
		if c.expires < 0 {
			c.expires = int64(r.max / time.Second)
		}
		if c.expires > 0 && c.expires < int64(r.min/time.Second) {
			return ask, registered{Status: 423, Reason: "Interval Too Brief",
				Headers: [][2]string{{"Min-Expires", strconv.Itoa(int(r.min / time.Second))}}}
		}
		c.expires = min(c.expires, int64(r.max/time.Second))
		ask.contacts = append(ask.contacts, c)
	}
	return ask, registered{}
}

// inOrder is false if a binding named was set by a later REGISTER of the same Call-ID.
func (r *registrar) inOrder(ask registration) bool {
	for _, b := range r.byUser[ask.user] {
		if b.CallID != ask.callID || ask.cseq > b.CSeq {
			continue
		}
		if ask.star || slices.ContainsFunc(ask.contacts, func(c contactValue) bool { return c.uri.same(b.uri) }) {
			return false
		}
	}
	return true
}

// apply adds, refreshes or removes one contact.
func (r *registrar) apply(now time.Time, ask registration, c contactValue, from origin) {
	for _, b := range r.byUser[ask.user] {
		if b.uri.same(c.uri) {
			if c.expires == 0 {
				r.remove(b)
				return
			}
			r.unlink(b)
			break
		}
	}
	if c.expires == 0 {
		return
	}
	q := c.q
	if q < 0 {
		q = 1
	}
	contact := strings.Clone(c.text) // not the whole message
	u, _ := parseURI(contact)
	b := &bound{uri: u, Binding: Binding{
		AOR: ask.user, Contact: contact, Source: unmap(from.Source), Transport: from.Transport, Flow: from.Flow,
		CallID: strings.Clone(ask.callID), CSeq: ask.cseq, UserAgent: ask.agent, Q: q,
		Registered: now, Expires: now.Add(time.Duration(c.expires) * time.Second),
	}}
	r.put(b)
	r.out = append(r.out, BindingChange{Binding: b.Binding, Reachable: true})
}

// list makes the headers of a 200: every contact with what is left of its time, and the date.
func (r *registrar) list(now time.Time, user string) [][2]string {
	var all [][2]string
	for _, b := range sorted(r.byUser[user]) {
		left := int(math.Ceil(b.Expires.Sub(now).Seconds()))
		v := "<" + b.Contact + ">;expires=" + strconv.Itoa(left)
		if b.Q < 1 {
			v += ";q=" + strconv.FormatFloat(b.Q, 'g', 3, 64)
		}
		all = append(all, [2]string{"Contact", v})
	}
	return append(all, [2]string{"Date", now.UTC().Format(http.TimeFormat)})
}

// expire drops what has run out and says when to come again; zero: nothing is bound.
func (r *registrar) expire(now time.Time) (next time.Time) {
	r.mu.Lock()
	if r.next.IsZero() || now.Before(r.next) {
		defer r.mu.Unlock()
		return r.next
	}
	r.next = time.Time{}
	for user := range r.byUser {
		r.drop(now, user)
		for _, b := range r.byUser[user] {
			r.sooner(b.Expires)
		}
	}
	next = r.next
	r.mu.Unlock()
	r.tell()
	return next
}

// drop removes an account's bindings that have run out.
func (r *registrar) drop(now time.Time, user string) {
	for _, b := range slices.Clone(r.byUser[user]) {
		if !b.Expires.After(now) {
			r.remove(b)
		}
	}
}

// trim removes the oldest bindings above the limit: a phone that starts anew
// with other ports must not be locked out by what it left behind.
func (r *registrar) trim(user string) {
	for len(r.byUser[user]) > r.each {
		all := sorted(r.byUser[user])
		r.remove(all[len(all)-1])
	}
}

func (r *registrar) put(b *bound) {
	r.seq++
	b.seq = r.seq
	r.byUser[b.AOR] = append(r.byUser[b.AOR], b)
	r.sources[b.Source] = append(r.sources[b.Source], b)
	if b.Flow != "" {
		r.flows[b.Flow] = append(r.flows[b.Flow], b)
	}
	r.sooner(b.Expires)
}

func (r *registrar) sooner(t time.Time) {
	if r.next.IsZero() || t.Before(r.next) {
		r.next = t
	}
}

func (r *registrar) remove(b *bound) {
	r.unlink(b)
	r.out = append(r.out, BindingChange{Binding: b.Binding, Removed: true, Reachable: len(r.byUser[b.AOR]) > 0})
}

func (r *registrar) unlink(b *bound) {
	cut(r.byUser, b.AOR, b)
	cut(r.sources, b.Source, b)
	cut(r.flows, b.Flow, b)
}

// cut takes b out of a list in m without touching slices that others range over.
func cut[K comparable](m map[K][]*bound, k K, b *bound) {
	left := slices.DeleteFunc(slices.Clone(m[k]), func(o *bound) bool { return o == b })
	if len(left) == 0 {
		delete(m, k)
		return
	}
	m[k] = left
}

// tell calls onChange with what has happened. The first goroutine here tells for
// all, so that the order is kept.
func (r *registrar) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.telling {
		return
	}
	r.telling = true
	for len(r.out) > 0 {
		batch := r.out
		r.out = nil
		r.mu.Unlock()
		for _, c := range batch {
			if r.onChange != nil {
				r.onChange(c)
			}
		}
		r.mu.Lock()
	}
	r.telling = false
}

// agentName is the User-Agent of a message, cut to 128 bytes of printable ASCII.
func agentName(m *message) string {
	all := m.named("User-Agent")
	if len(all) == 0 {
		return ""
	}
	b := []byte(all[0][:min(len(all[0]), 128)])
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
