package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagsOverrideEnvironmentOverridesFileOverridesDefaults(t *testing.T) {
	file := write(t, "realm: file\nlog_level: warn\nmax_calls: 7\n")
	c, err := Load(Source{
		File: file, Env: env("HOTLINE_REALM", "env", "HOTLINE_LOG_LEVEL", "error", "HOTLINE_METRICS", ""),
		Flags: map[string]string{"realm": "flag"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Realm != "flag" || c.LogLevel.String() != "ERROR" || c.MaxCalls != 7 || c.LogFormat != "text" {
		t.Errorf("got %s %s %d %s, want flag ERROR 7 text", c.Realm, c.LogLevel, c.MaxCalls, c.LogFormat)
	}
}

func TestDataOfAFileIsRelativeToTheFile(t *testing.T) {
	file := write(t, "data: d\n")
	c, err := Load(Source{File: file})
	if want := filepath.Join(filepath.Dir(file), "d"); err != nil || c.Data != want {
		t.Errorf("got %s, %v, want %s", c.Data, err, want)
	}
	c, err = Load(Source{File: file, Env: env("HOTLINE_DATA", "here")})
	if err != nil || c.Data != "here" {
		t.Errorf("got %s, %v, want here", c.Data, err)
	}
}

func TestTheFileMayBeNamedByTheEnvironmentAndMustExistThen(t *testing.T) {
	file := write(t, "realm: r\n")
	if c, err := Load(Source{Env: env("HOTLINE_CONFIG", file)}); err != nil || c.Realm != "r" || c.File != file {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := Load(Source{Env: env("HOTLINE_CONFIG", file+".gone")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want not exist", err)
	}
	t.Chdir(t.TempDir())
	if c, err := Load(Source{}); err != nil || c.File != "" {
		t.Errorf("without a file: got %q, %v", c.File, err)
	}
}

func TestWrongValuesOfAProcessAreShownAtTheirPlace(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"log_levl: info\n", `f:1:1: unknown key "log_levl"; try: log_level`},
		{"log_level: loud\n", `f:1:12: log_level: "loud" is not a level; try: debug, info, warn or error`},
		{"sip: udp:5060\n", `f:1:6: sip: "udp:5060" is not an address like udp://127.0.0.1:5060, tcp://127.0.0.1:5060 or tls://127.0.0.1:5061; try: [udp://0.0.0.0:5060, tcp://0.0.0.0:5060]`},
		{"sip: [tls://127.0.0.1:5061]\n", `f: sip: a tls:// address needs a certificate and its key; try: tls_cert and tls_key`},
		{"tls_key: k.pem\n", `f: tls_cert: a certificate and its key go together; try: both tls_cert and tls_key`},
		{"tls_clients: required\n", `f: tls_clients: required, but no authority says whose certificates are good; try: tls_client_ca`},
		{"tls_clients: yes\n", `f:1:14: tls_clients: "yes" is neither optional nor required; try: optional or required`},
		{"advertise: 'stun:'\n", `f:1:12: advertise: "stun:" is not a server like stun:stun.example.net:3478; try: 203.0.113.7, stun:stun.example.net or auto`},
		{"ban_after: -1\n", `f:1:12: ban_after: "-1" is not a number from 0 to 1000; try: 5, or 0 for never`},
		{"sip: [udp://example.org:5060]\n", `f:1:1: sip: "example.org" is not an IP address; try: [udp://0.0.0.0:5060, tcp://0.0.0.0:5060]`},
		{"rtp: 127.0.0.1:10000\n", `f:1:6: rtp: "10000" is not two ports like 10000-19999; try: 0.0.0.0:10000-19999`},
		{"rtp: 127.0.0.1:19999-10000\n", `f:1:6: rtp: ports 19999-10000: from 1024 on, and at least two; try: 0.0.0.0:10000-19999`},
		{"rtp: 127.0.0.1:10-70000\n", `f:1:6: rtp: "10-70000" is not two ports like 10000-19999; try: 0.0.0.0:10000-19999`},
		{"session_expires: 10s\n", `f:1:18: session_expires: 10s is not between 1m30s and 24h0m0s; try: 30m`},
		{"grace: 5\n", `f:1:8: grace: "5" is not a length of time; try: 5s`},
		{"advertise: sip:1.2.3.4\n", `f:1:12: advertise: "sip:1.2.3.4" is not an IP address or host name (without scheme and port); try: 203.0.113.7, stun:stun.example.net or auto`},
		{"realm: 'a \"b'\n", `f:1:8: realm: "a \"b" is not a realm: 1 to 64 letters, digits, dots and dashes; try: hotline`},
		{"data: {a: b}\n", `f:1:1: data: must be a value, is a map; try: /var/lib/hotline`},
		{"data: ''\n", `f:1:7: data: is empty; try: /var/lib/hotline`},
		{"max_calls: 0\n", `f:1:12: max_calls: "0" is not a number from 1 to 100000; try: 2000`},
		{"shards: 65\n", `f:1:9: shards: "65" is neither auto nor a number from 1 to 64; try: auto, or 1 to 64`},
		{"realm: a\nrealm: b\n", `f:2:1: realm: is here twice, first in line 1; try: one of the two`},
	} {
		if _, err := ParseProcess("f", []byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%q:\ngot  %v\nwant %s", c.text, err, c.want)
		}
	}
}

func TestTLSAndTheAddressOutsideAreSetByTheFile(t *testing.T) {
	c, err := ParseProcess("/etc/hotline/hotline.yaml", []byte("sip: [udp://0.0.0.0:5060, tls://0.0.0.0:5061]\ntls_cert: a.pem\ntls_key: /k.pem\n"+
		"advertise: [stun:stun.example.net, stun:192.0.2.1:3479]\nban_after: 0\nkeep_alive: 0s\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.SIP[1] != (Listen{"tls", "0.0.0.0:5061"}) || c.TLSCert != "/etc/hotline/a.pem" || c.TLSKey != "/k.pem" {
		t.Errorf("got %v %q %q", c.SIP, c.TLSCert, c.TLSKey)
	}
	if !reflect.DeepEqual(c.STUN, []string{"stun.example.net", "192.0.2.1:3479"}) || c.Advertise != "" {
		t.Errorf("STUN %q, advertise %q", c.STUN, c.Advertise)
	}
	if c.BanAfter != -1 || c.KeepAlive != 0 {
		t.Errorf("ban after %d, keep alive %s, want -1 and 0", c.BanAfter, c.KeepAlive)
	}
	if c, err := ParseProcess("f", []byte("advertise: auto\n")); err != nil || c.Advertise != "" || c.STUN != nil {
		t.Errorf("auto: got %q %q %v", c.Advertise, c.STUN, err)
	}
}

func TestWrongFlagsAndVariablesNameTheirSource(t *testing.T) {
	_, err := Load(Source{File: write(t, ""), Env: env("HOTLINE_GRACE", "x"), Flags: map[string]string{"log_level": "y"}})
	want := "--log-level: \"y\" is not a level; try: debug, info, warn or error\nHOTLINE_GRACE: \"x\" is not a length of time; try: 5s"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestTheSampleIsTheDefaultsInBothLanguages(t *testing.T) {
	want := Defaults()
	for _, lang := range []string{"en", "zh", "fr"} {
		text := SampleProcess(lang)
		got, err := ParseProcess("f", text)
		want.File = "f"
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", lang, got, err, want)
		}
		for _, k := range Keys {
			if !strings.Contains(string(text), "\n"+k.Name+": ") && !strings.Contains(string(text), "\n#"+k.Name+": ") {
				t.Errorf("%s: no key %s", lang, k.Name)
			}
		}
	}
}

func TestEachKeyIsDocumentedInBothLanguages(t *testing.T) {
	for _, k := range Keys {
		for _, lang := range []string{"en", "zh"} {
			if k.Doc[lang] == "" {
				t.Errorf("%s has no doc in %s", k.Name, lang)
			}
			for line := range strings.Lines(k.Doc[lang]) {
				if len([]rune(line)) > 77 {
					t.Errorf("%s: line of %d letters: %s", k.Name, len([]rune(line)), line)
				}
			}
		}
	}
}

func TestSuggestFindsSwappedAndMissingLetters(t *testing.T) {
	known := []string{"night", "main", "overflow"}
	for word, want := range map[string]string{
		"nigth": "night", "Main": "main", "overfow": "overflow", "zzz": "one of main, night, overflow",
		strings.Repeat("x", 200): "one of main, night, overflow",
	} {
		if got := Suggest(word, known); got != want {
			t.Errorf("%s: got %s, want %s", word, got, want)
		}
	}
	if got := Suggest("x", nil); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
}
