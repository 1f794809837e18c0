package sip

import (
	"errors"
	"net"
	"strconv"
	"strings"
)

const (
	maxContacts     = 64   // of one message that are read
	maxContactBytes = 1024 // of one contact URI that is kept
)

var errContact = errors.New("sip: malformed Contact")

// contactValue is one Contact of a REGISTER or of the response to it.
type contactValue struct {
	star bool
	text string // the URI as written
	uri  uri
	// expires is in seconds; -1 when not said or malformed (RFC 3261, 10.2.1.1).
	expires int64
	q       float64 // 0 to 1; -1 when not said or malformed
}

// readContacts reads all Contact headers of a message.
func readContacts(m *message) ([]contactValue, error) {
	var all []contactValue
	for _, v := range m.values(hContact) {
		if len(all) == maxContacts {
			return nil, errContact
		}
		if v == "*" {
			all = append(all, contactValue{star: true})
			continue
		}
		n, ok := parseNameAddr(v)
		if !ok || len(n.uri) > maxContactBytes || strings.ContainsAny(n.uri, "\\\x7f") {
			return nil, errContact
		}
		c := contactValue{text: n.uri, expires: -1, q: -1}
		c.uri, _ = parseURI(n.uri)
		if s, ok := param(n.params, "expires"); ok {
			c.expires = readSeconds(s)
		}
		if s, ok := param(n.params, "q"); ok {
			c.q = readQ(s)
		}
		all = append(all, c)
	}
	return all, nil
}

// readSeconds reads delta-seconds; -1 when malformed, 2^32-1 when beyond.
func readSeconds(s string) int64 {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return -1
	}
	n, ok := number(s, 1<<32-1)
	if !ok {
		return 1<<32 - 1
	}
	return int64(n)
}

// readQ reads a q-value, 0 to 1; -1 when malformed.
func readQ(s string) float64 {
	if s == "" || len(s) > 5 || strings.Trim(s, "0123456789.") != "" {
		return -1
	}
	q, err := strconv.ParseFloat(s, 64)
	if err != nil || q < 0 || q > 1 {
		return -1
	}
	return q
}

// portOr is the port said, or the default of RFC 3261, 19.1.2.
func (u uri) portOr() int {
	switch {
	case u.port != 0:
		return u.port
	case u.scheme == "sips" || u.transport() == "tls":
		return 5061
	}
	return 5060
}

// transportOr is the transport said, or UDP.
func (u uri) transportOr() string {
	switch t := u.transport(); {
	case u.scheme == "sips":
		return "tls" // whatever it says: RFC 3261, 26.2.2
	case t != "":
		return t
	}
	return "udp"
}

// place is host, port and transport in one comparable text.
func (u uri) place() string {
	return net.JoinHostPort(strings.ToLower(u.host), strconv.Itoa(u.portOr())) + ";" + u.transportOr()
}

// same compares as RFC 3261, 19.1.4 does, as far as it says where a request goes.
func (u uri) same(v uri) bool {
	return u.scheme == v.scheme && unescape(u.user) == unescape(v.user) && u.place() == v.place()
}
