package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotline/call"
)

// Limits of a sound machine.
const (
	recordRate = 16000                 // bytes a second of a recording: two sides of G.711
	hoursLeast = 10.0                  // of recordings that must fit on the disk
	hoursFew   = 200.0                 // fewer: somebody should look
	jitterMost = 20 * time.Millisecond // of a packet each 20 ms: later than its successor
	jitterFew  = 5 * time.Millisecond
	portsTried = 32 // of the audio range
	fewLegs    = 20 // at a time: a call with an agent has two
)

// host is how the machine is asked; tests put others in.
type host struct {
	now    func() time.Time
	free   func(dir string) (bytes uint64, err error)
	synced func() (bool, error) // the clock follows others; an error: nobody knows
	jitter func(ctx context.Context) (worst time.Duration, err error)
	lookup func(ctx context.Context, host string) error
	srv    func(ctx context.Context, name string) error
}

// machine is the one that we run on.
func machine() host {
	return host{now: time.Now, free: freeSpace, synced: clockSynced, jitter: loopJitter,
		lookup: func(ctx context.Context, name string) error {
			_, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
			return err
		},
		srv: func(ctx context.Context, name string) error {
			_, _, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
			return err
		}}
}

// examine looks at disk, clock and timers.
func (h host) examine(ctx context.Context, p *patient) {
	dir := p.cfg.Data
	for {
		bytes, err := h.free(dir)
		if err != nil && dir != filepath.Dir(dir) { // it is yet to be made
			dir = filepath.Dir(dir)
			continue
		}
		p.disk(bytes, err)
		break
	}
	switch ok, err := h.synced(); {
	case h.now().Year() < 2025:
		p.add("clock", call.Fail, "set the machine's clock", "it says %s", h.now().Format(time.DateTime))
	case err != nil:
		p.add("clock", call.Pass, "", "%s; whether it is kept by NTP is not known here", h.now().Format(time.DateTime))
	case !ok:
		p.add("clock", call.Warn, "chrony or systemd-timesyncd", "it is not kept by NTP: times of calls drift")
	default:
		p.add("clock", call.Pass, "", "kept by NTP")
	}
	worst, err := h.jitter(ctx)
	switch {
	case err != nil:
		p.add("timers", call.Warn, "UDP on the loopback interface", "packets to ourselves: %v", err)
	case worst > jitterMost:
		p.add("timers", call.Fail, "a machine with free cores, no CPU limit on it", "a packet each 20 ms was up to %s late: audio will stutter", worst.Round(time.Millisecond/10))
	case worst > jitterFew:
		p.add("timers", call.Warn, "a machine with free cores", "a packet each 20 ms was up to %s late", worst.Round(time.Millisecond/10))
	default:
		p.add("timers", call.Pass, "", "a packet each 20 ms was at most %s late", worst.Round(time.Microsecond))
	}
}

func (p *patient) disk(bytes uint64, err error) {
	hours := float64(bytes) / recordRate / 3600
	text := fmt.Sprintf("room for %.0f hours of recordings (%.1f GB)", hours, float64(bytes)/1e9)
	switch {
	case err != nil:
		p.add("disk", call.Warn, "df", "free space is not known: %v", err)
	case hours < hoursLeast:
		p.add("disk", call.Fail, "free space, or a larger disk", "%s", text)
	case hours < hoursFew:
		p.add("disk", call.Warn, "free space, or a larger disk", "%s", text)
	default:
		p.add("disk", call.Pass, "", "%s", text)
	}
}

// loopJitter sends 25 packets 20 ms apart to ourselves and tells the worst delay
// of one against its time.
func loopJitter(ctx context.Context) (worst time.Duration, err error) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	began := time.Now()
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	buf := make([]byte, 1)
	for n := 1; n <= 25; n++ {
		select {
		case <-t.C:
		case <-ctx.Done():
			return worst, context.Cause(ctx)
		}
		if _, err := c.WriteTo([]byte{1}, c.LocalAddr()); err != nil {
			return worst, err
		}
		_ = c.SetReadDeadline(time.Now().Add(time.Second))
		if _, _, err := c.ReadFrom(buf); err != nil {
			return worst, err
		}
		worst = max(worst, time.Since(began)-time.Duration(n)*20*time.Millisecond)
	}
	return worst, nil
}

// bind tries the sockets that a process would open.
func (p *patient) bind() {
	for _, l := range p.cfg.SIP {
		var c interface{ Close() error }
		var err error
		if l.Network == "udp" {
			c, err = net.ListenPacket("udp", l.Addr)
		} else {
			c, err = net.Listen("tcp", l.Addr)
		}
		if err != nil {
			p.add("sockets", call.Fail, "another address for sip in hotline.yaml, or end what uses this one", "%s: %v", l, plainNet(err))
			continue
		}
		_ = c.Close()
		p.add("sockets", call.Pass, "", "%s can be opened", l)
	}
	r := p.cfg.RTP
	pairs := int(r.Max-r.Min+1) / 2
	step := max(pairs/portsTried, 1)
	var busy, tried int
	var last error
	for i := 0; i < pairs; i += step {
		tried++
		c, err := net.ListenPacket("udp", net.JoinHostPort(r.Host, strconv.Itoa(int(r.Min)+2*i)))
		if err != nil {
			busy, last = busy+1, err
			continue
		}
		_ = c.Close()
	}
	try := "another range for rtp in hotline.yaml, or end what uses these"
	switch {
	case tried == 0 || busy == tried:
		p.add("rtp", call.Fail, try, "no port of %s can be opened: %v", r, plainNet(last))
	case busy > 0:
		p.add("rtp", call.Warn, try, "%d of %d ports tried in %s are taken", busy, tried, r)
	case pairs < fewLegs:
		p.add("rtp", call.Warn, "a larger range for rtp in hotline.yaml: a call with an agent takes two legs", "%s: %d legs at a time", r, pairs)
	default:
		p.add("rtp", call.Pass, "", "%s: %d legs at a time", r, pairs)
	}
}

// plainNet is an error of a socket without the words that repeat its address.
func plainNet(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// names looks up the hosts of trunks and STUN servers.
func (h host) names(ctx context.Context, p *patient) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ask := func(check, name, service string) {
		if _, err := netip.ParseAddr(name); err == nil || name == "" {
			return
		}
		if service != "" && h.srv(ctx, service+name) == nil {
			p.add("dns", call.Pass, "", "%s: %s has SRV records", check, name)
			return
		}
		if err := h.lookup(ctx, name); err != nil {
			p.add("dns", call.Fail, "the name, or the machine's name server", "%s: %s is not found: %v", check, name, err)
			return
		}
		p.add("dns", call.Pass, "", "%s: %s is found", check, name)
	}
	for _, id := range trunkIDs(p) {
		for _, peer := range p.center.Trunks[id].Peers {
			name, port, service := peerHost(peer)
			if port != "" { // then there is no need of SRV records
				service = ""
			}
			ask("trunk "+id, name, service)
		}
	}
	for _, s := range p.cfg.STUN {
		name := s
		if n, _, err := net.SplitHostPort(s); err == nil {
			name = n
		}
		ask("stun", name, "")
	}
	ask("advertise", p.cfg.Advertise, "")
}

func trunkIDs(p *patient) []string {
	var ids []string
	for id := range p.center.Trunks {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// services are the names under which a host's servers are found, by transport
// (RFC 3263, section 4.2).
var services = map[string]string{"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}

// peerHost takes "sip:user@host:port;transport=x" apart.
func peerHost(peer string) (name, port, service string) {
	rest, params, _ := strings.Cut(peer, ";")
	service = services["udp"]
	for kv := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(kv, "transport="); ok && services[v] != "" {
			service = services[v]
		}
	}
	scheme, rest, _ := strings.Cut(rest, ":")
	if scheme == "sips" {
		service = services["tls"]
	}
	if _, after, ok := strings.Cut(rest, "@"); ok {
		rest = after
	}
	if n, p, err := net.SplitHostPort(rest); err == nil {
		return n, p, service
	}
	return strings.Trim(rest, "[]"), "", service
}
