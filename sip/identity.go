package sip

import (
	"net/url"
	"strings"
)

// maxDiverted bounds the diversions of one call that are read.
const maxDiverted = 16

// Diverted is one step by which a call was forwarded before it came to us
// (Diversion, RFC 5806; History-Info, RFC 7044).
type Diverted struct {
	Address        // who forwarded it
	Reason  string // "unconditional", "no-answer", "user-busy", ... lower case; "" unknown
	Private bool   // he does not want to be shown
}

// identities are headers by which a peer vouches for somebody: from those whom we
// do not trust they are not even shown (RFC 3325, 5).
var identities = map[string]bool{
	"p-asserted-identity": true, "p-preferred-identity": true, "remote-party-id": true,
	"diversion": true, "history-info": true, "identity": true,
}

// headersOf are the raw values of a header, without the identities that an
// untrusted peer claims.
func (m *message) shown(trusted bool) func(name string) []string {
	if trusted {
		return m.named
	}
	return func(name string) []string {
		if identities[strings.ToLower(longName(name))] {
			return nil
		}
		return m.named(name)
	}
}

// identity fills in who calls and by whom the call was forwarded, as far as the
// peer may say so.
func (in *Incoming) identity(m *message, trusted bool) {
	in.Private = private(m, in.From)
	if !trusted {
		return
	}
	for _, v := range m.values(hAsserted) {
		n, ok := parseNameAddr(v)
		if !ok {
			continue
		}
		a := n.address()
		if u, _ := parseURI(n.uri); in.Asserted.User == "" || u.scheme == "tel" && !number7(in.Asserted.User) {
			in.Asserted = a
		}
	}
	if in.Diverted = diversions(m); in.Diverted == nil {
		in.Diverted = history(m)
	}
}

// number7 says whether a user part is a telephone number already.
func number7(s string) bool {
	return s != "" && strings.Trim(s, "+0123456789") == ""
}

// private says whether the caller asks not to be shown (RFC 3323, 4.2; RFC 3325, 7).
func private(m *message, from Address) bool {
	for _, v := range m.named("Privacy") {
		for _, p := range strings.FieldsFunc(v, func(r rune) bool { return r == ';' || r == ',' }) {
			switch strings.ToLower(trim(p)) {
			case "id", "user", "header", "critical":
				return true
			}
		}
	}
	return strings.EqualFold(from.Host, "anonymous.invalid") || strings.EqualFold(from.User, "anonymous")
}

// diversions reads Diversion headers, most recent first (RFC 5806, 8).
func diversions(m *message) (all []Diverted) {
	for _, line := range m.named("Diversion") {
		for line != "" && len(all) < maxDiverted {
			var one string
			one, line, _ = nextInList(line)
			n, ok := parseNameAddr(one)
			if !ok {
				continue
			}
			reason, _ := param(n.params, "reason")
			privacy, _ := param(n.params, "privacy")
			all = append(all, Diverted{
				Address: n.address(), Reason: strings.ToLower(reason),
				Private: privacy != "" && !strings.EqualFold(privacy, "off"),
			})
		}
	}
	return all
}

// history reads History-Info (RFC 7044): every entry but the last is somebody who
// passed the call on; why stands in the entry after his. Most recent first.
func history(m *message) (all []Diverted) {
	for _, line := range m.named("History-Info") {
		for line != "" && len(all) < maxDiverted {
			var one string
			one, line, _ = nextInList(line)
			n, ok := parseNameAddr(one)
			if !ok {
				continue
			}
			u, _ := parseURI(n.uri)
			q, _ := url.ParseQuery(u.headers)
			d := Diverted{Address: n.address()}
			for name := range q {
				switch strings.ToLower(name) {
				case "privacy":
					d.Private = !strings.EqualFold(q.Get(name), "none")
				case "reason":
					d.Reason = historyReason(q.Get(name))
				}
			}
			all = append([]Diverted{d}, all...)
		}
	}
	if len(all) < 2 {
		return nil
	}
	return all[1:]
}

// historyReason tells a SIP cause in the words of RFC 5806 (RFC 4458).
func historyReason(v string) string {
	_, params, _ := strings.Cut(v, ";")
	switch cause, _ := param(params, "cause"); cause {
	case "302":
		return "unconditional"
	case "486":
		return "user-busy"
	case "408", "480":
		return "no-answer"
	case "404", "503":
		return "unavailable"
	case "487":
		return "deflection"
	}
	return ""
}
