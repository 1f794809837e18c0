package sip

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A phone that nobody here wrote: it registers, is called and
// transfers the call, over each transport.

const baresipConfig = `sip_listen 127.0.0.1:0
%s
audio_player aubridge,heard
audio_source aubridge,heard
audio_alert aubridge,heard
net_interface 127.0.0.1
module_path %s
module g711.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen %s
`

// free is an address of the loopback that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// baresip runs the phone bob until the end of the test and gives its control.
func baresip(t *testing.T, server, transport, extra string) net.Conn {
	t.Helper()
	modules := "/usr/lib/baresip/modules"
	if found, _ := filepath.Glob("/usr/lib/*/baresip/modules"); len(found) > 0 {
		modules = found[0]
	}
	if _, err := exec.LookPath("baresip"); err != nil {
		t.Skip("baresip is not installed")
	}
	dir, at := t.TempDir(), free(t)
	account := fmt.Sprintf("<sip:bob@hotline>;auth_user=bob;auth_pass=secret;outbound=\"sip:%s;transport=%s\";regint=600;answermode=auto;audio_codecs=PCMU\n", server, transport)
	for name, text := range map[string]string{"config": fmt.Sprintf(baresipConfig, extra, modules, at), "accounts": account, "contacts": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("baresip", "-4", "-f", dir)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("baresip says:\n%s", text[:min(len(text), 2000)])
		}
	})
	for range 100 {
		if c, err := net.Dial("tcp", at); err == nil {
			t.Cleanup(func() { c.Close() })
			return c
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("baresip does not start")
	return nil
}

func TestABaresipPhoneTransfersACall(t *testing.T) {
	if testing.Short() {
		t.Skip("a real phone takes real time")
	}
	for _, tp := range []string{"udp", "tcp", "tls"} {
		t.Run(tp, func(t *testing.T) {
			a := newAuthority(t)
			cert, key := a.issue("us", after, "127.0.0.1")
			var secure net.Listener
			e, addr := real(t, func(c *Config) {
				accounts(c)
				c.Realm = "test"
				ln, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				c.Secure, secure, c.TLS = []net.Listener{ln}, ln, TLS{Cert: cert, Key: key}
			})
			if tp == "tls" {
				addr = secure.Addr().String()
			}
			control := baresip(t, addr, tp, "sip_cafile "+a.ca())
			if !within(10*time.Second, func() bool { return len(e.Contacts("bob")) > 0 }) {
				t.Fatal("no registration of the phone's")
			}
			if b := e.Bindings()[0]; b.Transport != tp {
				t.Errorf("registered over %s", b.Transport)
			}
			l := newLeg("us")
			l.Dialog = e.Dial(Invite{Targets: e.Contacts("bob")[:1], From: Address{User: "4000"}, AutoAnswer: true, Inbox: l,
				Media: said("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")})
			wait := func(what string, fits func(Event) bool) {
				t.Helper()
				for end := time.After(10 * time.Second); ; {
					select {
					case ev := <-l.box:
						if fits(ev) {
							return
						}
					case <-end:
						t.Fatalf("no %s", what)
					}
				}
			}
			wait("answer", func(ev Event) bool { _, ok := ev.(Answered); return ok })
			order, _ := json.Marshal(map[string]string{"command": "transfer", "params": "sip:carol@" + addr, "token": "t"})
			fmt.Fprintf(control, "%d:%s,", len(order), order)
			wait("transfer", func(ev Event) bool {
				ref, ok := ev.(Referred)
				if ok {
					if ref.Target.User != "carol" {
						t.Errorf("transferred to %+v", ref.Target)
					}
					ref.Accept()
					ref.Progress(180, "")
					ref.Progress(200, "")
				}
				return ok
			})
			wait("end of the phone's call", func(ev Event) bool { end, ok := ev.(Ended); return ok && end.ByPeer })
			if n := e.Stats().Panics.Load(); n != 0 {
				t.Errorf("%d panics", n)
			}
		})
	}
}

// within says whether something becomes true in time.
func within(limit time.Duration, ok func() bool) bool {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return false
}

// said is a Media that always says the same.
type said string

func (s said) Offer() ([]byte, error)        { return []byte(s), nil }
func (s said) Answer([]byte) ([]byte, error) { return []byte(s), nil }
func (s said) Accept([]byte) error           { return nil }
