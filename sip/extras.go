package sip

import "strings"

// Bounds of what our INVITE carries on top.
const (
	maxExtras      = 32   // headers of the user's
	maxExtraBytes  = 8192 // name and value of one
	maxRedirects   = 8
	anonymousHost  = "anonymous.invalid" // RFC 3323, 4.1.1.3
	answerByItself = "answer-after=0"
)

// anonymousCaller is the From of a caller who is not to be shown (RFC 3323, 4.1.1.3).
var anonymousCaller = Address{Display: "Anonymous", User: "anonymous", Host: anonymousHost}

// reserved are headers that only this package writes: a second one would change
// what the message means.
var reserved = map[hdr]bool{
	hVia: true, hFrom: true, hTo: true, hCallID: true, hCSeq: true, hMaxForwards: true, hContact: true, hRoute: true,
	hRecordRoute: true, hContentLength: true, hContentType: true, hContentEncoding: true, hRSeq: true, hRAck: true,
	hAuthorization: true, hProxyAuthorization: true, hAsserted: true, hSessionExpires: true, hMinSE: true,
}

// extras writes what an INVITE says beyond the rules: who calls, for whom, in whose
// place, and the user's own headers.
func (o *outgoing) extras(b *builder, h hop) {
	host, _ := o.d.e.sentBy(h)
	inv := &o.inv
	trusted := o.trusted()
	if inv.Asserted != "" && (trusted || o.cur.Trunk == "" && !inv.Anonymous) {
		b.line("P-Asserted-Identity", Address{User: inv.Asserted, Host: host}.header())
	}
	if inv.Anonymous {
		b.line("Privacy", "id")
	}
	if trusted {
		for _, v := range inv.Diversion[:min(len(inv.Diversion), maxDiverted)] {
			b.line("Diversion", v.header(host))
		}
	}
	if inv.Replaces != nil {
		if v := inv.Replaces.header(); v != "" {
			b.line("Replaces", v)
			b.line("Require", "replaces")
		}
	}
	if inv.AutoAnswer {
		us := "<" + Address{Host: host}.uri() + ">"
		b.line("Call-Info", us+";"+answerByItself)
		b.line("Alert-Info", us+";info=alert-autoanswer;delay=0")
		b.line("Answer-Mode", "Auto") // RFC 5373
	}
	for _, f := range inv.Headers[:min(len(inv.Headers), maxExtras)] {
		if !reserved[headerID(f[0])] && len(f[0])+len(f[1]) <= maxExtraBytes {
			b.foreign(f[0], f[1])
		}
	}
}

// trusted: the place we call is told who the caller is, shown or not (RFC 3325).
func (o *outgoing) trusted() bool {
	t, ok := o.d.e.trunks.named(o.cur.Trunk)
	return ok && t.Trusted
}

// header writes a Diversion value (RFC 5806, 4).
func (v Diverted) header(host string) string {
	a := v.Address
	if a.Host == "" {
		a.Host = host
	}
	s := a.header()
	if r := strings.ToLower(v.Reason); isToken(r) {
		s += ";reason=" + r
	}
	if v.Private {
		s += ";privacy=full"
	}
	return s
}
