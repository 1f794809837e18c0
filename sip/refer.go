package sip

import (
	"strings"
	"time"
)

// Bounds of transfers.
const (
	maxRefers     = 4                // a peer's transfers of one dialog that are not over
	maxReferLines = 16               // headers in a Refer-To that are read
	maxReferTo    = 4096             // bytes of one
	referDecide   = 5 * time.Second  // for Accept or Reject; then 603
	referLife     = 10 * time.Minute // of the subscription that a REFER makes
)

const typeFrag = "message/sipfrag;version=2.0"

// Refer is a peer's wish that we call somebody for him: a transfer (RFC 3515,
// 5589). It waits five seconds for Accept or Reject, then it is declined. Its
// methods may be called from any goroutine and twice.
type Refer struct {
	ID       uint32      // CSeq of the REFER: tells transfers of one dialog apart
	URI      string      // Refer-To without its headers
	Target   Address     // the same, decoded: Target.User is the number or extension
	Replaces *DialogID   // the call is to take over this dialog (attended transfer); nil: blind
	Old      *Dialog     // that dialog, if it is one of ours and stands or rings
	Refusal  int         // why it can't be replaced: 481, 486, 603 (RFC 3891, 3); with Old: it rings, so its owner may lead on what rings for it
	By       Address     // Referred-By (RFC 3892); zero if not said, never proven
	Headers  [][2]string // further headers that the URI asks for

	d        *Dialog
	m        *message
	tx       *serverTx
	phase    referPhase
	quiet    bool      // no NOTIFY is wanted (RFC 4488)
	sending  bool      // a NOTIFY has no answer
	next     string    // sipfrag to send next, "" none
	last     string    // sipfrag told last
	final    bool      // next ends the subscription
	reason   string    // of its end
	until    time.Time // end of the subscription
	deadline alarm
}

type referPhase uint8

const (
	referAsked referPhase = iota
	referAccepted
	referOver
)

// Accept answers 202; the peer is told by NOTIFY that we try.
func (r *Refer) Accept() { r.d.do(r.accept) }

// Reject answers with a status of 300 or more, else 603.
func (r *Refer) Reject(status int) { r.d.do(func() { r.reject(status) }) }

// Progress tells the peer how the call that he asked for goes: 180, or a final
// status, which ends the transfer; one that is undecided is accepted by 2xx. Reason "" is the status's own. It works after
// the dialog's end too, as the transferor may hang up at once (RFC 5589, 6.2).
func (r *Refer) Progress(status int, reason string) {
	r.d.do(func() { r.progress(status, reason, "noresource") })
}

// refer takes a REFER inside the dialog.
func (d *Dialog) refer(m *message) {
	r, status := newRefer(m)
	_, deaf := d.inbox.(nobody)
	switch {
	case status != 0:
	case d.phase != confirmed && d.phase != answered:
		status = 403
	case deaf:
		status = 603
	case d.refersOpen():
		status = 491
	}
	if status != 0 {
		d.reply(m, status)
		return
	}
	r.d, r.m, r.tx = d, m, d.w.newServerTx(m, d.localTag)
	r.deadline = alarm{owner: r}
	d.refers = append(d.refers, r)
	d.w.set(&r.deadline, referDecide)
	if r.Replaces == nil {
		d.deliver(Referred{r})
		return
	}
	d.e.lookUp(*r.Replaces, d.w, func(old *Dialog, status int) {
		d.w.busy = d
		r.Old, r.Refusal = old, status
		if r.phase == referAsked {
			d.deliver(Referred{r})
		}
	})
}

// refersOpen: one is undecided, or too many are not over.
func (d *Dialog) refersOpen() bool {
	for _, r := range d.refers {
		if r.phase == referAsked {
			return true
		}
	}
	return len(d.refers) >= maxRefers
}

// newRefer reads a REFER; with a status it is refused.
func newRefer(m *message) (r *Refer, status int) {
	all := m.named("Refer-To")
	if len(all) != 1 || len(m.named("Replaces")) > 0 {
		return nil, 400
	}
	r, status = readReferTo(strings.Clone(all[0]))
	if status != 0 {
		return nil, status
	}
	r.ID = m.cseq
	if by := m.named("Referred-By"); len(by) > 0 {
		if n, ok := parseNameAddr(strings.Clone(by[0])); ok {
			r.By = n.address()
		}
	}
	for _, v := range m.named("Refer-Sub") {
		v, _, _ = strings.Cut(v, ";")
		r.quiet = strings.EqualFold(trim(v), "false")
	}
	return r, 0
}

// readReferTo reads a Refer-To value with the headers in its URI (RFC 3515, 2.1).
// A URI without brackets is read as if it had some.
func readReferTo(v string) (r *Refer, status int) {
	if len(v) > maxReferTo {
		return nil, 400
	}
	if !strings.Contains(v, "<") {
		v = "<" + v + ">"
	}
	n, ok := parseNameAddr(v)
	u, good := parseURI(n.uri)
	switch {
	case !ok || !good:
		return nil, 400
	case u.scheme == "tel":
	case u.scheme != "sip" && u.scheme != "sips":
		return nil, 416
	}
	r = &Refer{}
	r.URI, _, _ = strings.Cut(n.uri, "?")
	r.Target = nameAddr{display: n.display, uri: r.URI}.address()
	headers := strings.Split(u.headers, "&")
	if len(headers) > maxReferLines {
		return nil, 400
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, "=")
		name, value = unescape(name), unescape(value)
		switch {
		case h == "":
		case !isToken(name) || !safeValue(value):
			return nil, 400
		case strings.EqualFold(name, "Replaces"):
			id, ok := parseReplaces(value)
			if !ok || r.Replaces != nil {
				return nil, 400
			}
			r.Replaces = &id
		case strings.EqualFold(name, "method") && !strings.EqualFold(value, "INVITE"):
			return nil, 403
		default:
			r.Headers = append(r.Headers, [2]string{name, value})
		}
	}
	if m, ok := param(u.params, "method"); ok && !strings.EqualFold(m, "INVITE") {
		return nil, 403 // to have us send BYEs for strangers
	}
	return r, 0
}

// ring: nobody decided, or the subscription's time is over.
func (r *Refer) ring(uint8) {
	r.d.w.busy = r.d
	switch r.phase {
	case referAsked:
		r.reject(603)
	case referAccepted:
		r.end("timeout")
	}
}

func (r *Refer) accept() {
	if r.phase != referAsked {
		return
	}
	r.admit()
	if !r.quiet {
		r.tell(frag(100, ""))
	}
}

// admit answers 202; what goes on is told by NOTIFYs from now on.
func (r *Refer) admit() {
	r.phase = referAccepted
	d := r.d
	b := respond(r.m, 202, "", d.localTag)
	b.line("Contact", "<"+d.e.contact(d.way())+">")
	if r.quiet {
		b.line("Refer-Sub", "false")
	}
	r.tx.respond(202, b.done("", nil))
	r.m = nil
	r.until = d.w.now.Add(referLife)
	d.w.set(&r.deadline, referLife)
}

func (r *Refer) reject(status int) {
	if r.phase != referAsked {
		return
	}
	if status < 300 || status > 699 {
		status = 603
	}
	r.tx.respond(status, refusal(r.m, status, "", r.d.localTag))
	r.m = nil
	r.forget()
}

// frag is a body of message/sipfrag: one status line (RFC 3515, 2.4.5).
func frag(status int, reason string) string {
	if reason == "" || !safeValue(reason) {
		reason = reasonOf(status)
	}
	return "SIP/2.0 " + itoa(status) + " " + reason + "\r\n"
}

func (r *Refer) progress(status int, reason, why string) {
	switch {
	case r.phase != referAsked:
	case status >= 300:
		r.reject(status)
		return
	case status >= 200: // done at once: one NOTIFY says so, before whoever asked is hung up
		r.admit()
	}
	if r.phase != referAccepted || r.final || status < 100 || status > 699 {
		return
	}
	if status >= 200 {
		r.final, r.reason = true, why
	}
	if r.quiet {
		if r.final {
			r.forget()
		}
		return
	}
	r.tell(frag(status, reason))
}

// end ends the subscription with what was told last.
func (r *Refer) end(why string) {
	if r.phase != referAccepted || r.final {
		return
	}
	r.final, r.reason = true, why
	if r.quiet {
		r.forget()
		return
	}
	r.tell(r.last)
}

// tell sends a NOTIFY, after the one under way: they must not overtake each other.
func (r *Refer) tell(text string) {
	r.next = text
	if r.sending || r.phase != referAccepted {
		return
	}
	d := r.d
	state := "active;expires=" + inSeconds(max(0, r.until.Sub(d.w.now)))
	last := r.final
	if last {
		state = "terminated;reason=" + r.reason
	}
	r.last, r.next, r.sending = r.next, "", true
	d.ask(&request{
		method: "NOTIFY", contact: true, kind: typeFrag, body: []byte(r.last),
		headers: [][2]string{{"Event", "refer;id=" + itoa(int(r.ID))}, {"Subscription-State", state}},
		done: func(status int, m *message) {
			r.sending = false
			switch {
			case last || subscriberGone(status, m):
				r.forget()
			case r.next != "":
				r.tell(r.next)
			}
		},
	})
}

// subscriberGone: answers to a NOTIFY after which there is nobody to tell (RFC
// 5057, 5.1; RFC 6665, 4.2.2), and no answer at all.
func subscriberGone(status int, m *message) bool {
	if m == nil {
		return true
	}
	switch status {
	case 404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604:
		return true
	case 401, 403, 407, 603:
		return true
	}
	return false
}

func (r *Refer) forget() {
	r.phase = referOver
	d := r.d
	d.w.clear(&r.deadline)
	for i, o := range d.refers {
		if o == r {
			d.refers = append(d.refers[:i:i], d.refers[i+1:]...)
			return
		}
	}
}

// resubscribed answers a SUBSCRIBE to the progress of a transfer: the peer asks
// for longer, or wants to hear no more (RFC 3515, 2.4.4).
func (d *Dialog) resubscribed(m *message) {
	_, params, _ := strings.Cut(m.get(hEvent), ";")
	id, named := param(params, "id")
	for _, r := range d.refers {
		if r.phase != referAccepted || named && id != itoa(int(r.ID)) {
			continue
		}
		left := int(r.until.Sub(d.w.now) / time.Second)
		stop := readSeconds(m.get(hExpires)) == 0
		if stop {
			left = 0
		}
		d.reply(m, 200, [2]string{"Expires", itoa(left)}, [2]string{"Contact", "<" + d.e.contact(m.hop) + ">"})
		if stop {
			r.end("timeout")
		} else if !r.final {
			r.tell(r.last)
		}
		return
	}
	d.reply(m, 481)
}
