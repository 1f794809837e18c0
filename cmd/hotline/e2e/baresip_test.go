package e2e_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/media"
)

// baresip is a running baresip, steered by netstrings of JSON over TCP.
type baresip struct {
	*process
	t    *testing.T
	dir  string
	conn net.Conn

	mu      sync.Mutex // guards both
	events  []baresipEvent
	replies chan baresipReply
}

type baresipEvent struct {
	Event bool   `json:"event"`
	Type  string `json:"type"` // CALL_ESTABLISHED, REGISTER_OK, ...
	Param string `json:"param"`
}

type baresipReply struct {
	OK   bool   `json:"ok"`
	Data string `json:"data"`
}

// baresipCmd is how a phone is set up.
type baresipCmd struct {
	user, secret string
	transport    string // default udp
	codec        string // default PCMU
	answer       string // auto (default) or manual
	says         int    // Hz
	expires      int    // s; default 600
	secured      bool   // SRTP with keys in the description, and nothing else
	config       string // further lines of its configuration
	account      string // further parameters of its account, each after a semicolon
	port         int    // of SIP; default: a free one
	away         bool   // it does not register: user is the number of somebody outside
	lamp         bool   // it watches its user's messages
}

const baresipModules = "/usr/lib/baresip/modules"

// baresip starts a phone that registers at h.
func (h *hotline) baresip(c baresipCmd) *baresip {
	t := h.t
	t.Helper()
	need(t, "baresip")
	if c.transport == "" {
		c.transport = "udp"
	}
	if c.codec == "" {
		c.codec = "PCMU"
	}
	if c.answer == "" {
		c.answer = "auto"
	}
	if c.expires == 0 {
		c.expires = 600
	}
	if c.secured {
		c.account += ";mediaenc=srtp-mand"
	}
	if c.away {
		c.account += ";regint=0"
	} else {
		c.account += fmt.Sprintf(";regint=%d", c.expires)
	}
	if c.port == 0 {
		c.port = freePort(t)
	}
	if c.lamp {
		c.config += "\nmodule_app mwi.so"
	}
	server := h.addr()
	if c.transport == "tls" {
		server = fmt.Sprintf("127.0.0.1:%d", h.tls)
	}
	b := &baresip{t: t, dir: t.TempDir(), replies: make(chan baresipReply, 8)}
	writeTone(t, filepath.Join(b.dir, "says.wav"), c.says)
	b.fill("config", "@DIR@", b.dir, "@MODULES@", modules(), "@SIP@", fmt.Sprint(c.port),
		"@CONTROL@", fmt.Sprint(freePort(t)), "@RTP@", b.rtp(), "@MORE@", c.config)
	account := b.fill("accounts", "@USER@", c.user, "@SECRET@", c.secret, "@SERVER@", server, "@TRANSPORT@", c.transport,
		"@CODEC@", c.codec, "@ANSWER@", c.answer+c.account)
	if c.lamp { // its mwi module never ends to subscribe if it registers within a millisecond of its start
		b.write("accounts", "")
	}
	b.write("contacts", "")
	// It waits for its un-REGISTER to be answered when it is asked to end; it is killed instead.
	b.process = run(t, "baresip "+c.user, nil, "baresip", "-4", "-f", b.dir)
	b.connect()
	if c.lamp {
		b.do("uanew " + strings.TrimSpace(account))
	}
	return b
}

// outside starts the phone of somebody outside, who calls and is called over the
// trunk of its address.
func (h *hotline) outside(number string, port, says int, account string) *baresip {
	h.t.Helper()
	return h.baresip(baresipCmd{user: number, secret: "none", port: port, says: says, away: true, account: account})
}

// registered starts a phone and waits until h knows it.
func (h *hotline) registered(c baresipCmd) *baresip {
	h.t.Helper()
	b := h.baresip(c)
	h.hasPhone(c.user)
	return b
}

func (h *hotline) hasPhone(agent string) {
	h.t.Helper()
	h.within(15*time.Second, "registration of "+agent, func() error {
		if a := h.agent(agent); a.Phone == "" {
			return fmt.Errorf("got %+v", a)
		}
		return nil
	})
}

func modules() string {
	if found, _ := filepath.Glob("/usr/lib/*/baresip/modules"); len(found) > 0 {
		return found[0]
	}
	return baresipModules
}

func (b *baresip) rtp() string {
	from := freeRange(b.t, 20)
	return fmt.Sprintf("%d-%d", from, from+18)
}

// fill writes one of its files from testdata/phones, and gives it.
func (b *baresip) fill(name string, pairs ...string) string {
	b.t.Helper()
	text, err := os.ReadFile(repo("testdata/phones/baresip/" + name))
	if err != nil {
		b.t.Fatal(err)
	}
	out := strings.NewReplacer(pairs...).Replace(string(text))
	if name == "config" {
		for line := range strings.Lines(out) {
			if at, ok := strings.CutPrefix(line, "ctrl_tcp_listen"); ok {
				b.write("control", strings.TrimSpace(at))
			}
		}
	}
	b.write(name, out)
	return out
}

func (b *baresip) write(name, text string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// writeTone writes 120 s of a tone as phones play it: 8 kHz, 16 bit.
func writeTone(t *testing.T, path string, hz int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := media.WriteWAV(f, tone(hz, 2*time.Minute), 8000, 1); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// connect opens the control connection and reads from it until it is closed.
func (b *baresip) connect() {
	b.t.Helper()
	at, err := os.ReadFile(filepath.Join(b.dir, "control"))
	if err != nil {
		b.t.Fatal(err)
	}
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if b.conn, err = net.Dial("tcp", string(at)); err == nil {
			break
		}
		if time.Now().After(end) || b.over() {
			b.t.Fatalf("baresip can't be steered: %v", err)
		}
	}
	b.t.Cleanup(func() { _ = b.conn.Close() })
	go b.read(bufio.NewReader(b.conn)) // ends with the connection
}

// read takes netstrings: "12:{...},".
func (b *baresip) read(r *bufio.Reader) {
	for {
		n, err := r.ReadString(':')
		if err != nil {
			return
		}
		size, err := strconv.Atoi(strings.TrimSuffix(n, ":"))
		if err != nil || size > 1<<20 {
			return
		}
		frame := make([]byte, size+1)
		if _, err := io.ReadFull(r, frame); err != nil {
			return
		}
		var e baresipEvent
		var reply baresipReply
		if json.Unmarshal(frame[:size], &e) == nil && e.Event {
			b.mu.Lock()
			b.events = append(b.events, e)
			b.mu.Unlock()
		} else if json.Unmarshal(frame[:size], &reply) == nil {
			select {
			case b.replies <- reply:
			default:
			}
		}
	}
}

// do gives a command: "dial 4000", "hold", "hangup".
func (b *baresip) do(command string) {
	b.t.Helper()
	name, params, _ := strings.Cut(command, " ")
	m, err := json.Marshal(map[string]string{"command": name, "params": params, "token": "t"})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(b.conn, "%d:%s,", len(m), m); err != nil {
		b.t.Fatalf("baresip: %s: %v", command, err)
	}
	select {
	case r := <-b.replies:
		if !r.OK {
			b.t.Fatalf("baresip: %s: %s", command, r.Data)
		}
	case <-time.After(10 * time.Second):
		b.t.Fatalf("baresip: %s: no reply", command)
	}
}

// press presses keys for a moment each (RFC 4733).
func (b *baresip) press(keys string) {
	b.t.Helper()
	for _, k := range keys {
		b.do("sndcode " + string(k))
		time.Sleep(120 * time.Millisecond)
		b.do("sndcode \x04")
		time.Sleep(120 * time.Millisecond)
	}
}

// sees waits for the n-th event of a type.
func (b *baresip) sees(event string, n int) baresipEvent {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all := b.of(event); len(all) >= n {
			return all[n-1]
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("baresip has not seen %d times %s, only %+v", n, event, b.events)
	return baresipEvent{}
}

// of are its events of a type until now.
func (b *baresip) of(event string) []baresipEvent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.events), func(e baresipEvent) bool { return e.Type != event })
}

// heard is what the phone heard in its last call so far, from its own dump.
func (b *baresip) heard() phone.Recording {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(b.dir, "*-dec.wav"))
	if err != nil || len(found) == 0 {
		return phone.Recording{} // no call yet
	}
	slices.Sort(found)
	return readWAV(b.t, found[len(found)-1])[0]
}
