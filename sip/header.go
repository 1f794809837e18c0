package sip

import "strings"

// hdr names the header fields that we look at; hOther is any other.
type hdr uint8

const (
	hOther hdr = iota
	hVia
	hFrom
	hTo
	hCallID
	hCSeq
	hMaxForwards
	hContact
	hRoute
	hRecordRoute
	hContentLength
	hContentType
	hContentEncoding
	hRequire
	hProxyRequire
	hSupported
	hAllow
	hAccept
	hExpires
	hSessionExpires
	hMinSE
	hRSeq
	hRAck
	hAuthorization
	hProxyAuthorization
	hWWWAuthenticate
	hProxyAuthenticate
	hRetryAfter
	hReason
	hAsserted
	hEvent
	hTimestamp
)

// headerIDs knows header names in lower case, compact forms included
// (RFC 3261, 7.3.3; RFC 4028; RFC 3515).
var headerIDs = map[string]hdr{
	"via": hVia, "v": hVia, "from": hFrom, "f": hFrom, "to": hTo, "t": hTo,
	"call-id": hCallID, "i": hCallID, "cseq": hCSeq, "max-forwards": hMaxForwards,
	"contact": hContact, "m": hContact, "route": hRoute, "record-route": hRecordRoute,
	"content-length": hContentLength, "l": hContentLength, "content-type": hContentType, "c": hContentType,
	"content-encoding": hContentEncoding, "e": hContentEncoding,
	"require": hRequire, "proxy-require": hProxyRequire, "supported": hSupported, "k": hSupported,
	"allow": hAllow, "accept": hAccept, "expires": hExpires, "session-expires": hSessionExpires, "x": hSessionExpires,
	"min-se": hMinSE, "rseq": hRSeq, "rack": hRAck, "authorization": hAuthorization,
	"proxy-authorization": hProxyAuthorization, "www-authenticate": hWWWAuthenticate,
	"proxy-authenticate": hProxyAuthenticate, "retry-after": hRetryAfter, "reason": hReason,
	"p-asserted-identity": hAsserted, "event": hEvent, "o": hEvent, "timestamp": hTimestamp,
}

// compactNames are long names of compact forms that we do not look at otherwise.
var compactNames = map[string]string{
	"s": "subject", "r": "refer-to", "b": "referred-by", "u": "allow-events", "a": "accept-contact",
	"d": "request-disposition", "j": "reject-contact", "y": "identity",
}

// lists says of which headers a line may hold several values between commas,
// that we want one by one.
var lists = [...]bool{hVia: true, hContact: true, hRoute: true, hRecordRoute: true, hAsserted: true, hTimestamp: false}

// single says which headers may come once only (RFC 3261, 20; RFC 4475, 3.3.8).
var single = [...]bool{
	hFrom: true, hTo: true, hCallID: true, hCSeq: true, hMaxForwards: true, hContentType: true,
	hExpires: true, hSessionExpires: true, hMinSE: true, hRSeq: true, hRAck: true, hTimestamp: false,
}

// headerID finds a header by name in any case without allocating for known ones.
func headerID(name string) hdr {
	var buf [24]byte
	if len(name) > len(buf) {
		return hOther
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf[i] = c
	}
	return headerIDs[string(buf[:len(name)])]
}

// field is one header field: its value is unfolded and trimmed, one of a list.
type field struct {
	id    hdr
	name  string // as written
	value string
}

// is says whether the field has that name, in any case or form.
func (f field) is(name string) bool {
	if id := headerID(name); id != hOther || f.id != hOther {
		return id == f.id
	}
	return strings.EqualFold(longName(f.name), longName(name))
}

func longName(name string) string {
	if len(name) == 1 {
		if long, ok := compactNames[strings.ToLower(name)]; ok {
			return long
		}
	}
	return name
}

// nextInList cuts the first value off a comma list; commas in quotes and in
// angle brackets do not count. ok is false for an unbalanced quote.
func nextInList(s string) (value, rest string, ok bool) {
	quoted, angle := false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			return trim(s[:i]), s[i+1:], true
		}
	}
	return trim(s), "", !quoted
}

// hasToken says whether a comma list of tokens names one, in any case.
func hasToken(list, token string) bool {
	for list != "" {
		var v string
		v, list, _ = strings.Cut(list, ",")
		if strings.EqualFold(trim(v), token) {
			return true
		}
	}
	return false
}

// trim cuts spaces and tabs off both ends.
func trim(s string) string {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// isToken: RFC 3261, 25.1.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		if !tokenChars[s[i]] {
			return false
		}
	}
	return s != ""
}

var tokenChars = func() (t [256]bool) {
	for c := 0; c < 256; c++ {
		t[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
			c < 128 && strings.IndexByte("-.!%*_+`'~", byte(c)) >= 0
	}
	return t
}()

// number reads decimal digits up to a limit; leading zeros are fine.
func number(s string, limit uint64) (uint64, bool) {
	var n uint64
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		if n = n*10 + uint64(c-'0'); n > limit {
			return 0, false
		}
	}
	return n, s != ""
}

// seconds reads delta-seconds with whatever stands behind them (";x", "(x)").
func seconds(s string) (uint64, bool) {
	if i := strings.IndexAny(s, "; \t("); i >= 0 {
		s = s[:i]
	}
	return number(s, 1<<32-1)
}
