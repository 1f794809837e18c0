package sip

import (
	"math/rand/v2"
	"time"
)

// renegotiation is our re-INVITE or UPDATE. One is under way at a time.
type renegotiation struct {
	d       *Dialog
	current *request
	offer   bool  // the current one carries an offer
	told    bool  // the current one is the user's: its outcome is an event
	wanted  bool  // the user's next one waits
	glares  int   // how often the current one met 491
	retry   alarm // after 491
}

// maxGlares is how often an offer is repeated after 491.
const maxGlares = 8

func (r *renegotiation) init(d *Dialog) {
	r.d = d
	r.retry = alarm{owner: r}
}

func (r *renegotiation) stop() {
	r.wanted = false
	r.d.w.clear(&r.retry)
}

// busy: an offer of ours has no answer.
func (r *renegotiation) busy() bool { return r.current != nil && r.offer }

// again starts what waited; false if nothing did.
func (r *renegotiation) again() bool {
	if !r.wanted || r.d.phase != confirmed {
		return false
	}
	r.wanted = false
	r.d.reoffer()
	return true
}

// ring: time to try again after 491.
func (r *renegotiation) ring(uint8) {
	r.d.w.busy = r.d
	if r.d.phase == confirmed && r.current == nil {
		r.start()
	}
}

// reoffer is the user's wish for a re-INVITE.
func (d *Dialog) reoffer() {
	switch {
	case d.phase >= ending:
		return
	case d.phase == calling || d.phase == ringing:
		d.deliver(Reoffered{Err: errNotStanding})
	case d.phase == answered || d.re.current != nil || d.re.retry.on() || d.ok != nil:
		d.re.wanted = true
	default:
		d.re.told, d.re.glares = true, 0
		d.re.start()
	}
}

// start sends a re-INVITE with a new offer.
func (r *renegotiation) start() {
	d := r.d
	if d.media == nil {
		r.outcome(0, errNotStanding)
		return
	}
	offer, err := d.media.Offer()
	if err != nil {
		r.outcome(0, err)
		return
	}
	req := &request{method: "INVITE", contact: true, kind: typeSDP, body: offer, headers: d.ses.ask()}
	req.done = func(status int, m *message) { r.done(req, status, m) }
	r.current, r.offer = req, true
	d.ask(req)
}

// outcome tells the user, if it was his.
func (r *renegotiation) outcome(status int, err error) {
	told := r.told
	r.told, r.glares = false, 0
	if told {
		r.d.deliver(Reoffered{Status: status, Err: err})
	}
	r.again()
}

func (r *renegotiation) done(req *request, status int, m *message) {
	d := r.d
	if r.current != req {
		return
	}
	r.current = nil
	if d.phase >= ending {
		return
	}
	switch {
	case m != nil && status < 300:
		d.ses.granted(m)
		err := errNoAnswer
		if sdp, ok := description(m); ok && sdp != "" {
			err = d.media.Accept([]byte(sdp))
		}
		r.outcome(status, err)
	case status == 491 && r.glares < maxGlares:
		r.glares++
		d.w.set(&r.retry, d.glareWait())
	case status == 422 && d.ses.raise(m) && r.glares < maxGlares:
		r.glares++
		r.start()
	case status == 408 || status == 481: // RFC 3261, 12.2.1.2: the dialog is gone
		told := r.told
		r.told = false
		if told {
			d.deliver(Reoffered{Status: status, Err: errGivenUp})
		}
		d.hangUp(Cause{Status: status}, whyNetwork)
	default:
		d.ses.failed()
		r.outcome(status, errGivenUp)
	}
}

// glareWait is RFC 3261, 14.1: the owner of the Call-ID waits longer.
func (d *Dialog) glareWait() time.Duration {
	if d.uac {
		return 2100*time.Millisecond + time.Duration(rand.IntN(191))*10*time.Millisecond
	}
	return time.Duration(rand.IntN(201)) * 10 * time.Millisecond
}
