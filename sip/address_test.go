package sip

import "testing"

func TestNameAddr(t *testing.T) {
	for _, c := range []struct {
		text string
		ok   bool
		want Address
		tag  string
	}{
		{`"Bob \"the\" <x>;" <sip:b%40b@h.example:5070;a=b>;tag=1`, true, Address{`Bob "the" <x>;`, "b@b", "h.example", 5070}, "1"},
		{`sip:bob@h;tag=1`, true, Address{"", "bob", "h", 0}, "1"},
		{`sip:h`, true, Address{"", "", "h", 0}, ""},
		{`Bob Smith<sip:bob@[2001:db8::1]:5061> ; TAG = "q" ; lr`, true, Address{"Bob Smith", "bob", "2001:db8::1", 5061}, "q"},
		{`<sip:user;par=u%40example.net@example.com>`, true, Address{"", "user;par=u@example.net", "example.com", 0}, ""},
		{`<tel:+1-234;phone-context=x>`, true, Address{"", "+1-234", "", 0}, ""},
		{`<sip:a:secret@h>`, true, Address{"", "a", "h", 0}, ""},
		{`Müller <sip:m@h>`, true, Address{"Müller", "m", "h", 0}, ""},
		{`"open <sip:a@h>`, false, Address{}, ""},
		{`Bell, Alexander <sip:a@h>`, false, Address{}, ""},
		{`<sip:a@h`, false, Address{}, ""},
		{`<sip:a@h>;;`, false, Address{}, ""},
		{`<sip:a@h> x`, false, Address{}, ""},
		{`<sip:a@b@h>`, false, Address{}, ""},
		{`<sip:a b@h>`, false, Address{}, ""},
		{`<sip:a@h:99999>`, false, Address{}, ""},
		{`<sip:2001:db8::1>`, false, Address{}, ""},
		{`<sip:@h>`, false, Address{}, ""},
		{``, false, Address{}, ""},
	} {
		n, ok := parseNameAddr(c.text)
		if ok != c.ok {
			t.Errorf("%s: ok %v, want %v", c.text, ok, c.ok)
			continue
		}
		if !ok {
			continue
		}
		if got := n.address(); got != c.want || n.tag() != c.tag {
			t.Errorf("%s: got %+v tag %q, want %+v tag %q", c.text, got, n.tag(), c.want, c.tag)
		}
	}
}

func TestAddressIsWrittenSafely(t *testing.T) {
	for _, a := range []Address{
		{"plain", "bob", "h.example", 0}, {`q"\`, "a@b;c?d", "10.0.0.1", 5060}, {"", "", "2001:db8::1", 5061}, {"", "ü%", "h", 0},
	} {
		n, ok := parseNameAddr(a.header())
		if !ok || n.address() != a {
			t.Errorf("%+v written as %s, read as %+v", a, a.header(), n.address())
		}
	}
}
