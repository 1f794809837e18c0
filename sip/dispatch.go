package sip

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// allow lists what we take part in, for Allow headers.
const (
	allow     = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REGISTER, SUBSCRIBE, NOTIFY, REFER"
	supported = "100rel, timer, replaces, norefersub"
	// allowEvents are the event packages that may be watched here (RFC 6665, 8.2.2).
	allowEvents = "dialog, message-summary, refer"
	accepts     = "application/sdp, multipart/mixed, application/dtmf-relay, application/dtmf"
)

// extensions are what a Require may name.
var extensions = map[string]bool{"100rel": true, "timer": true, "replaces": true, "norefersub": true}

// message takes one parsed message; on the worker, in the order of arrival.
func (w *worker) message(m *message) {
	if m.method == "" {
		w.response(m)
		return
	}
	tx := w.server[keyOf(m, m.method)]
	switch {
	case m.method == "ACK":
		w.ack(m)
	case tx != nil:
		tx.repeat()
	case m.method == "CANCEL":
		w.cancel(m)
	case !w.acceptable(m):
	case m.toTag != "":
		w.inDialog(m)
	default:
		w.fresh(m)
	}
}

func (w *worker) response(m *message) {
	tx := w.client[clientKey{m.via.branch, m.cseqMethod}]
	if tx == nil {
		w.e.stats.Unmatched.Add(1)
		return
	}
	tx.receive(m)
}

func (w *worker) ack(m *message) {
	if tx := w.server[keyOf(m, "INVITE")]; tx != nil && tx.final && !tx.success {
		tx.ack()
		return
	}
	if d := w.dialogOf(m); d != nil {
		w.busy = d
		d.acked(m)
		return
	}
	w.e.stats.Unmatched.Add(1)
}

// cancel answers a CANCEL itself, and tells the dialog of the INVITE it names
// (RFC 3261, 9.2).
func (w *worker) cancel(m *message) {
	invite := w.server[keyOf(m, "INVITE")]
	if invite == nil {
		w.e.refuse(m, 481, "")
		return
	}
	tx := w.newServerTx(m, invite.tag)
	tx.respond(200, refusal(m, 200, "", invite.tag))
	if d := invite.dialog; d != nil {
		w.busy = d
		d.cancelled(m)
	}
}

// acceptable refuses what no handler could take (RFC 3261, 8.2).
func (w *worker) acceptable(m *message) bool {
	e := w.e
	if _, ok := methods[m.method]; !ok {
		e.refuse(m, 501, "", [2]string{"Allow", allow})
		return false
	}
	if u, _ := parseURI(m.target); u.scheme != "sip" && u.scheme != "sips" && u.scheme != "tel" {
		e.refuse(m, 416, "")
		return false
	}
	var unknown []string
	for i := range m.fields {
		if m.fields[i].id != hRequire {
			continue
		}
		for _, v := range strings.Split(m.fields[i].value, ",") {
			if v = trim(v); v != "" && !extensions[strings.ToLower(v)] {
				unknown = append(unknown, v)
			}
		}
	}
	if unknown != nil {
		e.refuse(m, 420, "", [2]string{"Unsupported", strings.Join(unknown, ", ")})
		return false
	}
	if enc := m.get(hContentEncoding); enc != "" && !strings.EqualFold(enc, "identity") {
		e.refuse(m, 415, "", [2]string{"Accept-Encoding", "identity"})
		return false
	}
	return true
}

// dialogOf finds the dialog of an in-dialog request.
func (w *worker) dialogOf(m *message) *Dialog {
	d := w.dialogs[m.toTag]
	if d == nil || d.callID != m.callID || !d.knows(m.fromTag) {
		return nil
	}
	return d
}

func (w *worker) inDialog(m *message) {
	d := w.dialogOf(m)
	if d == nil || d.phase == ended && m.method != "BYE" {
		w.e.refuse(m, 481, "")
		return
	}
	w.busy = d
	d.request(m)
}

// fresh takes a request outside dialogs.
func (w *worker) fresh(m *message) {
	e := w.e
	merge := mergeKey{m.fromTag, m.callID, m.cseq, m.method}
	if w.merged[merge] != nil {
		e.refuse(m, 482, "Merged Request")
		return
	}
	switch m.method {
	case "INVITE", "REGISTER", "SUBSCRIBE":
		if len(w.in) > cap(w.in)/2 || e.closing.Load() {
			e.stats.Overloaded.Add(1)
			e.refuse(m, 503, "", [2]string{"Retry-After", strconv.Itoa(2 + rand.IntN(8))})
			return
		}
		switch m.method {
		case "INVITE":
			w.invite(m)
		case "REGISTER":
			w.register(m)
		default:
			w.subscribe(m)
		}
	case "OPTIONS":
		e.refuse(m, 200, "", [2]string{"Allow", allow}, [2]string{"Accept", accepts}, [2]string{"Supported", supported}, [2]string{"Allow-Events", allowEvents})
	case "REFER": // a call that nobody here takes part in is nobody's to move
		if _, ok := w.identify(m); ok {
			e.refuse(m, 603, "")
		}
	case "MESSAGE", "PUBLISH":
		e.refuse(m, 405, "", [2]string{"Allow", allow})
	case "NOTIFY":
		if strings.EqualFold(m.get(hEvent), "keep-alive") { // phones keep their NAT open with it
			e.refuse(m, 200, "")
			return
		}
		e.refuse(m, 481, "")
	default: // BYE, INFO, UPDATE, PRACK belong into dialogs
		e.refuse(m, 481, "")
	}
}

// identify finds out who sent a request: valid credentials, else the address of
// a trunk. Otherwise it is challenged without any memory of it.
func (w *worker) identify(m *message) (Peer, bool) {
	e, src := w.e, m.hop.addr
	user, v := e.digest.verify(w.now, src.Addr(), m.method, m.target, m.values(hAuthorization))
	switch v {
	case authOK:
		e.guard.vouch(src.Addr(), w.now)
		e.bans.proved(src.Addr())
		return Peer{Account: user}, true
	case authBroken:
		e.refuse(m, 400, "Malformed Authorization")
		return Peer{}, false
	case authDenied, authReplay:
		e.stats.Denied.Add(1)
	case authGuessed:
		e.stats.Denied.Add(1)
		e.loginFailed(m, w.now)
	}
	if _, phone := e.registry.phoneAt(w.now, src); !phone && m.method != "REGISTER" {
		if t, ok := e.trunkAt(m.hop); ok {
			e.guard.vouch(src.Addr(), w.now)
			return Peer{Trunk: t.Name}, true
		}
	}
	e.stats.Challenged.Add(1)
	var headers [][2]string
	for _, c := range e.digest.challenge(w.now, src.Addr(), agentName(m), v.stale()) {
		headers = append(headers, [2]string{"WWW-Authenticate", c})
	}
	e.refuse(m, 401, "", headers...)
	return Peer{}, false
}

func (w *worker) register(m *message) {
	e := w.e
	who, ok := w.identify(m)
	if !ok {
		return
	}
	tx := w.newServerTx(m, e.tagFor(m))
	res := e.registry.handle(w.now, who.Account, m, origin{m.hop.addr, m.hop.transport(), m.hop.flow()})
	if res.Status < 300 {
		m.hop.conn.keep()
	}
	b := respond(m, res.Status, res.Reason, tx.tag)
	for _, h := range res.Headers {
		b.foreign(h[0], h[1])
	}
	tx.respond(res.Status, b.done("", nil))
}

// invite takes a new call.
func (w *worker) invite(m *message) {
	e := w.e
	for i := range m.fields {
		if f := &m.fields[i]; f.id == hVia && strings.Contains(f.value, magic+e.instance) {
			e.stats.Loops.Add(1)
			e.refuse(m, 482, "")
			return
		}
	}
	if m.maxForwards() == 0 {
		e.refuse(m, 483, "")
		return
	}
	who, ok := w.identify(m)
	if !ok {
		return
	}
	from := m.from.address()
	if who.Account != "" && from.User != who.Account {
		e.refuse(m, 403, "From Is Not The Account")
		return
	}
	offer, ok := description(m)
	if !ok {
		e.refuse(m, 415, "", [2]string{"Accept", "application/sdp, multipart/mixed"})
		return
	}
	if m.has(hAccept) && !m.takes(typeSDP) {
		e.refuse(m, 406, "")
		return
	}
	if !w.sessionGranted(m) {
		return
	}
	takes, replaces, status := replacing(m)
	if status != 0 {
		e.refuse(m, status, "Malformed Replaces")
		return
	}
	in := w.incoming(m, who, offer)
	w.busy = in.Dialog
	if replaces {
		w.replace(in, takes)
		return
	}
	w.offered(in)
}

// incoming makes the call of an INVITE that was found sound.
func (w *worker) incoming(m *message, who Peer, offer string) *Incoming {
	e := w.e
	d := w.newIncoming(m, offer)
	trusted := false
	if who.Trunk != "" {
		t, ok := e.trunks.named(who.Trunk)
		trusted = ok && t.Trusted
	}
	in := &Incoming{
		Dialog: d, Peer: who, From: m.from.address(), To: m.to.address(), Number: numberOf(m.target),
		Source: m.hop.addr, Transport: m.hop.transport(), HasOffer: offer != "",
		MaxForwards: m.maxForwards(), Headers: m.shown(trusted),
	}
	if offer != "" {
		in.Offer = []byte(offer)
	}
	in.identity(m, trusted)
	d.account = who.Account
	d.farEnd.Store(&who)
	d.trunk = Target{URI: d.peer.target, Trunk: who.Trunk}
	return in
}

// offered hands a call to its owner, or refuses it if he won't have it.
func (w *worker) offered(in *Incoming) {
	d := in.Dialog
	if inbox := w.e.cfg.OnCall(in); inbox != nil {
		d.inbox = inbox
		return
	}
	d.inbox = nobody{}
	d.refuseCall(503, "", [2]string{"Retry-After", "5"})
	d.finish(nil)
}

// numberOf is what was dialled: the user part of a SIP URI, the number of a tel URI.
func numberOf(target string) string {
	return nameAddr{uri: target}.address().User
}

// eventOf is the event package that a message is about, without its parameters.
func eventOf(m *message) string {
	event, _, _ := strings.Cut(m.get(hEvent), ";")
	return trim(event)
}

// nobody is the Inbox of a dialog that was never taken.
type nobody struct{}

func (nobody) Deliver(Event) {}
