package sip

import (
	"bytes"
	"errors"
	"strings"
)

// framer cuts a byte stream into messages by Content-Length (RFC 3261, 18.3).
// What it says depends on the bytes only, never on how they were segmented.
type framer struct {
	buf  []byte
	scan int // bytes of buf already searched for the end of the head
	need int // length of the message at the front, 0 while its head is incomplete
}

// errFrame: the stream's framing is lost; answer if possible, then close.
var errFrame = errors.New("sip: framing lost")

// frame is what was cut off.
type frame struct {
	text string // a message; "" for a ping
	ping bool   // CRLF CRLF between messages (RFC 5626, 3.5.1)
}

// push adds bytes that came.
func (f *framer) push(b []byte) { f.buf = append(f.buf, b...) }

// partial says whether a message has begun that is not whole. Line ends before it
// are no beginning: an answer to a ping is one.
func (f *framer) partial() bool { return len(bytes.TrimLeft(f.buf, "\r\n")) > 0 }

// next cuts off the next frame. ok is false when more bytes are needed. With
// errFrame, text is what the head says, for an answer.
func (f *framer) next() (fr frame, ok bool, err error) {
	if f.need == 0 {
		if bytes.HasPrefix(f.buf, []byte("\r\n")) {
			if len(f.buf) >= 4 && f.buf[2] == '\r' && f.buf[3] == '\n' {
				f.drop(4)
				return frame{ping: true}, true, nil
			}
			if len(f.buf) == 2 || len(f.buf) == 3 && f.buf[2] == '\r' {
				return frame{}, false, nil
			}
			f.drop(2)
			return f.next()
		}
		i := bytes.Index(f.buf[f.scan:], []byte("\r\n\r\n"))
		if i < 0 {
			if len(f.buf) > maxMessage {
				return frame{}, false, errFrame
			}
			f.scan = max(0, len(f.buf)-3)
			return frame{}, false, nil
		}
		head := f.scan + i + 4
		n, good := bodyLength(string(f.buf[:head]))
		if !good || head+n > maxMessage {
			return frame{text: string(f.buf[:head])}, false, errFrame
		}
		f.need = head + n
	}
	if len(f.buf) < f.need {
		return frame{}, false, nil
	}
	fr.text = string(f.buf[:f.need])
	f.drop(f.need)
	return fr, true, nil
}

func (f *framer) drop(n int) {
	f.buf = append(f.buf[:0], f.buf[n:]...)
	if cap(f.buf) > 16<<10 && len(f.buf) == 0 {
		f.buf = nil // one large message must not hold 64 KB for the connection's life
	}
	f.scan, f.need = 0, 0
}

// bodyLength reads Content-Length from a head, 0 if there is none. ok is false
// if it is malformed or two of them differ.
func bodyLength(head string) (n int, ok bool) {
	n = -1
	for rest := head; rest != ""; {
		var line string
		line, rest, _ = strings.Cut(rest, "\r\n")
		if rest != "" && (rest[0] == ' ' || rest[0] == '\t') {
			line, rest = unfold(line, rest)
		}
		name, value, found := strings.Cut(line, ":")
		if !found || headerID(trim(name)) != hContentLength {
			continue
		}
		v, good := number(trim(value), 1<<31)
		if !good || n >= 0 && n != int(v) {
			return 0, false
		}
		n = int(v)
	}
	return max(n, 0), true
}
