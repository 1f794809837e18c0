package sip

import (
	"errors"
	"strings"
	"time"
)

// referralLife is how long we wait for the outcome of a transfer that we asked for.
const referralLife = 5 * time.Minute

var (
	errReferBusy = errors.New("sip: refer: one is under way")
	errReferTo   = errors.New("sip: refer: no usable target")
)

// ReferTarget is whom the far end is to call instead of us.
type ReferTarget struct {
	URI      string    // "sip:123@carrier.example"
	Replaces *DialogID // a dialog of that target, for an attended transfer: [Dialog.Replaces]
}

// Refer asks the far end to call somebody else (RFC 3515): a transfer on the other
// side, such as the trunk's. Its outcome comes as [ReferProgress] events, or with
// the dialog's end. The dialog stays; who wants it gone calls End.
func (d *Dialog) Refer(to ReferTarget) { d.do(func() { d.referTo(to) }) }

// referral is a transfer that we asked for. One is under way at a time.
type referral struct {
	d        *Dialog
	deadline alarm
}

// value writes the Refer-To; "" if it is not usable.
func (t ReferTarget) value() string {
	uri, _, _ := strings.Cut(t.URI, "?")
	if _, ok := parseURI(uri); !ok || !safeValue(uri) {
		return ""
	}
	if t.Replaces == nil {
		return "<" + uri + ">"
	}
	h := t.Replaces.header()
	if h == "" {
		return ""
	}
	return "<" + uri + "?Replaces=" + escapeHeader(h) + ">"
}

// escapeHeader writes a header value inside a URI: all but unreserved characters
// as %hh (RFC 3261, 25.1).
func escapeHeader(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, 2*len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return string(b)
}

func (d *Dialog) referTo(to ReferTarget) {
	value := to.value()
	switch {
	case d.phase != confirmed:
		d.deliver(ReferProgress{Done: true, Err: errNotStanding})
		return
	case d.referral != nil:
		d.deliver(ReferProgress{Status: 491, Reason: reasonOf(491), Done: true, Err: errReferBusy})
		return
	case value == "":
		d.deliver(ReferProgress{Done: true, Err: errReferTo})
		return
	}
	r := &referral{d: d}
	r.deadline = alarm{owner: r}
	d.referral = r
	d.w.set(&r.deadline, referralLife)
	d.ask(&request{
		method: "REFER", contact: true,
		headers: [][2]string{{"Refer-To", value}, {"Referred-By", d.local}},
		done:    r.answered,
	})
}

// answered: 202 is the beginning, anything else the end.
func (r *referral) answered(status int, m *message) {
	if r.d.referral != r {
		return // a NOTIFY overtook it, and was the last
	}
	if m == nil || status >= 300 {
		r.done(status, "")
		return
	}
	for _, v := range m.named("Refer-Sub") {
		if v, _, _ = strings.Cut(v, ";"); strings.EqualFold(trim(v), "false") {
			r.done(status, "") // we shall hear nothing more (RFC 4488)
			return
		}
	}
	r.d.deliver(ReferProgress{Status: status, Reason: reasonOf(status)})
}

func (r *referral) ring(uint8) {
	r.d.w.busy = r.d
	r.done(408, "")
}

func (r *referral) done(status int, reason string) {
	if reason == "" {
		reason = reasonOf(status)
	}
	r.d.w.clear(&r.deadline)
	r.d.referral = nil
	r.d.deliver(ReferProgress{Status: status, Reason: reason, Done: true})
}

// notified takes a NOTIFY inside the dialog. One of a transfer that we did not ask
// for is refused; other events, such as keep-alives, are none of our business.
func (d *Dialog) notified(m *message) {
	r := d.referral
	switch {
	case !strings.EqualFold(eventOf(m), "refer"):
		d.reply(m, 200)
		return
	case r == nil:
		d.reply(m, 481)
		return
	}
	state := ""
	if all := m.named("Subscription-State"); len(all) > 0 {
		state, _, _ = strings.Cut(all[0], ";")
	}
	over := strings.EqualFold(trim(state), "terminated")
	status, reason, ok := readFrag(m.body)
	switch {
	case !ok && !over:
		d.reply(m, 400)
	case !ok:
		d.reply(m, 200)
		r.done(487, "ended without an outcome")
	case over || status >= 200:
		d.reply(m, 200)
		r.done(status, strings.Clone(reason))
	default:
		d.reply(m, 200)
		d.deliver(ReferProgress{Status: status, Reason: strings.Clone(reason)})
	}
}

// readFrag reads the status line of a sipfrag (RFC 3420); what follows is not looked at.
func readFrag(body string) (status int, reason string, ok bool) {
	line, _, _ := strings.Cut(strings.TrimLeft(body, "\r\n"), "\n")
	line = strings.TrimSuffix(line, "\r")
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(trim(rest), " ")
	n, good := number(code, 699)
	if !good || len(code) != 3 || n < 100 || !strings.EqualFold(version, "SIP/2.0") || !safeValue(reason) {
		return 0, "", false
	}
	if len(reason) > 128 {
		reason = reason[:128]
	}
	return int(n), trim(reason), true
}
