package remote

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"testing"

	"hotline/media"
)

// onASocket runs a benchmark against a server behind a real Unix socket.
func onASocket(b *testing.B, f func(c *Client)) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		b.Fatal(err)
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := NewServer(ServerConfig{Log: quiet, Media: media.Config{PortMin: 20000, PortMax: 29998}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, l) }()
	c, err := Connect(ctx, ClientConfig{Log: quiet, Own: true, Dial: func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}})
	if err != nil {
		b.Fatal(err)
	}
	over := make(chan struct{})
	go func() { defer close(over); c.Run(ctx) }()
	b.ReportAllocs()
	b.ResetTimer()
	f(c)
	b.StopTimer()
	stop()
	<-over
	if err := <-done; err != nil {
		b.Error(err)
	}
}

// BenchmarkOpenAndClose is what a leg costs in round trips, sockets included.
func BenchmarkOpenAndClose(b *testing.B) {
	onASocket(b, func(c *Client) {
		for b.Loop() {
			if _, err := c.Open("a"); err != nil {
				b.Fatal(err)
			}
			c.Do(media.Close{Leg: "a"})
		}
	})
}

// BenchmarkDo is what a command costs the control process.
func BenchmarkDo(b *testing.B) {
	onASocket(b, func(c *Client) {
		for b.Loop() {
			c.Do(media.Play{Leg: "nobody", ID: 1, Clips: []media.ClipID{"en/welcome", "en/menu-main"}})
		}
	})
}
