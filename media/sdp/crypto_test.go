package sdp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
)

var (
	key30 = base64.StdEncoding.EncodeToString([]byte("0123456789abcdefABCDEFGHIJKLMN"))
	key44 = base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdefABCDEFGHIJKL"))
)

func secured(p Policy) Local {
	l := here
	l.SRTP = p
	return l
}

// cryptoOf gives the a=crypto lines of a description.
func cryptoOf(b []byte) []string {
	var out []string
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "a=crypto:"); ok {
			out = append(out, v)
		}
	}
	return out
}

func TestPolicyDecidesWhetherAnOfferIsSecured(t *testing.T) {
	const good = "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:"
	for _, c := range []struct {
		profile string
		lines   []string
		off     error
		prefer  string // suite
		require error
	}{
		{"RTP/AVP", nil, nil, "", ErrNoCrypto},
		{"RTP/AVP", []string{good + key30}, nil, AES128SHA80, nil},
		{"RTP/SAVP", []string{good + key30}, ErrNoCodec, AES128SHA80, nil},
		{"RTP/SAVPF", []string{good + key30}, ErrNoCodec, AES128SHA80, nil},
		{"RTP/SAVP", nil, ErrNoCodec, "none", ErrNoCrypto},
		{"UDP/TLS/RTP/SAVPF", []string{good + key30}, ErrNoCodec, "none", ErrNoCodec},
	} {
		offer := body(append([]string{"m=audio 4000 " + c.profile + " 0"}, c.lines...)...)
		for p, want := range map[Policy]error{Off: c.off, Require: c.require} {
			b, r, err := New(secured(p)).Answer(offer, SendRecv)
			if !errors.Is(err, want) {
				t.Errorf("%s %v, policy %d: got %v, want %v", c.profile, c.lines, p, err, want)
			}
			if err == nil && p == Off && (r.Crypto != Crypto{} || len(cryptoOf(b)) > 0) {
				t.Errorf("%s: got %v with SRTP off", c.profile, r.Crypto)
			}
		}
		b, r, err := New(secured(Prefer)).Answer(offer, SendRecv)
		if (err != nil) != (c.prefer == "none") {
			t.Errorf("%s: got %v", c.profile, err)
			continue
		}
		if err != nil {
			continue
		}
		if r.Crypto.Suite != c.prefer {
			t.Errorf("%s: got suite %q, want %q", c.profile, r.Crypto.Suite, c.prefer)
		}
		has(t, b, "m=audio 10000 "+c.profile+" 0")
		if c.prefer != "" {
			ours := "7 AES_CM_128_HMAC_SHA1_80 inline:" + base64.StdEncoding.EncodeToString([]byte(r.Crypto.Ours))
			if got := cryptoOf(b); len(got) != 1 || got[0] != ours || r.Crypto.Theirs != "0123456789abcdefABCDEFGHIJKLMN" || len(r.Crypto.Ours) != 30 {
				t.Errorf("got %q, want their tag and our key %q", got, ours)
			}
		}
		reparse(t, b)
	}
}

func TestCryptoLinesAreTakenOrPassedOver(t *testing.T) {
	for _, c := range []struct {
		line string
		ok   bool
		mki  string
	}{
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30, true, ""},
		{"1 aes_cm_128_hmac_sha1_32 INLINE:" + key30, true, ""},
		{"1 AEAD_AES_256_GCM inline:" + key44, true, ""},
		{"1 AEAD_AES_256_GCM inline:" + strings.TrimRight(key44, "="), true, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^20", true, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1048576|1:4", true, "\x00\x00\x00\x01"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|258:2", true, "\x01\x02"},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " WSH=64 -FOO KDR=0", true, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " KDR=1", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNENCRYPTED_SRTP", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNAUTHENTICATED_SRTP", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^10", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^49", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:4|2^20", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|256:1", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:128", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:4;inline:" + key30 + "|2:4", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key44, false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30[:38] + "!!", false, ""},
		{"1 F8_128_HMAC_SHA1_80 inline:" + key30, false, ""},
		{"0123456789 AES_CM_128_HMAC_SHA1_80 inline:" + key30, false, ""},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" + key30, false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80", false, ""},
		{"", false, ""},
	} {
		l, ok := readCrypto(c.line)
		if ok != c.ok || ok && l.mki != c.mki {
			t.Errorf("%s: got %v, MKI %x; want %v, %x", c.line, ok, l.mki, c.ok, c.mki)
		}
	}
	// A bad line before a good one costs nothing; the first good one is taken.
	_, r, err := New(secured(Require)).Answer(body("m=audio 4000 RTP/SAVP 0", "a=crypto:1 NEW inline:x",
		"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"+key30, "a=crypto:3 AEAD_AES_256_GCM inline:"+key44), SendRecv)
	if err != nil || r.Crypto.Suite != AES128SHA32 {
		t.Errorf("got %v %v, want the second line", r.Crypto, err)
	}
}

func TestOursIsOfferedByPolicyAndTheirChoiceTaken(t *testing.T) {
	if got := cryptoOf(New(secured(Off)).Offer(SendRecv)); len(got) != 0 {
		t.Errorf("got %q with SRTP off", got)
	}
	for p, profile := range map[Policy]string{Prefer: "RTP/AVP", Require: "RTP/SAVP"} {
		s := New(secured(p))
		offer := s.Offer(SendRecv)
		has(t, offer, "m=audio 10000 "+profile+" 0 8 101")
		lines := cryptoOf(offer)
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "1 AEAD_AES_256_GCM inline:") || !strings.HasPrefix(lines[2], "3 AES_CM_128_HMAC_SHA1_32 inline:") {
			t.Fatalf("got %q, want three suites", lines)
		}
		// A plain answer, one with a tag of nobody, one that takes the second.
		_, err := s.Accept(body("m=audio 4000 RTP/AVP 0"))
		if (err == nil) != (p == Prefer) || p == Require && !errors.Is(err, ErrNoCrypto) {
			t.Errorf("policy %d: got %v for a plain answer", p, err)
		}
		s = New(secured(p))
		lines = cryptoOf(s.Offer(SendRecv))
		if _, err := s.Accept(body("m=audio 4000 RTP/SAVP 0", "a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:"+key30)); !errors.Is(err, ErrNoCrypto) {
			t.Errorf("policy %d: got %v for a tag that was not offered", p, err)
		}
		r, err := s.Accept(body("m=audio 4000 "+profile+" 0", "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:"+key30))
		if err != nil || r.Crypto.Suite != AES128SHA80 || !strings.HasSuffix(lines[1], base64.StdEncoding.EncodeToString([]byte(r.Crypto.Ours))) {
			t.Errorf("policy %d: got %v %v", p, r.Crypto, err)
		}
		// A hold changes no key and raises no version but for its direction.
		if again := cryptoOf(s.Offer(SendOnly)); len(again) != 1 || again[0] != lines[1] {
			t.Errorf("policy %d: got %q in a re-offer, want %q alone", p, again, lines[1])
		}
	}
}

func TestANewKeyOfTheirsIsTakenAndOursStays(t *testing.T) {
	s := New(secured(Require))
	other := base64.StdEncoding.EncodeToString([]byte("ANOTHERKEY+++++ANOTHERSALT++++"))
	_, first, err := s.Answer(body("m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30), SendRecv)
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := s.Answer(body("m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+other), SendRecv)
	if err != nil || second.Crypto.Theirs == first.Crypto.Theirs || second.Crypto.Ours != first.Crypto.Ours {
		t.Errorf("got %v: their key must change, ours not", err)
	}
}

func TestTheSecuredOfTwoLinesIsPreferred(t *testing.T) {
	offer := body("m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+key30)
	for p, want := range map[Policy]uint16{Off: 4000, Prefer: 4002, Require: 4002} {
		b, r, err := New(secured(p)).Answer(offer, SendRecv)
		if err != nil || r.Addr.Port() != want {
			t.Errorf("policy %d: got port %d %v, want %d", p, r.Addr.Port(), err, want)
		}
		if err == nil && strings.Count(string(b), "m=audio 0 ") != 1 {
			t.Errorf("policy %d: the other line is not refused:\n%s", p, b)
		}
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	r := Remote{Crypto: Crypto{Suite: AES128SHA80, Ours: "SECRET", Theirs: "SECRET"}}
	if got := fmt.Sprintf("%v %+v %#v", r, r, r); strings.Contains(got, "SECRET") {
		t.Errorf("got %s", got)
	}
}

func FuzzCrypto(f *testing.F) {
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^20|1:4 WSH=64")
	f.Add("1 AEAD_AES_256_GCM inline:" + key44)
	f.Fuzz(func(t *testing.T, line string) {
		l, ok := readCrypto(line)
		if ok && (len(l.key) != suiteSize(l.suite) || len(l.mki) > maxMKI || l.tag < 0) {
			t.Errorf("got %d bytes of key for %s", len(l.key), l.suite)
		}
	})
}
