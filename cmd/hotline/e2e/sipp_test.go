package e2e_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/media"
)

// sipp is a running sipp with a scenario of testdata/sipp.
type sipp struct {
	*process
	t    *testing.T
	dir  string // of its logs
	ip   string
	port int
	ear  *ear
	cmds net.Listener // where scenarios with sendCmd and recvCmd connect
	conn net.Conn
	call string // Call-ID, once told
}

var sippIPs atomic.Uint32

// outsideIP is a loopback address of its own, of the trunk "world".
func outsideIP() string {
	n := sippIPs.Add(1)
	return fmt.Sprintf("127.77.%d.%d", os.Getpid()%250, 1+n%250)
}

// sippCmd is how a scenario is run.
type sippCmd struct {
	scenario string   // file in testdata/sipp without .xml
	ip       string   // local address; empty: one of its own
	port     int      // local; 0: a free one
	service  string   // number that is called
	remote   string   // host:port; empty for a scenario that is called
	codec    int      // payload type that is offered, where the scenario says [codec]
	tone     int      // Hz that is said, where the scenario says [tone]
	steered  bool     // it is told when to go on
	hears    bool     // what is sent to it is recorded
	vars     []string // pairs of old and new in the scenario's text
	args     []string
}

// run starts it. For tones and for hearing the test has to be root.
func (c sippCmd) run(t *testing.T) *sipp {
	t.Helper()
	need(t, "sipp")
	if (c.tone != 0 || c.hears) && os.Getuid() != 0 {
		t.Skip("sipp sends recorded audio, and we listen to it, by raw sockets, which needs root: nothing is proven here")
	}
	s := &sipp{t: t, dir: t.TempDir(), ip: c.ip, port: c.port}
	if s.ip == "" {
		s.ip = outsideIP()
	}
	if s.port == 0 {
		s.port = freePort(t)
	}
	path, err := filepath.Abs(repo("testdata/sipp/" + c.scenario + ".xml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := s.dir
	xml, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// sipp has no variables in attributes of its actions and in first lines.
	vars := append([]string{"[tone]", filepath.Join(dir, "tone.pcap"), "[codec]", fmt.Sprint(c.codec)}, c.vars...)
	text := strings.NewReplacer(vars...).Replace(string(xml))
	path = filepath.Join(dir, c.scenario+".xml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if c.tone != 0 {
		writePcap(t, filepath.Join(dir, "tone.pcap"), byte(c.codec), c.tone, 30*time.Second)
	}
	media := freeRange(t, 4) // it takes the next even one too
	args := []string{"-sf", path, "-i", s.ip, "-mi", s.ip, "-p", fmt.Sprint(s.port), "-mp", fmt.Sprint(media),
		"-bind_local", "-nostdin", "-trace_err", "-error_file", filepath.Join(dir, "errors"),
		"-trace_msg", "-message_file", filepath.Join(dir, "messages"),
		"-timeout", "55", "-timeout_error", "-recv_timeout", "40000"}
	if c.service != "" {
		args = append(args, "-s", c.service)
	}
	if c.steered {
		if s.cmds, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.cmds.Close() })
		args = append(args, "-3pcc", s.cmds.Addr().String())
	}
	if c.hears {
		s.ear = listen(t, s.ip, media)
	}
	args = append(args, c.args...)
	if c.remote != "" {
		args = append(args, c.remote)
	}
	t.Cleanup(func() {
		if t.Failed() {
			e, _ := os.ReadFile(filepath.Join(dir, "errors"))
			t.Logf("errors of sipp %s:\n%s\nits messages:\n%s", c.scenario, tail(string(e), 3000), tail(s.messages(), 12000))
		}
	})
	s.process = run(t, "sipp "+c.scenario, []string{"TERM=dumb"}, "sipp", args...)
	return s
}

// answered waits until a steered scenario says so; the Call-ID is kept.
func (s *sipp) answered() {
	s.t.Helper()
	_ = s.cmds.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
	var err error
	if s.conn, err = s.cmds.Accept(); err != nil {
		s.t.Fatalf("sipp does not connect: %v", err)
	}
	s.t.Cleanup(func() { _ = s.conn.Close() })
	_ = s.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	said, err := bufio.NewReader(s.conn).ReadString(27) // escape ends a command
	if err != nil {
		s.t.Fatalf("sipp was not answered: %v", err)
	}
	for line := range strings.Lines(said) {
		if id, ok := strings.CutPrefix(line, "Call-ID:"); ok {
			s.call = strings.TrimSpace(id)
		}
	}
}

// next tells a steered scenario to go on.
func (s *sipp) next() {
	s.t.Helper()
	if _, err := fmt.Fprintf(s.conn, "Call-ID: %s\r\nSay: next\r\n\r\n\x1b", s.call); err != nil {
		s.t.Fatal(err)
	}
}

// passes fails unless all of a scenario's calls went as written.
func (s *sipp) passes(d time.Duration) {
	s.t.Helper()
	if code := s.wait(s.t, d); code != 0 {
		s.t.Errorf("sipp ended with %d, want 0", code)
	}
}

// messages is all it has sent and received.
func (s *sipp) messages() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "messages"))
	return strings.ReplaceAll(string(b), "\r", "")
}

// tone is a sine at an eighth of full scale.
func tone(hz int, d time.Duration) []int16 {
	out := make([]int16, int(d.Seconds()*8000))
	for i := range out {
		out[i] = int16(4096 * math.Sin(2*math.Pi*float64(hz)*float64(i)/8000))
	}
	return out
}

// writePcap writes RTP of a tone as sipp plays it: Ethernet, IPv4 and UDP heads
// are replaced by its own.
func writePcap(t *testing.T, path string, payload byte, hz int, d time.Duration) {
	t.Helper()
	le, be := binary.LittleEndian, binary.BigEndian
	out := le.AppendUint32(nil, 0xa1b2c3d4)
	out = le.AppendUint16(le.AppendUint16(out, 2), 4)
	for _, v := range []uint32{0, 0, 65535, 1} {
		out = le.AppendUint32(out, v)
	}
	pcm := tone(hz, d)
	for n := 0; (n+1)*160 <= len(pcm); n++ {
		p := make([]byte, 14, 14+20+8+12+160)
		p[12] = 8 // IPv4
		p = append(p, 0x45, 0, 0, 200, 0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1)
		p = append(p, 0x10, 0, 0x20, 0, 0, 180, 0, 0)
		p = append(p, 0x80, payload)
		p = be.AppendUint16(p, uint16(n))
		p = be.AppendUint32(p, uint32(n*160))
		p = be.AppendUint32(p, 0x51bb0000)
		for _, s := range pcm[n*160 : n*160+160] {
			if payload == 8 {
				p = append(p, media.EncodeAlaw(s))
			} else {
				p = append(p, media.EncodeUlaw(s))
			}
		}
		out = le.AppendUint32(out, uint32(n/50))
		out = le.AppendUint32(out, uint32(n%50*20000))
		out = le.AppendUint32(le.AppendUint32(out, uint32(len(p))), uint32(len(p)))
		out = append(out, p...)
	}
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

// ear records the audio that is sent to a port, which is somebody else's.
type ear struct {
	mu    sync.Mutex // guards all below
	began time.Time
	pcm   []int16
	last  uint16 // sequence number
	count int
}

// listen opens a raw socket, which gets a copy of all UDP to an address.
func listen(t *testing.T, ip string, port int) *ear {
	t.Helper()
	c, err := net.ListenPacket("ip4:udp", ip)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	e := &ear{began: time.Now()}
	go func() { // ends with the socket
		b := make([]byte, 2048)
		for {
			n, _, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if n > 20 && int(binary.BigEndian.Uint16(b[2:])) == port {
				e.put(b[8:n])
			}
		}
	}()
	return e
}

// put takes an RTP packet; it is placed where it arrived.
func (e *ear) put(p []byte) {
	seq, payload := binary.BigEndian.Uint16(p[2:]), p[1]&0x7f
	e.mu.Lock()
	defer e.mu.Unlock()
	if payload != 0 && payload != 8 || e.count > 0 && seq == e.last {
		return
	}
	e.last = seq
	e.count++
	if now := int(time.Since(e.began) * 8000 / time.Second); now > len(e.pcm)+1600 {
		e.pcm = append(e.pcm, make([]int16, now-len(e.pcm)-160)...)
	}
	for _, b := range p[12:] {
		if payload == 8 {
			e.pcm = append(e.pcm, media.DecodeAlaw(b))
		} else {
			e.pcm = append(e.pcm, media.DecodeUlaw(b))
		}
	}
}

// heard is all that was heard until now.
func (e *ear) heard() phone.Recording {
	e.mu.Lock()
	defer e.mu.Unlock()
	return phone.Recording{Start: e.began, Samples: append([]int16(nil), e.pcm...)}
}
