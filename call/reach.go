package call

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"hotline/sip"
	"hotline/store"
)

// reachWait is how long trunks, and STUN servers, have for their answers.
const reachWait = 2 * time.Second

// Reach asks the trunks of a center and STUN servers whether they answer, from
// sockets of its own: for a machine where no process runs. Hosts are the addresses
// that the sockets are bound to; of the configuration only names, address and
// certificates count. Nothing is registered, and no call is taken.
func Reach(ctx context.Context, cfg sip.Config, hosts []string, c store.Center) []Finding {
	var f findings
	if len(cfg.STUN) > 0 {
		up, err := checkup(ctx, cfg, hosts, nil)
		if err != nil {
			f.add("stun", Fail, "sip in hotline.yaml", "no socket can be opened: %v", err)
		} else {
			f.outside(up, cfg.Advertise)
		}
	}
	cfg.STUN = nil
	ask := &Engine{log: slog.New(slog.DiscardHandler)}
	var trunks []sip.Trunk
	for _, t := range ask.trunks(&world{center: c}) {
		if len(t.Peers) > 0 {
			t.Register, t.KeepAlive = false, 0
			trunks = append(trunks, t)
		}
	}
	if len(trunks) == 0 {
		return f
	}
	up, err := checkup(ctx, cfg, hosts, trunks)
	if err != nil {
		f.add("trunks", Fail, "sip, tls_cert and tls_key in hotline.yaml", "they can't be asked: %v", err)
		return f
	}
	f.trunks(up.Trunks)
	return f
}

// checkup runs a SIP endpoint on sockets with ports of the system's choice for as
// long as it asks.
func checkup(ctx context.Context, cfg sip.Config, hosts []string, trunks []sip.Trunk) (sip.Checkup, error) {
	ctx, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	cfg.Packet, cfg.Stream, cfg.Secure, cfg.OnCall, cfg.OnTrunk = nil, nil, nil, nil, nil
	var err error
	for _, h := range hosts {
		var pc net.PacketConn
		if pc, err = net.ListenPacket("udp", net.JoinHostPort(strings.Trim(h, "[]"), "0")); err == nil {
			cfg.Packet = append(cfg.Packet, pc)
		}
	}
	if len(cfg.Packet) == 0 && err != nil {
		return sip.Checkup{}, err
	}
	ep, err := sip.New(cfg)
	if err != nil {
		for _, pc := range cfg.Packet {
			_ = pc.Close()
		}
		return sip.Checkup{}, err
	}
	ep.SetTrunks(trunks)
	runs, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = ep.Run(runs) }) // owned by this function; ends with runs
	defer wg.Wait()
	defer stop()
	return ep.Checkup(ctx), nil
}
