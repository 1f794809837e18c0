package sip

import (
	"net/netip"
	"strconv"
	"strings"
)

// uri is a SIP URI in its raw parts; of other schemes only scheme is known.
type uri struct {
	scheme  string // lower case
	user    string // escaped as it came, without password
	host    string // without brackets
	port    int    // 0 is none
	params  string // without the first ;
	headers string // without the ?
}

// parseURI reads a URI as RFC 3261, 25.1 has it. Other schemes than sip and sips
// pass if the scheme is well-formed.
func parseURI(s string) (u uri, ok bool) {
	i := strings.IndexByte(s, ':')
	if i <= 0 || i+1 == len(s) || !isScheme(s[:i]) {
		return u, false
	}
	u.scheme = strings.ToLower(s[:i])
	rest := s[i+1:]
	for j := 0; j < len(rest); j++ {
		if c := rest[j]; c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' {
			return u, false
		}
	}
	if u.scheme != "sip" && u.scheme != "sips" {
		return u, true
	}
	if j := strings.IndexByte(rest, '@'); j >= 0 {
		u.user, rest = rest[:j], rest[j+1:]
		u.user, _, _ = strings.Cut(u.user, ":")
		if u.user == "" || strings.IndexByte(rest, '@') >= 0 && !strings.Contains(rest, "?") {
			return u, false
		}
	}
	if j := strings.IndexByte(rest, '?'); j >= 0 {
		rest, u.headers = rest[:j], rest[j+1:]
	}
	if j := strings.IndexByte(rest, ';'); j >= 0 {
		rest, u.params = rest[:j], rest[j+1:]
	}
	u.host, u.port, ok = splitHostPort(rest)
	return u, ok
}

func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return true
}

// splitHostPort reads "host", "host:port", "[v6]" and "[v6]:port".
func splitHostPort(s string) (host string, port int, ok bool) {
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, ']')
		if i < 0 {
			return "", 0, false
		}
		if a, err := netip.ParseAddr(s[1:i]); err != nil || !a.Is6() {
			return "", 0, false
		}
		host, s = s[1:i], trim(s[i+1:])
		if s == "" {
			return host, 0, true
		}
		if s[0] != ':' {
			return "", 0, false
		}
		s = s[1:]
	} else {
		h, p, found := strings.Cut(s, ":")
		host = trim(h)
		if !isHost(host) {
			return "", 0, false
		}
		if !found {
			return host, 0, true
		}
		s = p
	}
	n, ok := number(trim(s), 65535)
	return host, int(n), ok
}

func isHost(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return s != ""
}

// hostPort writes a host, in brackets if it is IPv6, and its port unless 0.
func hostPort(host string, port int) string {
	if strings.IndexByte(host, ':') >= 0 && host[0] != '[' {
		host = "[" + host + "]"
	}
	if port > 0 {
		host += ":" + strconv.Itoa(port)
	}
	return host
}

// transport is the transport parameter in lower case, "" if there is none.
func (u uri) transport() string {
	v, _ := param(u.params, "transport")
	return strings.ToLower(v)
}

// param finds a parameter by name in any case, in ";"-separated parameters
// without their first ";". White space counts nowhere, quotes are taken off.
func param(params, name string) (value string, ok bool) {
	for params != "" {
		var n, v string
		n, v, params, _ = nextParam(params)
		if strings.EqualFold(n, name) {
			return v, true
		}
	}
	return "", false
}

// nextParam cuts the first parameter off. ok is false when it is malformed.
func nextParam(s string) (name, value, rest string, ok bool) {
	quoted, eq, i := false, -1, 0
scan:
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '=' && eq < 0:
			eq = i
		case c == ';':
			break scan
		}
	}
	i = min(i, len(s))
	if i < len(s) {
		rest = s[i+1:]
	}
	if eq < 0 {
		name = trim(s[:i])
		return name, "", rest, isToken(name) && !quoted
	}
	name, value = trim(s[:eq]), trim(s[eq+1:i])
	ok = isToken(name) && !quoted && value != ""
	if strings.HasPrefix(value, `"`) {
		value = unquote(value)
	}
	return name, value, rest, ok
}

// checkParams says whether all parameters are well-formed.
func checkParams(s string) bool {
	for {
		_, _, rest, ok := nextParam(s)
		if !ok {
			return false
		}
		if rest == "" {
			return !strings.HasSuffix(trim(s), ";")
		}
		s = rest
	}
}

func unquote(s string) string {
	s = strings.TrimPrefix(s, `"`)
	s = strings.TrimSuffix(s, `"`)
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// nameAddr is a From, To, Contact or Route value in its raw parts.
type nameAddr struct {
	display string // as written: quoted or tokens
	uri     string
	params  string // header parameters without the first ;
}

// parseNameAddr reads name-addr or addr-spec; a parameter after a bare
// addr-spec is the header's (RFC 3261, 20.10).
func parseNameAddr(s string) (n nameAddr, ok bool) {
	s = trim(s)
	open := -1
	for i, quoted := 0, false; i < len(s) && open < 0; i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			open = i
		}
	}
	if open < 0 {
		n.uri = s
		if i := strings.IndexByte(s, ';'); i >= 0 {
			n.uri, n.params = trim(s[:i]), s[i+1:]
			if !checkParams(n.params) {
				return n, false
			}
		}
		_, ok = parseURI(n.uri)
		return n, ok && strings.IndexByte(n.uri, '?') < 0 && strings.IndexByte(n.uri, ',') < 0
	}
	n.display = trim(s[:open])
	if !displayOK(n.display) {
		return n, false
	}
	end := strings.IndexByte(s[open:], '>')
	if end < 0 {
		return n, false
	}
	n.uri = trim(s[open+1 : open+end])
	rest := trim(s[open+end+1:])
	if rest != "" {
		if rest[0] != ';' || !checkParams(rest[1:]) {
			return n, false
		}
		n.params = rest[1:]
	}
	_, ok = parseURI(n.uri)
	return n, ok
}

// displayOK: one quoted string or words. Words may be UTF-8, as phones send
// them, but none of the characters that would change the meaning.
func displayOK(s string) bool {
	if !strings.HasPrefix(s, `"`) {
		return !strings.ContainsAny(s, `,;:@<>"()[]=?`)
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i == len(s)-1
		}
	}
	return false
}

// tag is the tag parameter.
func (n nameAddr) tag() string {
	t, _ := param(n.params, "tag")
	return t
}

// address decodes for use in another dialog.
func (n nameAddr) address() Address {
	a := Address{Display: n.display}
	if strings.HasPrefix(a.Display, `"`) {
		a.Display = unquote(a.Display)
	}
	u, _ := parseURI(n.uri)
	a.User, a.Host, a.Port = unescape(u.user), u.host, u.port
	if u.scheme == "tel" {
		a.User, _, _ = strings.Cut(n.uri[4:], ";")
	}
	return a
}

// unescape decodes %hh; broken escapes stay as they are.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b = append(b, byte(v))
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// escapeUser writes a user part: what the grammar does not allow becomes %hh.
func escapeUser(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
			strings.IndexByte("-_.!~*'()&=+$,;?/", c) >= 0 {
			b = append(b, c)
			continue
		}
		b = append(b, '%', hex[c>>4], hex[c&15])
	}
	return string(b)
}

// quoteDisplay writes a display name with a space behind it, or nothing.
// Control characters are left out, so that no line can be injected.
func quoteDisplay(s string) string {
	if s == "" {
		return ""
	}
	b := make([]byte, 0, len(s)+4)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f:
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"', ' '))
}

// via is the top Via in its parts.
type via struct {
	transport string // as written
	host      string
	port      int
	params    string
	branch    string
	rport     bool // asked for, with no value
}

// parseVia reads one Via value; white space may stand around each separator. Of
// a malformed one v holds what is enough to answer, if v.host is set.
func parseVia(s string) (v via, ok bool) {
	name, rest, ok1 := strings.Cut(s, "/")
	version, rest, ok2 := strings.Cut(rest, "/")
	rest = trim(rest)
	i := strings.IndexAny(rest, " \t")
	if !ok1 || !ok2 || i < 0 || !isToken(rest[:i]) {
		return v, false
	}
	v.transport, rest = rest[:i], trim(rest[i:])
	rest, params, _ := strings.Cut(rest, ";")
	if v.host, v.port, ok = splitHostPort(trim(rest)); !ok {
		return via{}, false
	}
	for p := params; p != ""; {
		name, value, more, good := nextParam(p)
		switch {
		case !good:
			return v, false
		case len(name) == 6 && strings.EqualFold(name, "branch"):
			v.branch = value
		case len(name) == 5 && strings.EqualFold(name, "rport"):
			v.rport = true
		}
		p = more
	}
	v.params = params
	return v, strings.EqualFold(trim(name), "SIP") && trim(version) == "2.0"
}
