package sip

import (
	"errors"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Limits of one message.
const (
	maxMessage = 65535 // bytes
	maxFields  = 256   // header field values
	maxVias    = 70    // as many as Max-Forwards lets through
)

// message is a request or response, read once and never changed. Its strings
// are cuts of the text that came.
type message struct {
	method, target, version string // request; method is "" for a response
	status                  int    // response
	reason                  string

	fields []field
	body   string

	via        via
	from, to   nameAddr
	fromTag    string
	toTag      string
	callID     string
	cseq       uint32
	cseqMethod string
	length     int // Content-Length, -1 when there is none

	hop   hop // where it came from
	first [12]field
}

// errJunk: the bytes are no SIP message, or one that may not be answered.
var errJunk = errors.New("sip: not a SIP message")

// badMessage is a message that can be answered, but only with an error.
type badMessage struct {
	status int
	reason string
}

func (b *badMessage) Error() string { return "sip: " + b.reason }

func bad(reason string) error { return &badMessage{400, reason} }

// parse reads one whole message. With stream set, Content-Length has framed it.
// With a *badMessage the message is good enough to be answered.
func parse(text string, stream bool) (*message, error) {
	for strings.HasPrefix(text, "\r\n") {
		text = text[2:]
	}
	end := strings.Index(text, "\r\n\r\n")
	if end < 0 {
		return nil, errJunk
	}
	head, body := text[:end+2], text[end+4:]
	if !cleanHead(head) {
		return nil, errJunk
	}
	line, rest, _ := strings.Cut(head, "\r\n")
	m := &message{length: -1}
	m.fields = m.first[:0]
	err := m.startLine(line)
	if err == errJunk {
		return nil, err
	}
	if e := m.readHead(text[:end+4]); e != nil {
		e := m.salvage(rest)
		if e == errJunk {
			return nil, e
		}
		err = firstError(err, e)
	}
	if len(m.fields) == 0 {
		return nil, errJunk
	}
	if e := m.essentials(); e != nil {
		if e == errJunk {
			return nil, e
		}
		err = firstError(err, e)
	}
	switch {
	case m.length < 0:
		if stream && body != "" {
			body = ""
		}
	case m.length > len(body):
		return m, firstError(err, bad("Content-Length beyond the end"))
	default:
		body = body[:m.length]
	}
	m.body = body
	return m, err
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// cleanHead refuses NUL and any CR or LF that is not a line end: they could
// make two parsers see two messages.
func cleanHead(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case 0, '\n':
			return false
		case '\r':
			if i++; i == len(s) || s[i] != '\n' {
				return false
			}
		}
	}
	return true
}

// startLine reads the first line: three words between single spaces.
func (m *message) startLine(line string) error {
	if len(line) > 4 && strings.EqualFold(line[:4], "SIP/") {
		version, rest, _ := strings.Cut(line, " ")
		code, reason, _ := strings.Cut(rest, " ")
		n, ok := number(code, 699)
		if !ok || len(code) != 3 || n < 100 || !strings.EqualFold(version, "SIP/2.0") {
			return errJunk
		}
		m.status, m.reason, m.version = int(n), reason, version
		return nil
	}
	i := strings.LastIndexByte(strings.TrimRight(line, " \t"), ' ')
	if i < 0 || len(line)-i < 6 || !strings.EqualFold(line[i+1:i+5], "SIP/") {
		return errJunk
	}
	m.version = line[i+1:]
	m.method, m.target, _ = strings.Cut(line[:i], " ")
	if !isToken(m.method) {
		return errJunk
	}
	if !strings.EqualFold(m.version, "SIP/2.0") {
		if v := m.version[4:]; strings.Trim(v, "0123456789.") != "" {
			return bad("Malformed Request-Line")
		}
		return &badMessage{505, "Version Not Supported"}
	}
	u, ok := parseURI(m.target)
	switch {
	case !ok:
		return bad("Malformed Request-URI")
	case u.headers != "":
		return bad("Headers in Request-URI")
	}
	return nil
}

// grammar is sipgo's parser of start line and header lines. What stands in the
// headers is read by address.go, hop.go and this file: sipgo's own header parsers
// lose quoted parameters, tell names of parameters by their case, and leave a
// message with one bad header without an answer.
var grammar = sipmsg.NewParser(sipmsg.WithHeadersParsers(sipmsg.HeadersParser{}))

// readHead reads start line and headers up to the empty line.
func (m *message) readHead(head string) error {
	msg, _, err := grammar.ParseHeaders([]byte(head), false)
	if err != nil {
		return err
	}
	vias := 0
	for _, h := range headersOf(msg) {
		if !isToken(h.Name()) {
			return errJunk
		}
		if err := m.add(h.Name(), h.Value(), &vias); err != nil {
			return err
		}
	}
	return nil
}

func headersOf(msg sipmsg.Message) []sipmsg.Header {
	switch msg := msg.(type) {
	case *sipmsg.Request:
		return msg.Headers()
	case *sipmsg.Response:
		return msg.Headers()
	}
	return nil
}

// add appends the values of one header line.
func (m *message) add(name, value string, vias *int) error {
	id := headerID(name)
	for {
		v, ok := value, true
		if int(id) < len(lists) && lists[id] {
			if v, value, ok = nextInList(value); !ok {
				return bad("Unbalanced quote")
			}
		} else {
			value = ""
		}
		if id == hVia {
			*vias++
		}
		if len(m.fields) == maxFields || *vias > maxVias {
			return errJunk
		}
		m.fields = append(m.fields, field{id, name, v})
		if value == "" {
			return nil
		}
	}
}

// salvage cuts the header lines of a message that sipgo refuses: one with a bad
// header, or a scheme unknown to it, has to be answered. The first fault is
// returned at the end.
func (m *message) salvage(rest string) (err error) {
	m.fields = m.fields[:0]
	vias := 0
	for rest != "" {
		line, more, _ := strings.Cut(rest, "\r\n")
		if more != "" && (more[0] == ' ' || more[0] == '\t') {
			line, more = unfold(line, more)
		}
		rest = more
		name, value, ok := strings.Cut(line, ":")
		name, value = trim(name), trim(value)
		if !ok || !isToken(name) {
			err = firstError(err, bad("Malformed header line"))
			continue
		}
		e := m.add(name, value, &vias)
		if e == errJunk {
			return e
		}
		err = firstError(err, e)
	}
	return err
}

// unfold joins continuation lines with one space (RFC 3261, 7.3.1).
func unfold(line, rest string) (string, string) {
	var b strings.Builder
	b.WriteString(trim(line))
	for rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
		line, rest, _ = strings.Cut(rest, "\r\n")
		b.WriteByte(' ')
		b.WriteString(trim(line))
	}
	return b.String(), rest
}

// essentials reads what every message must have. A message without a usable Via
// cannot be answered; without the others it is answered as far as they go.
func (m *message) essentials() (err error) {
	var seen [hTimestamp + 1]bool
	fault := func(reason string) { err = firstError(err, bad(reason)) }
	for i := range m.fields {
		f := &m.fields[i]
		ok := true
		if f.id != hOther && int(f.id) < len(single) && single[f.id] && seen[f.id] {
			fault("Repeated " + canonical(f.id))
			continue
		}
		switch f.id {
		case hVia:
			v, good := parseVia(f.value)
			if !seen[hVia] {
				if v.host == "" {
					return errJunk
				}
				m.via = v
				ok = good
				break
			}
			ok = good || looseVia(f.value)
		case hFrom:
			m.from, ok = parseNameAddr(f.value)
			m.fromTag = m.from.tag()
		case hTo:
			m.to, ok = parseNameAddr(f.value)
			m.toTag = m.to.tag()
		case hCallID:
			m.callID, ok = f.value, f.value != "" && !strings.ContainsAny(f.value, " \t")
		case hCSeq:
			ok = m.readCSeq(f.value)
		case hMaxForwards:
			_, ok = number(f.value, 1<<31)
		case hContentLength:
			n, good := number(f.value, maxMessage)
			if ok = good && (m.length < 0 || m.length == int(n)); ok {
				m.length = int(n)
			}
		case hContact, hRoute, hRecordRoute:
			if f.value != "*" || f.id != hContact {
				_, ok = parseNameAddr(f.value)
			}
		case hExpires, hMinSE, hRSeq:
			_, ok = number(f.value, 1<<62)
			ok = ok || f.id == hExpires
		}
		if !ok {
			fault("Malformed " + canonical(f.id))
		}
		seen[f.id] = true
	}
	return m.complete(&seen, err)
}

// complete checks what is missing and whether it fits together.
func (m *message) complete(seen *[hTimestamp + 1]bool, err error) error {
	if !seen[hVia] {
		return errJunk
	}
	for _, id := range [...]hdr{hFrom, hTo, hCallID, hCSeq} {
		if !seen[id] {
			err = firstError(err, bad("Missing "+canonical(id)))
		}
	}
	if err == nil && m.method != "" && m.cseqMethod != m.method {
		err = bad("CSeq method does not match")
	}
	if err != nil && m.method == "" {
		return errJunk // a broken response has nobody to be told
	}
	return err
}

// looseVia: Vias below the top are only copied; foreign transports and
// protocols are none of our business (RFC 4475, 3.1.1.10).
func looseVia(s string) bool {
	return strings.Count(s, "/") >= 2 && !strings.Contains(s, ";;")
}

// readCSeq reads number, white space, method.
func (m *message) readCSeq(s string) bool {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return false
	}
	n, ok := number(s[:i], 1<<32-1)
	m.cseq, m.cseqMethod = uint32(n), trim(s[i:])
	return ok && isToken(m.cseqMethod)
}

// canonical is the name of a header as we write it.
func canonical(id hdr) string {
	switch id {
	case hVia:
		return "Via"
	case hFrom:
		return "From"
	case hTo:
		return "To"
	case hCallID:
		return "Call-ID"
	case hCSeq:
		return "CSeq"
	case hMaxForwards:
		return "Max-Forwards"
	case hContentLength:
		return "Content-Length"
	case hContact:
		return "Contact"
	}
	return "header"
}

// get is the first value of a header; "" if there is none.
func (m *message) get(id hdr) string {
	for i := range m.fields {
		if m.fields[i].id == id {
			return m.fields[i].value
		}
	}
	return ""
}

// has says whether there is such a header.
func (m *message) has(id hdr) bool {
	for i := range m.fields {
		if m.fields[i].id == id {
			return true
		}
	}
	return false
}

// lists says whether any of the headers names a token.
func (m *message) lists(id hdr, token string) bool {
	for i := range m.fields {
		if m.fields[i].id == id && hasToken(m.fields[i].value, token) {
			return true
		}
	}
	return false
}

// values are all values of a header.
func (m *message) values(id hdr) (v []string) {
	for i := range m.fields {
		if m.fields[i].id == id {
			v = append(v, m.fields[i].value)
		}
	}
	return v
}

// named are all values of a header by its name, in any case or form.
func (m *message) named(name string) (v []string) {
	for _, f := range m.fields {
		if f.is(name) {
			v = append(v, f.value)
		}
	}
	return v
}

// contact is the first Contact's URI; "" if there is none.
func (m *message) contact() string {
	n, ok := parseNameAddr(m.get(hContact))
	if !ok {
		return ""
	}
	return n.uri
}

// maxForwards is Max-Forwards, 70 when there is none (RFC 3261, 8.1.1.6).
func (m *message) maxForwards() int {
	v := m.get(hMaxForwards)
	if v == "" {
		return 70
	}
	n, _ := number(v, 1<<31)
	return int(min(n, 255))
}
