package sip

import (
	"strings"
	"testing"
)

// seeds are messages of the torture sets and a few of our own.
func seeds(f *testing.F) {
	f.Add("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
	f.Add("SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h\r\nf: a <sip:a@b>\r\nt: <sip:a@b>;tag=\"x\\\"\"\r\ni: 1\r\nCSeq: 1 INVITE\r\nl:1\r\n\r\nx")
	for _, set := range []string{"rfc4475", "rfc5118", "enablesecurity-advisories", "sipgo-fuzz"} {
		names, texts := torture(f, set)
		for _, n := range names {
			f.Add(texts[n])
		}
	}
}

// FuzzMessage: no input breaks the parser; what was read can be answered, and the
// answer can be read and says the same.
func FuzzMessage(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parse(text, false)
		if m == nil {
			if err == nil {
				t.Fatal("neither a message nor an error")
			}
			return
		}
		m.from.address()
		m.to.address()
		description(m)
		readDigit(m.body)
		causeOf(m)
		if m.method == "" || err != nil {
			return
		}
		answer := string(refusal(m, 400, "", "tag"))
		back, err := parse(answer, true)
		if err != nil {
			t.Fatalf("answer that cannot be read: %v\n%q", err, answer)
		}
		if back.callID != m.callID || back.cseq != m.cseq || back.fromTag != m.fromTag || back.via.branch != m.via.branch {
			t.Fatalf("answer %q to %q", answer, text)
		}
		if keyOf(back, m.method).branch != keyOf(m, m.method).branch {
			t.Fatal("the answer belongs to another transaction")
		}
	})
}

// FuzzFramer: cutting a stream elsewhere changes nothing.
func FuzzFramer(f *testing.F) {
	seeds(f)
	f.Add("\r\n\r\nOPTIONS x\r\nl: 3\r\n\r\nabcOPTIONS")
	f.Fuzz(func(t *testing.T, text string) {
		whole, wholeErr := frames(text, len(text))
		bytes, bytesErr := frames(text, 1)
		odd, oddErr := frames(text, 7)
		if whole != bytes || whole != odd || wholeErr != bytesErr || wholeErr != oddErr {
			t.Fatalf("whole %q %v, by bytes %q %v, by sevens %q %v", whole, wholeErr, bytes, bytesErr, odd, oddErr)
		}
	})
}

func frames(text string, size int) (string, error) {
	var fr framer
	var all strings.Builder
	for text != "" {
		n := min(size, len(text))
		fr.push([]byte(text[:n]))
		text = text[n:]
		for {
			f, ok, err := fr.next()
			if err != nil {
				return all.String() + f.text, err
			}
			if !ok {
				break
			}
			if f.ping {
				f.text = "ping"
			}
			all.WriteString("[" + f.text + "]")
		}
	}
	return all.String(), nil
}

// FuzzURI: what is read as a URI has a host that can be written again.
func FuzzURI(f *testing.F) {
	for _, s := range []string{"sip:a@b", "sips:[::1]:5061;transport=tcp?x=y", "tel:+1-2", "sip:a;b=c%40d@h:1", "http://x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, ok := parseURI(s)
		if !ok || u.scheme != "sip" && u.scheme != "sips" {
			return
		}
		host, port, ok := splitHostPort(hostPort(u.host, u.port))
		if !ok || host != u.host || port != u.port {
			t.Fatalf("%q: host %q port %d written as %q", s, u.host, u.port, hostPort(u.host, u.port))
		}
	})
}
