package sip

import (
	"strings"
	"time"
)

// pongWait is how long a peer that answers pings may take (RFC 5626, 4.4.1).
const pongWait = 10 * time.Second

// keepAlive keeps the NATs of phones open, and finds connections that are dead.
// Called once a second: each binding has its turn once in Config.KeepAlive.
func (k *housekeeper) keepAlive() {
	e := k.w.e
	every := int(e.cfg.KeepAlive / housekeeping)
	if every < 1 {
		return
	}
	k.turn = (k.turn + 1) % every
	for i, b := range e.registry.bindings(k.w.now) {
		if b.Transport != "udp" || i%every != k.turn {
			continue
		}
		h, ok := e.hopTo(b.Source, "udp", "")
		switch {
		case !ok:
		case e.cfg.KeepAliveOptions:
			k.w.probe(b.Contact, h, deaf{})
		default:
			h.udp.write(h.addr, []byte("\r\n\r\n"))
		}
	}
	e.conns.ping(k.w.now, e.cfg.KeepAlive)
}

// ping asks kept connections for a sign of life; those that once answered and do
// not any more are closed, so that calls take another way.
func (t *connTable) ping(now time.Time, every time.Duration) {
	t.mu.Lock()
	all := make([]*conn, 0, len(t.ids))
	for _, c := range t.ids {
		if c.kept.Load() && c.up.Load() {
			all = append(all, c)
		}
	}
	t.mu.Unlock()
	for _, c := range all {
		asked, heard := time.Unix(0, c.asked.Load()), time.Unix(0, c.heard.Load())
		switch {
		case c.asked.Load() != 0 && !heard.After(asked) && c.pongs.Load() && now.Sub(asked) >= pongWait:
			t.e.stats.ConnsTimedOut.Add(1)
			c.drop()
		case now.Sub(asked) >= every && now.Sub(heard) >= every:
			c.asked.Store(now.UnixNano())
			c.write([]byte("\r\n\r\n"))
		}
	}
}

// pong takes the answer to our ping (RFC 5626, 4.4.1): a lone line end between messages.
func (c *conn) pong(b []byte, f *framer) bool {
	asked := c.asked.Load()
	if asked == 0 || string(b) != "\r\n" || len(f.buf) > 0 || time.Since(time.Unix(0, asked)) > pongWait {
		return false
	}
	c.pongs.Store(true)
	return true
}

// callID is a new Call-ID whose messages come to this worker.
func (w *worker) callID() string {
	for {
		if id := randomText(24); w.e.workerOf(id) == w {
			return id
		}
	}
}

// probe sends OPTIONS outside of any dialog (RFC 3261, 11).
func (w *worker) probe(uri string, h hop, user txUser) *clientTx {
	if !safeValue(uri) || strings.ContainsAny(uri, "<> ") {
		return nil
	}
	branch := w.e.branch()
	host, _ := w.e.sentBy(h)
	us := Address{User: "hotline", Host: host}.uri()
	b := newBuilder(512).str("OPTIONS ", uri, " SIP/2.0\r\n").line("Via", w.e.via(h, branch))
	b.str("Max-Forwards: 70\r\nFrom: <", us, ">;tag=", randomText(12), "\r\nTo: <", uri, ">\r\nCall-ID: ", w.callID(),
		"\r\nCSeq: 1 OPTIONS\r\nContact: <", w.e.contact(h), ">\r\nAccept: ", typeSDP, "\r\n")
	return w.newClientTx(user, "OPTIONS", branch, h, 1, b.done("", nil))
}
