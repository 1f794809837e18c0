package sip

import (
	"strings"
	"sync/atomic"
	"time"
)

// phase is how far a dialog has come.
type phase uint8

const (
	calling   phase = iota // our INVITE has no 2xx
	ringing                // their INVITE has no final response of ours
	answered               // our 2xx has no ACK
	confirmed              // it stands
	ending                 // our BYE has no answer
	ended                  // over; kept a while to answer what comes late
)

// Dialog is one leg's signalling: an INVITE, sent or received, and what follows
// from it. Its methods give commands to the dialog's worker; they never block,
// may be called from any goroutine and twice.
type Dialog struct {
	e                *Endpoint
	w                *worker
	callID, localTag string
	state            atomic.Pointer[DialogState]
	farEnd           atomic.Pointer[Peer] // nil: unknown

	// What follows belongs to the worker.
	phase     phase
	inbox     Inbox
	media     Media
	uac       bool   // we sent the INVITE
	account   string // AOR of the phone at the other end, if it is one of ours
	trunk     Target // UAC: whose credentials answer challenges
	local     string // From value of our requests, without tag
	remote    string // To value
	peer      remoteEnd
	heardAt   hop // where the peer's last request came from
	localSeq  uint32
	remoteSeq uint32
	auth      *clientAuth
	creds     [][2]string // that our last INVITE carried; its ACK repeats them

	in  *unanswered // their INVITE, until answered
	out *outgoing   // our INVITE, until its transaction is over
	ok  *repeated   // our 2xx that waits for its ACK
	rel reliable    // our reliable provisional response
	re  renegotiation
	ses session

	refers   []*Refer      // the peer's transfers that are not over
	referral *referral     // ours
	sub      *subscription // it is no call but a subscription

	wantEnd *Cause // End was called; it takes effect as soon as the rules allow
	onEnd   func()
	buried  alarm
}

// remoteEnd is the other end of a dialog, or of one fork of it.
type remoteEnd struct {
	tag    string
	target string    // remote target: Request-URI of our requests
	routes []string  // URIs of the route set
	hop    hop       // the way to it
	heard  time.Time // when the way was learned
	update bool      // it allows UPDATE
	timer  bool      // it supports session timers
	rseq   uint32    // last reliable provisional response that we took
	sdp    string    // its last description that Media has accepted
}

// ID is Call-ID;local-tag.
func (d *Dialog) ID() string { return d.callID + ";" + d.localTag }

// CallID is the Call-ID.
func (d *Dialog) CallID() string { return d.callID }

// State is the last published snapshot.
func (d *Dialog) State() DialogState { return *d.state.Load() }

// do runs a command on the worker.
func (d *Dialog) do(f func()) {
	d.w.post(func() {
		d.w.busy = d
		f()
	})
}

// Ring tells the caller that it rings (180).
func (d *Dialog) Ring() { d.do(func() { d.provisional(180, "") }) }

// Progress sends 183 with our answer to the caller's offer (180 without one if he
// made none), reliably if he requires it.
func (d *Dialog) Progress(m Media) { d.do(func() { d.progress(m) }) }

// Answer accepts the call. The 200 is repeated until its ACK; without one the
// dialog is ended after 32 s.
func (d *Dialog) Answer(m Media) { d.do(func() { d.accept(m) }) }

// End ends the dialog whatever its state: it refuses, cancels or hangs up.
func (d *Dialog) End(c Cause) { d.do(func() { d.end(c) }) }

// Reoffer sends a re-INVITE with a new offer of the dialog's Media. The outcome
// is a Reoffered event.
func (d *Dialog) Reoffer() { d.do(func() { d.reoffer() }) }

// Info sends an INFO with that body; its outcome is not told.
func (d *Dialog) Info(contentType string, body []byte) {
	d.do(func() {
		if d.phase == confirmed && safeValue(contentType) {
			d.ask(&request{method: "INFO", kind: contentType, body: body})
		}
	})
}

func (w *worker) newDialog(callID string, p phase) *Dialog {
	d := &Dialog{e: w.e, w: w, callID: callID, localTag: randomText(16), phase: p, inbox: nobody{}}
	d.init()
	return d
}

// init makes the dialog known to its worker, which must be the caller.
func (d *Dialog) init() {
	d.buried = alarm{owner: d}
	d.rel.init(d)
	d.re.init(d)
	d.ses.init(d)
	d.w.dialogs[d.localTag] = d
	d.e.stats.Dialogs.Add(1)
	d.publish()
}

// knows says whether a remote tag is this dialog's or that of a fork of it.
func (d *Dialog) knows(tag string) bool {
	if d.peer.tag == tag {
		return true
	}
	return d.out != nil && d.out.fork(tag) != nil
}

// deliver hands an event to the dialog's owner.
func (d *Dialog) deliver(ev Event) { d.inbox.Deliver(ev) }

// publish makes the snapshot that State shows.
func (d *Dialog) publish() DialogState {
	s := DialogState{
		CallID: d.callID, LocalTag: d.localTag, RemoteTag: d.peer.tag,
		Local: d.local, Remote: d.remote, Target: d.peer.target, Routes: d.peer.routes,
		CSeq: d.localSeq, Transport: d.peer.hop.transport(), Addr: d.peer.hop.addr, Trunk: d.peer.hop.link.trunk,
		Flow: d.peer.hop.flow(), Confirmed: d.phase == confirmed || d.phase == answered,
	}
	if s.RemoteTag == "" && d.out != nil && len(d.out.forks) > 0 {
		s.RemoteTag = d.out.forks[0].tag
	}
	d.state.Store(&s)
	return s
}

// finish is the end of every dialog: the last event, then only answers to what
// comes late, then nothing.
func (d *Dialog) finish(last Event) {
	if d.phase == ended {
		return
	}
	d.phase = ended
	d.rel.stop()
	d.re.stop()
	d.ses.stop()
	d.stopRepeating()
	if d.referral != nil {
		d.w.clear(&d.referral.deadline)
	}
	if d.out != nil {
		d.w.clear(&d.out.silence)
	}
	if d.in != nil {
		d.w.clear(&d.in.remind)
		d.in = nil
	}
	d.publish()
	if last != nil {
		d.deliver(last)
	}
	d.inbox, d.media = nobody{}, nil
	d.w.set(&d.buried, lifetime)
	if d.onEnd != nil {
		d.onEnd()
	}
}

// ring: nothing can come any more; the dialog is forgotten.
func (d *Dialog) ring(uint8) {
	if d.w.dialogs[d.localTag] == d {
		delete(d.w.dialogs, d.localTag)
		d.e.stats.Dialogs.Add(-1)
	}
	d.out = nil
}

// crash ends the dialog after its handler panicked.
func (d *Dialog) crash() {
	c := Cause{Status: 500, Text: whyInternal}
	switch d.phase {
	case calling:
		if d.out != nil && d.out.tx != nil && d.out.tx.provisional {
			d.sendCancel()
		}
	case ringing:
		d.refuseCall(500, "")
	case answered, confirmed:
		if d.sub != nil {
			d.sub.forget()
			return
		}
		d.sendBye(c, deaf{})
	}
	d.finish(Ended{Cause: c, Why: whyInternal})
}

// end is End on the worker.
func (d *Dialog) end(c Cause) {
	if d.wantEnd != nil || d.phase >= ending {
		return
	}
	d.wantEnd = &c
	if d.sub != nil { // who watches comes again at once, to whoever is here then
		d.sub.end("deactivated")
		return
	}
	switch d.phase {
	case calling:
		d.cancelOut()
	case ringing:
		status := c.Status
		if status < 300 || status > 699 {
			status = 480
		}
		d.refuseCall(status, "", reasonHeader(c)...)
		d.finish(Ended{Cause: c, Why: whyUs})
	case answered: // RFC 3261, 15: no BYE before the ACK
	case confirmed:
		d.hangUp(c, whyUs)
	}
}

// hangUp sends BYE; the dialog is over when that is answered or timed out. Its
// owner is told at once if the far end is at fault: it may never answer, and the
// other leg must not wait for that.
func (d *Dialog) hangUp(c Cause, why string) {
	d.phase = ending
	d.rel.stop()
	d.ses.stop()
	d.re.stop()
	d.stopRepeating()
	last := Ended{Cause: c, Why: why}
	if why != whyUs {
		d.deliver(last)
		d.inbox = nobody{}
	}
	d.ask(&request{method: "BYE", headers: reasonHeader(c), done: func(int, *message) { d.finish(last) }})
}

// sendBye sends a BYE whose fate is nobody's concern.
func (d *Dialog) sendBye(c Cause, user txUser) {
	d.localSeq++
	branch := d.e.branch()
	h := d.way()
	b := d.newRequest("BYE", d.localSeq, branch, h, &d.peer)
	for _, f := range reasonHeader(c) {
		b.line(f[0], f[1])
	}
	d.w.newClientTx(user, "BYE", branch, h, d.localSeq, b.done("", nil))
}

// reasonHeader tells a cause as RFC 3326 has it.
func reasonHeader(c Cause) [][2]string {
	var v string
	switch {
	case c.Q850 > 0:
		v = "Q.850;cause=" + itoa(c.Q850)
	case c.Status == 200, c.Status >= 300: // 200: completed elsewhere
		v = "SIP;cause=" + itoa(c.Status)
	default:
		return nil
	}
	if c.Text != "" {
		v += ";text=" + trim(quoteDisplay(c.Text))
	}
	return [][2]string{{"Reason", v}}
}

// causeOf reads a Reason header.
func causeOf(m *message) (c Cause) {
	for _, v := range m.values(hReason) {
		for v != "" {
			var one string
			one, v, _ = nextInList(v)
			protocol, params, _ := strings.Cut(one, ";")
			cause, _ := param(params, "cause")
			text, _ := param(params, "text")
			n, _ := number(cause, 999)
			switch {
			case strings.EqualFold(trim(protocol), "SIP"):
				c.Status = int(n)
			case strings.EqualFold(trim(protocol), "Q.850"):
				c.Q850 = int(n)
			}
			if text != "" {
				c.Text = strings.Clone(text)
			}
		}
	}
	return c
}

// Revive makes a dialog of an earlier process, only good for End: the far end
// gets its BYE. CSeq is raised by 1000, above what the journal may have missed.
func (e *Endpoint) Revive(s DialogState, in Inbox) *Dialog {
	if in == nil {
		in = nobody{}
	}
	w := e.workerOf(s.CallID)
	d := &Dialog{e: e, w: w, callID: s.CallID, localTag: s.LocalTag, phase: confirmed, inbox: in}
	d.local, d.remote, d.localSeq = s.Local, s.Remote, s.CSeq+1000
	d.peer = remoteEnd{tag: s.RemoteTag, target: s.Target, routes: s.Routes}
	d.peer.hop, _ = e.hopFor(Target{URI: s.Target, Addr: s.Addr, Transport: s.Transport, Trunk: s.Trunk})
	d.trunk.Trunk = s.Trunk
	s.Flow, s.CSeq = "", d.localSeq
	d.state.Store(&s)
	d.do(func() {
		if old := w.dialogs[d.localTag]; old != nil {
			d.phase = ended
			return
		}
		if aor, ok := e.registry.phoneAt(w.now, s.Addr); ok {
			d.account = aor
		}
		d.init()
	})
	return d
}

// inSeconds is a duration as headers have it.
func inSeconds(d time.Duration) string { return itoa(int(d / time.Second)) }
