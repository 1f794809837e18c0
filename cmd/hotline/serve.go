package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hotline/api"
	"hotline/call"
	"hotline/cmd/hotline/config"
	"hotline/media"
	"hotline/recordings"
	"hotline/sip"
	"hotline/store"
	"hotline/store/bolt"
)

// server is a process that runs a center: the engine with its store, its
// sockets and the door for commands. It is built by open and run once.
type server struct {
	cfg    config.Config
	log    *slog.Logger
	engine *call.Engine
	store  *bolt.Store
	api    *api.Server
	socket net.Listener
	udp    []net.PacketConn
	tcp    []net.Listener
	tls    []net.Listener // for TLS; plain as yet
	expose net.Listener   // for metrics; nil: none
	stderr io.Writer      // also of a media process that we start
	plane  *mediaPlane    // in another process; nil: in this one
}

// recordsGather is how long a call's record may wait to share its fsync with others'; it
// must be on disk within a second of the call's end.
const recordsGather = 25 * time.Millisecond

// serve runs the process until ctx ends; it says on out where it is reached and
// logs on log.
func serve(ctx context.Context, c config.Config, out, log io.Writer) error {
	frugal(heapGrowthServe)
	s, err := open(c, c.Logger(log), log)
	if err != nil {
		return err
	}
	s.greet(out)
	return s.run(ctx)
}

// open builds the process; nothing runs before run. On an error nothing is left open.
func open(c config.Config, log *slog.Logger, stderr io.Writer) (*server, error) {
	s := &server{cfg: c, log: log, stderr: stderr}
	if err := s.build(); err != nil {
		s.shut()
		return nil, err
	}
	return s, nil
}

func (s *server) build() error {
	c, err := s.cfg, error(nil)
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("serve: data directory: %w", err)
	}
	if s.store, err = bolt.Open(filepath.Join(c.Data, "hotline.db"), bolt.Options{Log: s.log, Gather: recordsGather}); err != nil {
		return err
	}
	sealer, err := store.LoadOrCreateKey(filepath.Join(c.Data, "key"))
	if err != nil {
		return err
	}
	recs, err := recordings.New(filepath.Join(c.Data, "recordings"))
	if err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	m, err := mediaConfig(c)
	if err != nil {
		return err
	}
	s.engine, err = call.New(call.Config{
		SIP: sip.Config{Packet: s.udp, Stream: s.tcp, Secure: s.tls, Advertise: c.Advertise, Realm: c.Realm,
			SessionExpires: c.SessionExpires, STUN: c.STUN, KeepAlive: c.KeepAlive, BanAfter: c.BanAfter, BanFor: c.BanFor,
			TLS: sip.TLS{Cert: c.TLSCert, Key: c.TLSKey, ClientCA: c.TLSClientCA, RequireClient: c.TLSRequired}},
		Media: m, Plane: s.newPlane(m), Store: s.store, Recordings: recs, Sealer: sealer, Version: version(),
		MaxCalls: c.MaxCalls, Grace: c.Grace, Adopt: c.Adopt, Log: s.log,
	})
	if err != nil {
		return err
	}
	if s.api, err = api.New(api.Config{Engine: s.engine, Recordings: recs.Root(), Metrics: s.engine.Metrics(), Log: s.log}); err != nil {
		return err
	}
	s.socket, err = api.Listen(c.Data)
	return err
}

// listen opens the sockets for SIP and metrics.
func (s *server) listen() error {
	for _, l := range s.cfg.SIP {
		switch l.Network {
		case "udp":
			c, err := net.ListenPacket("udp", l.Addr)
			if err != nil {
				return fmt.Errorf("serve: %w; try: another --sip address, or end what uses this one", err)
			}
			if u, ok := c.(*net.UDPConn); ok {
				// A burst of a thousand INVITEs waits here while the workers catch up.
				_ = u.SetReadBuffer(4 << 20)
				_ = u.SetWriteBuffer(4 << 20)
			}
			s.udp = append(s.udp, c)
		default:
			t, err := net.Listen("tcp", l.Addr)
			if err != nil {
				return fmt.Errorf("serve: %w; try: another --sip address, or end what uses this one", err)
			}
			if l.Network == "tls" {
				s.tls = append(s.tls, t)
			} else {
				s.tcp = append(s.tcp, t)
			}
		}
	}
	if s.cfg.Metrics == "" {
		return nil
	}
	var err error
	if s.expose, err = net.Listen("tcp", s.cfg.Metrics); err != nil {
		return fmt.Errorf("serve: metrics: %w", err)
	}
	return nil
}

// mediaConfig resolves what the media plane wants as addresses.
func mediaConfig(c config.Config) (media.Config, error) {
	m := media.Config{PortMin: c.RTP.Min, PortMax: c.RTP.Max, Shards: c.Shards}
	var err error
	if m.Addr, err = netip.ParseAddr(c.RTP.Host); err != nil {
		return m, fmt.Errorf("serve: rtp: %w", err)
	}
	if c.Advertise != "" {
		if m.Advertise, err = resolve(c.Advertise); err != nil {
			return m, fmt.Errorf("serve: advertise: %w; try: the IP address itself", err)
		}
	}
	if !m.Advertise.IsValid() && m.Addr.IsUnspecified() {
		m.Advertise = outgoing(m.Addr)
	}
	return m, nil
}

func resolve(host string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap(), nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, err
	}
	return all[0].Unmap(), nil
}

// outgoing is the address of this machine that a way to the world begins with,
// for sockets that are bound to all of them. No packet is sent.
func outgoing(family netip.Addr) netip.Addr {
	network, far, none := "udp4", "192.0.2.1:9", netip.AddrFrom4([4]byte{127, 0, 0, 1})
	if family.Is6() {
		network, far, none = "udp6", "[2001:db8::1]:9", netip.IPv6Loopback()
	}
	c, err := net.Dial(network, far)
	if err != nil {
		return none
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}

// greet says where the process is reached.
func (s *server) greet(out io.Writer) {
	st := s.engine.Status()
	for _, a := range st.SIP {
		fmt.Fprintf(out, "sip     %s\n", a)
	}
	fmt.Fprintf(out, "rtp     %s\n", s.cfg.RTP)
	fmt.Fprintf(out, "media   %s\n", s.plane)
	if s.cfg.Advertise != "" {
		fmt.Fprintf(out, "as      %s\n", s.cfg.Advertise)
	}
	if len(s.cfg.STUN) > 0 {
		fmt.Fprintf(out, "as      what stun:%s says\n", strings.Join(s.cfg.STUN, ", stun:"))
	}
	fmt.Fprintf(out, "realm   %s\n", st.Realm)
	if s.expose != nil {
		fmt.Fprintf(out, "metrics http://%s/metrics\n", s.expose.Addr())
	}
	fmt.Fprintf(out, "data    %s\n", s.cfg.Data)
	if st.Realm != s.cfg.Realm {
		fmt.Fprintf(out, "warning: realm %q of the configuration is not used: this data directory was begun with %q, and all secrets are bound to it\n", s.cfg.Realm, st.Realm)
	}
	if len(s.engine.Numbers()) == 0 {
		fmt.Fprintf(out, "warning: the center is empty, nobody can call; try: hotline init, then hotline apply -f center.yaml\n")
	}
}

// run owns the process until ctx ends.
func (s *server) run(ctx context.Context) error {
	defer s.shut()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	failed := make(chan error, 2)
	n := 1
	// Both end with ctx; run waits for them.
	go func() { failed <- s.api.Serve(ctx, s.socket) }()
	if s.expose != nil {
		n++
		go func() { failed <- s.serveMetrics(ctx) }()
	}
	err := s.engine.Run(ctx)
	end(errors.New("engine ended"))
	for range n {
		err = errors.Join(err, <-failed)
	}
	return err
}

// serveMetrics answers /metrics and nothing else on its own address.
func (s *server) serveMetrics(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.api)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(s.expose); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: metrics: %w", err)
	}
	return nil
}

// shut closes what is open; what has been closed by its owner is closed again
// without harm.
func (s *server) shut() {
	s.plane.close()
	if s.socket != nil {
		_ = s.socket.Close()
	}
	if s.expose != nil {
		_ = s.expose.Close()
	}
	for _, c := range s.udp {
		_ = c.Close()
	}
	for _, l := range slices.Concat(s.tcp, s.tls) {
		_ = l.Close()
	}
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.log.Error("store was not closed well", "err", err)
		}
	}
}
