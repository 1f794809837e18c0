package media

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/simnet"
)

// Driver is an engine as its user sees it, in this process or in another one.
type Driver interface {
	Open(LegID) (Local, error)
	AddClip(ClipID, []byte)
	Do(Command)
	Run(context.Context)
	Stats() *Stats
}

// ThroughChild makes a Driver of an engine in another process. It is set by
// package media_test, which may import media/remote.
var ThroughChild func(t *testing.T, events func(Event)) Driver

// rig is an engine with its network and everything it told.
type rig struct {
	t      *testing.T
	e      Driver
	child  bool            // it is in another process
	net    *simnet.Network // nil on real sockets
	mu     sync.Mutex      // guards events
	events []Event
	cancel context.CancelFunc
	done   chan struct{}
	ended  bool
	hosts  int
	wg     sync.WaitGroup // peers that talk
}

// simulated runs a test in a bubble on a simulated network.
func simulated(t *testing.T, f func(r *rig)) { simulatedOn(t, simnet.Options{}, Config{}, f) }

func simulatedOn(t *testing.T, o simnet.Options, cfg Config, f func(r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(o)
		cfg.Listen = func(a netip.AddrPort) (net.PacketConn, error) { return n.ListenPacket(a.String()) }
		if !cfg.Addr.IsValid() {
			cfg.Addr = netip.MustParseAddr("10.0.0.1")
		}
		r := newRig(t, cfg)
		r.net = n
		defer r.stop()
		f(r)
	})
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, done: make(chan struct{})}
	cfg.Events = r.take
	if n, err := strconv.Atoi(os.Getenv("MEDIA_SHARDS")); err == nil && cfg.Shards == 0 {
		cfg.Shards = n // the whole suite holds for any number
	}
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.run(e)
	return r
}

// newChildRig is newRig on real sockets with the engine in another process.
func newChildRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, done: make(chan struct{}), child: true}
	r.run(ThroughChild(t, r.take))
	return r
}

func (r *rig) take(ev Event) {
	r.mu.Lock()
	r.events = append(r.events, ev)
	r.mu.Unlock()
}

func (r *rig) run(e Driver) {
	r.e = e
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() { defer close(r.done); e.Run(ctx) }() // ends by stop
}

// everywhere runs a test on the simulated network and on real sockets: with each
// packet io that this system has, and with the engine in another process.
func everywhere(t *testing.T, f func(r *rig)) {
	t.Run("simulated", func(t *testing.T) { simulated(t, f) })
	t.Run("simulated, two shards", func(t *testing.T) { simulatedOn(t, simnet.Options{}, Config{Shards: 2}, f) })
	real := func(portable bool, shards int) func(*testing.T) {
		return func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Config{PortMin: 20000, PortMax: 29998, Portable: portable, Shards: shards})
			defer r.stop()
			f(r)
		}
	}
	t.Run("real sockets, portable", real(true, 0))
	t.Run("real sockets", real(false, 0))
	t.Run("real sockets, portable, two shards", real(true, 2))
	t.Run("real sockets, two shards", real(false, 2))
	t.Run("real sockets, another process", func(t *testing.T) {
		t.Parallel()
		r := newChildRig(t)
		defer r.stop()
		f(r)
	})
}

// settle waits until all that was sent has arrived.
func (r *rig) settle() {
	time.Sleep(50 * time.Millisecond)
	if r.net == nil {
		time.Sleep(450 * time.Millisecond) // the machine may be busy with other things
	}
}

func (r *rig) stop() {
	if r.ended {
		return
	}
	r.ended = true
	r.wg.Wait()
	r.cancel()
	<-r.done
}

// told gives the events so far that are of type E.
func told[E Event](r *rig) []E {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []E
	for _, ev := range r.events {
		if e, ok := ev.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// keys gives the digits of a leg as text.
func (r *rig) keys(id LegID) string {
	var s []rune
	for _, d := range told[Digit](r) {
		if d.Leg == id {
			s = append(s, d.Rune)
		}
	}
	return string(s)
}

// packet is an RTP packet as a peer saw it.
type packet struct {
	header
	payload []byte
	at      time.Time
}

// peer is a far end: one address that sends and takes down RTP.
type peer struct {
	r       *rig
	id      LegID
	conn    net.PacketConn
	addr    netip.AddrPort
	to      netip.AddrPort // the leg's socket
	codec   Codec
	ssrc    uint32
	seq     uint16
	ts      uint32
	mu      sync.Mutex // guards got and reports
	got     []packet
	reports [][]byte // RTCP that came to the RTP port
	quit    chan struct{}
}

// host opens an address of its own; it ends with the test's bubble or process.
func (r *rig) host() *peer {
	r.t.Helper()
	r.hosts++
	p := &peer{r: r, ssrc: 0x1000 + uint32(r.hosts), seq: uint16(65000 + 100*r.hosts), ts: uint32(r.hosts) * 0x3FFFFFF0, quit: make(chan struct{})}
	var err error
	if r.net != nil {
		p.conn, err = r.net.ListenPacket(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(r.hosts)}), 4000).String())
	} else {
		p.conn, err = net.ListenPacket("udp", "127.0.0.1:0")
	}
	if err != nil {
		r.t.Fatal(err)
	}
	p.addr = p.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	go p.read()
	r.t.Cleanup(func() { p.conn.Close() })
	return p
}

func (p *peer) read() {
	b := make([]byte, 2048)
	for {
		n, _, err := p.conn.ReadFrom(b)
		if err != nil {
			return
		}
		if isRTCP(b[:n]) {
			p.mu.Lock()
			p.reports = append(p.reports, slices.Clone(b[:n]))
			p.mu.Unlock()
			continue
		}
		h, payload, ok := parseRTP(slices.Clone(b[:n]))
		if !ok {
			p.r.t.Errorf("got a datagram that is no RTP: %x", b[:n])
			continue
		}
		p.mu.Lock()
		p.got = append(p.got, packet{h, payload, time.Now()})
		p.mu.Unlock()
	}
}

// leg opens a leg with a peer behind it, ready to talk.
func (r *rig) leg(id LegID, change ...func(*SetRemote)) *peer {
	r.t.Helper()
	p := r.host()
	p.id = id
	local, err := r.e.Open(id)
	if err != nil {
		r.t.Fatal(err)
	}
	p.to = local.Addr
	set := SetRemote{Leg: id, Addr: p.addr, EventType: 101, Send: true, Receive: true}
	for _, f := range change {
		f(&set)
	}
	p.codec = set.Codec
	r.e.Do(set)
	return p
}

func (p *peer) raw(b []byte) {
	addr := net.UDPAddrFromAddrPort(p.to)
	if _, err := p.conn.WriteTo(b, addr); err != nil {
		p.r.t.Error(err)
	}
}

// send sends one packet of audio and goes on by its length.
func (p *peer) send(payload []byte) {
	p.packet(uint8(p.codec), false, p.ts, payload)
	p.ts += uint32(len(payload))
}

func (p *peer) packet(pt uint8, marker bool, ts uint32, payload []byte) {
	b := make([]byte, rtpHeader, rtpHeader+len(payload))
	putRTP(b, header{pt: pt, marker: marker, seq: p.seq, ts: ts, ssrc: p.ssrc})
	p.seq++
	p.raw(append(b, payload...))
}

// talk sends sound for a time, in packets of 20 ms.
func (p *peer) talk(d time.Duration, sound func(i int) int16) { p.talkIn(d, 160, sound) }

func (p *peer) talkIn(d time.Duration, size int, sound func(i int) int16) {
	step := time.Duration(size) * time.Second / sampleRate
	pcm, b := make([]int16, size), make([]byte, size)
	next := time.Now()
	for i := 0; time.Duration(i)*step < d; i++ {
		for k := range pcm {
			pcm[k] = sound(i*size + k)
		}
		p.send(slices.Clone(p.codec.Encode(b, pcm)))
		next = next.Add(step)
		time.Sleep(time.Until(next))
	}
}

// press sends a key as phones do: packets of 20 ms and three ends.
func (p *peer) press(key rune, d time.Duration) {
	code, _ := keyCode(key)
	ts := p.ts
	n := int(d / frameTime)
	var b [4]byte
	for i := 1; i <= n; i++ {
		putKey(b[:], keyEvent{code: code, volume: 10, duration: uint16(160 * i)})
		p.packet(101, i == 1, ts, b[:])
		time.Sleep(frameTime)
	}
	for range 3 {
		putKey(b[:], keyEvent{code: code, volume: 10, end: true, duration: uint16(160 * n)})
		p.packet(101, false, ts, b[:])
	}
	p.ts += uint32(160 * n)
}

func (p *peer) packets() []packet {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func (p *peer) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got = nil
}

// heard is the audio that came, decoded, in the order of arrival.
func (p *peer) heard() []int16 {
	var out []int16
	for _, g := range p.packets() {
		if g.pt == uint8(PCMU) || g.pt == uint8(PCMA) {
			out = append(out, Codec(g.pt).Decode(make([]int16, len(g.payload)), g.payload)...)
		}
	}
	return out
}

func sine(freq float64, level float64) func(int) int16 {
	var o oscillator
	o.set(0, freq, level)
	return func(int) int16 { return o.sample() }
}

func constant(v int16) func(int) int16 { return func(int) int16 { return v } }

// unbroken checks that a peer got one stream: one SSRC, each sequence number
// once, and timestamps that follow the clock within slack.
func (p *peer) unbroken(slack time.Duration) {
	p.r.t.Helper()
	if p.r.net == nil {
		slack = time.Minute // the machine may be busy with other things
	}
	got := p.packets()
	for i := 1; i < len(got); i++ {
		a, b := got[i-1], got[i]
		if b.ssrc != a.ssrc {
			p.r.t.Fatalf("packet %d: got SSRC %x after %x", i, b.ssrc, a.ssrc)
		}
		if b.seq != a.seq+1 {
			p.r.t.Fatalf("packet %d: got sequence %d after %d", i, b.seq, a.seq)
		}
		if b.pt == 101 || a.pt == 101 {
			continue
		}
		if int32(b.ts-a.ts) < int32(len(a.payload)) {
			p.r.t.Fatalf("packet %d: got timestamp +%d after %d samples", i, int32(b.ts-a.ts), len(a.payload))
		}
	}
	if len(got) == 0 {
		p.r.t.Fatal("got no packet")
	}
	for i, g := range got {
		want := samples(g.at.Sub(got[0].at).Microseconds())
		off := time.Duration(int32(g.ts-got[0].ts-want)) * time.Second / sampleRate
		if g.pt != 101 && (off > slack || off < -slack) {
			p.r.t.Fatalf("packet %d: timestamp is %v off the clock, want at most %v", i, off, slack)
		}
	}
}

func u32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

func simulatedPorts(t *testing.T, first, last uint16, f func(r *rig)) {
	t.Helper()
	simulatedOn(t, simnet.Options{}, Config{PortMin: first, PortMax: last}, f)
}
