package e2e_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hotline/internal/phone"
)

// linphone is a running linphonec, steered by its standard input.
type linphone struct {
	*process
	t    *testing.T
	dir  string
	seen int // how much of its output wait has gone past
}

// linphoneCmd is how a phone is set up.
type linphoneCmd struct {
	user, secret string
	transport    string     // default tcp
	codec        string     // default PCMA
	info         bool       // keys by INFO instead of RFC 4733
	manual       bool       // it does not answer by itself
	says         int        // Hz
	secured      bool       // SRTP with keys in the description, and nothing else
	suite        string     // the only one that it takes then; "" all that it has
	trusts       *authority // over TLS: who signs our certificate
	cert, key    string     // over TLS: its own, shown if asked for
}

// linphone starts a phone and waits until h knows it.
func (h *hotline) linphone(c linphoneCmd) *linphone {
	h.t.Helper()
	l := h.startLinphone(c)
	h.hasPhone(c.user)
	return l
}

// startLinphone starts a phone. It plays and records files, as there is no sound
// card.
func (h *hotline) startLinphone(c linphoneCmd) *linphone {
	t := h.t
	t.Helper()
	need(t, "linphonec", "stdbuf")
	if c.transport == "" {
		c.transport = "tcp"
	}
	if c.codec == "" {
		c.codec = "PCMA"
	}
	l := &linphone{t: t, dir: t.TempDir()}
	writeTone(t, filepath.Join(l.dir, "says.wav"), c.says)
	text, err := os.ReadFile(repo("testdata/phones/linphone/rc"))
	if err != nil {
		t.Fatal(err)
	}
	// A codec that is not named is switched on.
	other := map[string]string{"PCMA": "PCMU", "PCMU": "PCMA"}[c.codec]
	info, events := 0, 1
	if c.info {
		info, events = 1, 0
	}
	if c.secured {
		text = []byte(strings.Replace(string(text), "[net]", "media_encryption=srtp\nmedia_encryption_mandatory=1\n[net]", 1))
		if c.suite != "" {
			text = []byte(strings.Replace(string(text), "[net]", "srtp_crypto_suites="+c.suite+"\n[net]", 1))
		}
	}
	server := h.addr()
	if c.transport == "tls" { // its library does not find addresses in certificates
		server = fmt.Sprintf("localhost:%d", h.tls)
		text = []byte(strings.Replace(string(text), "[net]", fmt.Sprintf("root_ca=%s\nverify_server_certs=1\nverify_server_cn=1\n"+
			"client_cert_chain=%s\nclient_cert_key=%s\n[net]", c.trusts.ca(), c.cert, c.key), 1))
	}
	rtp := freeRange(t, 20)
	rc := strings.NewReplacer("@SIP@", fmt.Sprint(freePort(t)), "@RTP@", fmt.Sprintf("%d-%d", rtp, rtp+18),
		"@SERVER@", server, "@TRANSPORT@", c.transport, "@CODEC@", c.codec, "@OTHER@", other, "@USER@", c.user,
		"@SECRET@", c.secret, "@INFO@", fmt.Sprint(info), "@EVENTS@", fmt.Sprint(events)).Replace(string(text))
	if err := os.WriteFile(filepath.Join(l.dir, "rc"), []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(l.dir, ".local/share/linphone"), 0o700); err != nil {
		t.Fatal(err)
	}
	args := []string{"-o0", "linphonec", "-S", "-c", filepath.Join(l.dir, "rc")}
	if !c.manual {
		args = append(args, "-a")
	}
	l.process = run(t, "linphonec "+c.user, []string{"HOME=" + l.dir}, "stdbuf", args...)
	l.do("soundcard use files")
	l.do("play " + filepath.Join(l.dir, "says.wav"))
	l.do("record " + filepath.Join(l.dir, "heard.wav"))
	return l
}

// do types a line.
func (l *linphone) do(command string) {
	l.t.Helper()
	if _, err := fmt.Fprintln(l.in, command); err != nil {
		l.t.Fatalf("linphonec: %s: %v", command, err)
	}
}

// says waits until it prints something after what was waited for before.
func (l *linphone) says(pattern string) {
	l.t.Helper()
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if at := re.FindStringIndex(l.output()[l.seen:]); at != nil {
			l.seen += at[1]
			return
		}
	}
	l.t.Fatalf("linphonec does not say %q", pattern)
}

// heard is what the phone heard so far, 8 kHz as its codec.
func (l *linphone) heard() phone.Recording {
	l.t.Helper()
	b, err := os.ReadFile(filepath.Join(l.dir, "heard.wav"))
	if err != nil || len(b) < 44 {
		return phone.Recording{}
	}
	// The head, 44 bytes, is written when the call is over.
	var r phone.Recording
	for i := 44; i+1 < len(b); i += 2 {
		r.Samples = append(r.Samples, int16(binary.LittleEndian.Uint16(b[i:])))
	}
	return r
}
