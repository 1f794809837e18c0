package sip

import (
	"math/rand/v2"
	"strings"
	"time"
)

// Event packages that may be watched.
const (
	packageDialog   = "dialog"          // RFC 4235
	packageMessages = "message-summary" // RFC 3842
)

// Bounds of subscriptions.
const (
	subscribeMin  = 60 * time.Second // shortest; 423 below (RFC 6665, 4.2.1.1)
	subscribeMost = time.Hour
	subscribeEach = 500         // of one account
	notifyEvery   = time.Second // RFC 4235, 3.9
)

// Subscription is one that stands, as an operator sees it.
type Subscription struct {
	Event, AOR string
	By         Peer
	Source     string
	Expires    time.Time
}

// subscription is a watcher's dialog (RFC 6665, 4.2). It lives on its worker.
type subscription struct {
	d       *Dialog
	kind    string // event package
	param   string // id of the Event header, with its ";"
	aor     string
	entity  string // the address as the watcher wrote it
	by      Peer
	until   time.Time
	version uint32 // of the next document
	sending bool
	dirty   bool      // what was told is no longer so
	told    time.Time // when the last NOTIFY went out
	over    bool
	reason  string // of its end
	expire  alarm
	again   alarm
}

const (
	ringExpire uint8 = iota
	ringAgain
)

// types are the content types of the packages' documents.
var types = map[string]string{
	packageDialog:   "application/dialog-info+xml",
	packageMessages: "application/simple-message-summary",
}

// subscribe takes a SUBSCRIBE outside dialogs.
func (w *worker) subscribe(m *message) {
	e := w.e
	kind := strings.ToLower(eventOf(m))
	if types[kind] == "" {
		e.refuse(m, 489, "", [2]string{"Allow-Events", allowEvents})
		return
	}
	who, ok := w.identify(m)
	if !ok {
		return
	}
	life, status := subscribeLife(m)
	if status != 0 {
		e.refuse(m, status, "", [2]string{"Min-Expires", inSeconds(subscribeMin)})
		return
	}
	if m.has(hAccept) && !m.takes(types[kind]) {
		e.refuse(m, 406, "")
		return
	}
	aor := strings.Clone(numberOf(m.target))
	if status := e.maySubscribe(who, kind, aor); status != 0 {
		e.refuse(m, status, "")
		return
	}
	if e.closing.Load() || !e.published.admit(who, e.cfg.Subscriptions) {
		e.refuse(m, 503, "", [2]string{"Retry-After", itoa(30 + rand.IntN(30))})
		return
	}
	d := w.newDialog(strings.Clone(m.callID), confirmed)
	d.local, d.remote = m.to.value(), m.from.value()
	d.peer.tag, d.peer.target = strings.Clone(m.fromTag), strings.Clone(m.from.uri)
	d.remoteSeq, d.heardAt, d.account = m.cseq, m.hop, who.Account
	d.farEnd.Store(&who)
	d.trunk = Target{URI: d.peer.target, Trunk: who.Trunk}
	m.hop.conn.keep()
	d.read(&d.peer, m, false)
	host := m.to.address().Host
	s := &subscription{d: d, kind: kind, param: eventID(m), aor: aor, by: who, entity: Address{User: aor, Host: host}.uri()}
	s.expire, s.again = alarm{owner: s, kind: ringExpire}, alarm{owner: s, kind: ringAgain}
	d.sub = s
	d.publish()
	w.busy = d
	e.published.enter(s, m.hop.addr.String())
	s.grant(m, life)
}

// subscribeLife is how long a SUBSCRIBE asks for; with a status it is refused.
func subscribeLife(m *message) (time.Duration, int) {
	v := m.get(hExpires)
	n := readSeconds(v)
	switch {
	case v == "":
		return subscribeMost, 0
	case n < 0:
		return 0, 400
	case n > 0 && n < int64(subscribeMin/time.Second):
		return 0, 423
	}
	return min(time.Duration(min(n, 1<<20))*time.Second, subscribeMost), 0
}

// eventID is the id of an Event header as NOTIFYs repeat it; "" if there is none.
func eventID(m *message) string {
	_, params, _ := strings.Cut(m.get(hEvent), ";")
	if id, ok := param(params, "id"); ok && isToken(id) {
		return ";id=" + strings.Clone(id)
	}
	return ""
}

// maySubscribe is 0, or the status to refuse with.
func (e *Endpoint) maySubscribe(who Peer, kind, aor string) int {
	if aor == "" || len(aor) > 128 {
		return 404
	}
	if e.cfg.MaySubscribe != nil {
		return e.cfg.MaySubscribe(who, kind, aor)
	}
	if who.Account == "" || kind == packageMessages && aor != who.Account {
		return 403
	}
	return 0
}

// grant answers a SUBSCRIBE and tells the state at once (RFC 6665, 4.2.1.2).
func (s *subscription) grant(m *message, life time.Duration) {
	d := s.d
	s.until = d.w.now.Add(life)
	tx := d.w.newServerTx(m, d.localTag)
	b := respond(m, 200, "", d.localTag)
	b.str("Expires: ", inSeconds(life), "\r\nContact: <", d.e.contact(m.hop), ">\r\nAllow-Events: ", allowEvents, "\r\n")
	tx.respond(200, b.done("", nil))
	d.e.published.extend(s)
	if life == 0 {
		s.end("timeout")
		return
	}
	d.w.set(&s.expire, life)
	s.dirty = true
	s.tell()
}

// request takes what a watcher sends inside his dialog.
func (s *subscription) request(m *message) {
	d := s.d
	switch {
	case m.method == "SUBSCRIBE" && s.over:
		d.reply(m, 481)
	case m.method == "SUBSCRIBE" && !strings.EqualFold(eventOf(m), s.kind):
		d.reply(m, 489, [2]string{"Allow-Events", allowEvents})
	case m.method == "SUBSCRIBE":
		life, status := subscribeLife(m)
		if status != 0 {
			d.reply(m, status, [2]string{"Min-Expires", inSeconds(subscribeMin)})
			return
		}
		if status := d.e.maySubscribe(s.by, s.kind, s.aor); status != 0 { // no longer
			d.reply(m, status)
			s.end("rejected")
			return
		}
		d.refresh(m)
		s.grant(m, life)
	case m.method == "OPTIONS":
		d.reply(m, 200, [2]string{"Allow", allow}, [2]string{"Supported", supported})
	case m.method == "BYE":
		d.reply(m, 200)
		s.forget()
	default:
		d.reply(m, 405, [2]string{"Allow", "SUBSCRIBE, OPTIONS"})
	}
}

func (s *subscription) ring(kind uint8) {
	s.d.w.busy = s.d
	if kind == ringExpire {
		s.end("timeout")
		return
	}
	s.tell()
}

// changed: what the watcher was told is no longer so.
func (s *subscription) changed() {
	s.dirty = true
	s.tell()
}

// end tells the last state and that there will be no more.
func (s *subscription) end(reason string) {
	if s.over {
		return
	}
	s.over, s.reason, s.dirty = true, reason, true
	s.told = time.Time{}
	s.tell()
}

// tell sends the whole state, not more often than once a second, and one NOTIFY
// at a time: what changes meanwhile goes with the next.
func (s *subscription) tell() {
	d := s.d
	if !s.dirty || s.sending || d.phase != confirmed {
		return
	}
	if wait := s.told.Add(notifyEvery).Sub(d.w.now); wait > 0 {
		d.w.set(&s.again, wait)
		return
	}
	state := "active;expires=" + inSeconds(max(0, s.until.Sub(d.w.now)))
	last := s.over
	if last {
		state = "terminated;reason=" + s.reason
	}
	body := d.e.published.document(s)
	s.version++
	s.dirty, s.sending, s.told = false, true, d.w.now
	d.ask(&request{
		method: "NOTIFY", contact: true, kind: types[s.kind], body: body,
		headers: [][2]string{{"Event", s.kind + s.param}, {"Subscription-State", state}},
		done: func(status int, m *message) {
			s.sending = false
			if last || subscriberGone(status, m) {
				s.forget()
				return
			}
			s.tell()
		},
	})
}

// forget drops a subscription whose watcher is gone or knows.
func (s *subscription) forget() {
	s.over = true
	d := s.d
	d.w.clear(&s.expire)
	d.w.clear(&s.again)
	d.e.published.leave(s)
	d.finish(nil)
}
