package phone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotline/sip"
)

// Config of a Phone. Zero fields take the defaults named here.
type Config struct {
	Packet []net.PacketConn // UDP sockets for SIP; the phone closes them
	Stream []net.Listener   // TCP listeners for SIP; the phone closes them
	// Without Packet and Stream the phone listens itself, at a free port of Addr,
	// by Transport.

	// Dial opens outgoing TCP connections; default net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// ListenRTP opens the socket of a call's audio; default real UDP.
	ListenRTP func(netip.AddrPort) (net.PacketConn, error)
	Addr      netip.Addr // local address of audio sockets; default 127.0.0.1

	User      string // account, and user part of From; default "phone"
	Secret    string // of the account
	Name      string // display name in From
	Registrar string // "host:port": where calls go and Register registers
	Transport string // to the registrar: "udp" (default), "tcp"

	Codecs        []uint8       // payload types in order of preference: 0 (PCMU), 8 (PCMA); default both
	NoEvents      bool          // no telephone-event in descriptions (RFC 4733)
	LateOffer     bool          // our INVITEs carry no offer; the ACK has the answer
	Require100rel bool          // our INVITEs require reliable provisional responses (RFC 3262)
	NoAnswer      time.Duration // silence, not even 100, before our call counts as unreachable; default 32 s
	Headers       [][2]string   // further headers of our INVITEs
	Private       netip.Addr    // told in Contact, Via and descriptions instead of the true address: a phone behind NAT
	Symmetric     bool          // audio is sent where audio comes from, whatever the description says

	// Policy deals with incoming calls, each on a goroutine of its own that the
	// phone owns. Nil: they come out of Accept.
	Policy Policy

	SessionExpires, MinSE time.Duration // RFC 4028; defaults of package sip
	Expires               time.Duration // of our registration; default 600 s
	Keep                  time.Duration // how much of what was heard is kept at least; default 10 min

	Log *slog.Logger // default discards
}

const (
	lineName  = "line" // our one trunk: the registrar, and whoever calls us
	waitQueue = 16     // incoming calls that wait for Accept; more get 486
)

// Phone is a softphone. Its methods may be called from any goroutine.
type Phone struct {
	cfg    Config
	ep     *sip.Endpoint
	line   sip.Trunk
	in     chan *Call
	policy atomic.Pointer[Policy]
	dead   atomic.Bool

	wg    sync.WaitGroup // policies, senders, receivers
	mu    sync.Mutex     // guards all below
	calls map[*Call]bool
	over  bool
}

// ErrOver is returned for what is asked of a phone whose Run has ended.
var ErrOver = errors.New("phone: is over")

// New makes a phone and opens its sockets, unless they are given. Nothing is
// sent before Run.
func New(c Config) (*Phone, error) {
	p := &Phone{cfg: c, in: make(chan *Call, waitQueue), calls: map[*Call]bool{}}
	if err := p.defaults(); err != nil {
		return nil, err
	}
	p.line = sip.Trunk{
		Name: lineName, User: p.cfg.User, Password: p.cfg.Secret, Trusted: true, Expires: p.cfg.Expires,
		// Anybody may call: it is a test's phone.
		Addresses: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
	}
	if p.cfg.Registrar != "" {
		p.line.Peers = []string{p.uri("")}
	}
	sc := sip.Config{
		Stream: p.cfg.Stream, Dial: p.cfg.Dial, OnCall: p.onCall, Workers: 1,
		SessionExpires: p.cfg.SessionExpires, MinSE: p.cfg.MinSE, Log: p.cfg.Log,
	}
	for _, pc := range p.cfg.Packet {
		sc.Packet = append(sc.Packet, &mortal{pc, &p.dead})
	}
	if p.cfg.Private.IsValid() {
		sc.Advertise = p.cfg.Private.String()
	}
	ep, err := sip.New(sc)
	if err != nil {
		return nil, fmt.Errorf("phone: new: %w", err)
	}
	p.ep = ep
	p.ep.SetTrunks([]sip.Trunk{p.line})
	p.SetPolicy(p.cfg.Policy)
	return p, nil
}

func (p *Phone) defaults() error {
	c := &p.cfg
	c.User = cmp.Or(c.User, "phone")
	c.Transport = cmp.Or(c.Transport, "udp")
	c.Keep = cmp.Or(c.Keep, 10*time.Minute)
	if c.Transport != "udp" && c.Transport != "tcp" {
		return fmt.Errorf("phone: new: transport %q: want udp or tcp", c.Transport)
	}
	if !c.Addr.IsValid() {
		c.Addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	if len(c.Codecs) == 0 {
		c.Codecs = []uint8{0, 8}
	}
	if c.ListenRTP == nil {
		c.ListenRTP = func(a netip.AddrPort) (net.PacketConn, error) {
			return net.ListenUDP("udp", net.UDPAddrFromAddrPort(a))
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if len(c.Packet)+len(c.Stream) > 0 {
		return nil
	}
	at := netip.AddrPortFrom(c.Addr, 0).String()
	if c.Transport == "tcp" {
		l, err := net.Listen("tcp", at)
		if err != nil {
			return fmt.Errorf("phone: new: %w", err)
		}
		c.Stream = []net.Listener{l}
		return nil
	}
	pc, err := net.ListenPacket("udp", at)
	if err != nil {
		return fmt.Errorf("phone: new: %w", err)
	}
	c.Packet = []net.PacketConn{pc}
	return nil
}

// Run owns all goroutines of the phone. When ctx ends it hangs up, un-registers
// and returns.
func (p *Phone) Run(ctx context.Context) error {
	err := p.ep.Run(ctx)
	p.mu.Lock()
	p.over = true
	left := p.calls
	p.calls = nil
	p.mu.Unlock()
	for c := range left { // those whose last event was lost
		c.finish(End{Why: "phone is over"})
	}
	p.wg.Wait()
	return err
}

// Endpoint is the phone's signalling.
func (p *Phone) Endpoint() *sip.Endpoint { return p.ep }

// uri is where a number is called at the registrar.
func (p *Phone) uri(number string) string {
	if number != "" {
		number += "@"
	}
	return "sip:" + number + p.cfg.Registrar + ";transport=" + p.cfg.Transport
}

// Register registers and keeps registered until Unregister or the end of Run.
func (p *Phone) Register(ctx context.Context) error {
	if p.cfg.Registrar == "" {
		return errors.New("phone: register: no registrar")
	}
	t := p.line
	t.Register = true
	p.ep.SetTrunks([]sip.Trunk{t})
	for {
		s := p.Registration()
		switch {
		case s.Registered:
			return nil
		case s.Error != "":
			p.ep.SetTrunks([]sip.Trunk{p.line})
			return fmt.Errorf("phone: register %s at %s: %s", p.cfg.User, p.cfg.Registrar, s.Error)
		}
		select {
		case <-ctx.Done():
			p.ep.SetTrunks([]sip.Trunk{p.line})
			return fmt.Errorf("phone: register %s at %s: %w", p.cfg.User, p.cfg.Registrar, context.Cause(ctx))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Unregister removes the registration; it does not wait for the registrar.
func (p *Phone) Unregister() { p.ep.SetTrunks([]sip.Trunk{p.line}) }

// Registration is the state of our registration.
func (p *Phone) Registration() sip.TrunkState {
	for _, s := range p.ep.Trunks() {
		if s.Name == lineName {
			return s
		}
	}
	return sip.TrunkState{}
}

// Call places a call to a number at the registrar, or to a whole SIP URI. It
// returns at once; when ctx ends, the call is hung up.
func (p *Phone) Call(ctx context.Context, number string) (*Call, error) {
	targets, err := p.targets(number)
	if err != nil {
		return nil, err
	}
	c, err := p.newCall()
	if err != nil {
		return nil, fmt.Errorf("phone: call %s: %w", number, err)
	}
	c.number = number
	inv := sip.Invite{
		Targets: targets, From: sip.Address{Display: p.cfg.Name, User: p.cfg.User, Host: p.domain()},
		Headers: p.cfg.Headers, NoAnswer: p.cfg.NoAnswer, Media: desk{c}, Inbox: c,
	}
	if p.cfg.Require100rel {
		inv.Headers = append([][2]string{{"Require", "100rel"}}, inv.Headers...)
	}
	c.d = p.ep.Dial(inv)
	close(c.dialled)
	stop := context.AfterFunc(ctx, c.Hangup)
	c.onDone(func() { stop() })
	return c, nil
}

func (p *Phone) targets(number string) ([]sip.Target, error) {
	if strings.HasPrefix(number, "sip:") {
		t, err := sip.ParseTarget(number)
		if err != nil {
			return nil, fmt.Errorf("phone: call: %w", err)
		}
		t.Trunk = lineName
		return []sip.Target{t}, nil
	}
	if p.cfg.Registrar == "" {
		return nil, fmt.Errorf("phone: call %s: no registrar; call a whole SIP URI", number)
	}
	t, _ := p.ep.Trunk(lineName, number)
	return t, nil
}

// domain is the registrar's host, "" without one.
func (p *Phone) domain() string {
	host, _, err := net.SplitHostPort(p.cfg.Registrar)
	if err != nil {
		return p.cfg.Registrar
	}
	return host
}

// Accept waits for an incoming call that no policy takes. It is not answered yet
// and does not ring yet.
func (p *Phone) Accept(ctx context.Context) (*Call, error) {
	select {
	case c := <-p.in:
		return c, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("phone: accept: %w", context.Cause(ctx))
	}
}

// SetPolicy changes how calls from now on are dealt with; nil gives them to Accept.
func (p *Phone) SetPolicy(f Policy) {
	if f == nil {
		p.policy.Store(nil)
		return
	}
	p.policy.Store(&f)
}

// Calls are the calls that have not ended.
func (p *Phone) Calls() []*Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*Call
	for c := range p.calls {
		all = append(all, c)
	}
	return all
}

// Die cuts the phone off: nothing leaves it any more, by SIP over UDP or by RTP,
// and what comes is not heard. Run still has to be ended.
func (p *Phone) Die() { p.dead.Store(true) }

// onCall takes a new call; on the SIP worker.
func (p *Phone) onCall(inc *sip.Incoming) sip.Inbox {
	c, err := p.newCall()
	if err != nil {
		return nil
	}
	c.d, c.inc, c.number = inc.Dialog, inc, inc.Number
	close(c.dialled)
	policy := p.policy.Load()
	if policy != nil {
		// Ends when the policy returns, which the end of the call makes it do.
		p.wg.Go(func() { (*policy)(c) })
		return c
	}
	select {
	case p.in <- c:
	default:
		c.d.End(sip.Cause{Status: 486})
	}
	return c
}

// mortal is a socket that goes silent when its phone dies.
type mortal struct {
	net.PacketConn
	dead *atomic.Bool
}

func (m *mortal) WriteTo(b []byte, to net.Addr) (int, error) {
	if m.dead.Load() {
		return len(b), nil
	}
	return m.PacketConn.WriteTo(b, to)
}

func (m *mortal) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := m.PacketConn.ReadFrom(b)
		if err != nil || !m.dead.Load() {
			return n, from, err
		}
	}
}
