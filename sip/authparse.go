package sip

import (
	"errors"
	"strings"
)

// Bounds of what is read from the net in an Authorization or a challenge header.
const (
	maxAuthBytes  = 4096 // one header value
	maxAuthParams = 32   // of one header value, all schemes in it together
)

var errAuthSyntax = errors.New("sip: malformed authentication header")

// authHeader is one challenge or one set of credentials: a scheme and its
// parameters, names in lower case, values without their quotes.
type authHeader struct {
	Scheme string // lower case: "digest"
	params []authParam
}

type authParam struct{ name, value string }

// param is a parameter's value; "" when it is absent.
func (h authHeader) param(name string) string {
	for _, p := range h.params {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// has says whether a parameter is there, even when empty.
func (h authHeader) has(name string) bool {
	for _, p := range h.params {
		if p.name == name {
			return true
		}
	}
	return false
}

// parseAuth reads a header value of RFC 7616 grammar. RFC 3261, 7.3.1 forbids to
// join several challenges in one value; they are told apart all the same. A
// parameter that comes twice is refused: two readers could take it differently.
func parseAuth(value string) ([]authHeader, error) {
	if len(value) > maxAuthBytes {
		return nil, errAuthSyntax
	}
	s := authScanner{s: value}
	var all []authHeader
	for total := 0; ; {
		s.skip(" \t,")
		if s.s == "" {
			break
		}
		name := strings.ToLower(s.token())
		if name == "" {
			return nil, errAuthSyntax
		}
		spaced := s.skip(" \t")
		if !strings.HasPrefix(s.s, "=") {
			if !spaced && s.s != "" && s.s[0] != ',' {
				return nil, errAuthSyntax
			}
			if total++; total > maxAuthParams {
				return nil, errAuthSyntax
			}
			all = append(all, authHeader{Scheme: name})
			continue
		}
		s.s = s.s[1:]
		v, ok := s.value()
		if total++; !ok || total > maxAuthParams || len(all) == 0 {
			return nil, errAuthSyntax
		}
		h := &all[len(all)-1]
		if h.has(name) {
			return nil, errAuthSyntax
		}
		h.params = append(h.params, authParam{name, v})
	}
	if len(all) == 0 {
		return nil, errAuthSyntax
	}
	return all, nil
}

// authScanner eats a header value from the left.
type authScanner struct{ s string }

func (a *authScanner) skip(set string) bool {
	n := len(a.s)
	a.s = strings.TrimLeft(a.s, set)
	return len(a.s) < n
}

// token reads RFC 3261's token.
func (a *authScanner) token() string {
	i := 0
	for i < len(a.s) && tokenChars[a.s[i]] {
		i++
	}
	t := a.s[:i]
	a.s = a.s[i:]
	return t
}

// value reads a token or a quoted string; bare values may hold what odd phones
// leave unquoted (a URI, base64), up to a comma or a space.
func (a *authScanner) value() (string, bool) {
	a.skip(" \t")
	if strings.HasPrefix(a.s, `"`) {
		v, rest, ok := cutQuoted(a.s)
		a.s = rest
		if ok && a.s != "" && !strings.ContainsRune(" \t,", rune(a.s[0])) {
			return "", false
		}
		return v, ok
	}
	i := 0
	for i < len(a.s) && a.s[i] > ' ' && a.s[i] != ',' && a.s[i] != '"' && a.s[i] != 0x7f {
		i++
	}
	v := a.s[:i]
	a.s = a.s[i:]
	if a.s != "" && !strings.ContainsRune(" \t,", rune(a.s[0])) {
		return "", false
	}
	return v, v != ""
}

// cutQuoted reads the quoted string that s begins with and gives what follows it.
// Control characters are refused: nothing of it can break a header of ours.
func cutQuoted(s string) (value, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\':
			i++
			if i == len(s) || isControl(s[i]) {
				return "", "", false
			}
			c = s[i]
		case isControl(c):
			return "", "", false
		}
		b.WriteByte(c)
	}
	return "", "", false
}

// quote makes a quoted string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		if !isControl(s[i]) {
			b.WriteByte(s[i])
		}
	}
	b.WriteByte('"')
	return b.String()
}

func isControl(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }
