package call

import (
	"time"

	"hotline/sip"
	"hotline/store"
)

// trunks are the center's trunks as the SIP plane knows them.
func (e *Engine) trunks(w *world) []sip.Trunk {
	var out []sip.Trunk
	for _, id := range sortedKeys(w.center.Trunks) {
		t := w.center.Trunks[id]
		x := sip.Trunk{Name: id, Peers: t.Peers, Register: t.Register, User: t.User, Realm: t.Realm, Trusted: t.Trusted,
			Expires: t.Expires.D(), Password: t.Secret, KeepAlive: t.KeepAlive.D(), TLS: trunkTLS(t.TLS)}
		if e.cfg.Sealer != nil && t.Secret != "" {
			plain, err := e.cfg.Sealer.Open(t.Secret)
			if err != nil {
				e.log.Error("trunk's secret can't be opened: set it again", "trunk", id, "err", err)
			}
			x.Password = plain
		}
		for _, a := range t.Addresses {
			if p, err := parsePrefix(a); err == nil {
				x.Addresses = append(x.Addresses, p)
			}
		}
		out = append(out, x)
	}
	return out
}

func trunkTLS(t *store.TrunkTLS) sip.TrunkTLS {
	if t == nil {
		return sip.TrunkTLS{}
	}
	return sip.TrunkTLS{CA: t.CA, Name: t.Name, Mutual: t.Mutual, Cert: t.Cert, Key: t.Key}
}

// onTrunk is told by the SIP plane that a peer began or ceased to answer; it must
// not block.
func (e *Engine) onTrunk(ch sip.TrunkChange) {
	if ch.Up {
		e.metrics.trunks.WithLabelValues(ch.Trunk, "up").Inc()
		e.log.Info("trunk is up", "trunk", ch.Trunk, "peer", ch.Peer, "latency", ch.Latency.Round(time.Millisecond).String())
		return
	}
	e.metrics.trunks.WithLabelValues(ch.Trunk, "down").Inc()
	e.log.Warn("trunk is down", "trunk", ch.Trunk, "peer", ch.Peer, "err", ch.Error)
}

// Trunks are all trunks of the center with their live state.
func (e *Engine) Trunks() []TrunkView {
	w := e.world.Load()
	out := []TrunkView{}
	for _, s := range e.sip.Trunks() {
		t := w.center.Trunks[s.Name]
		v := TrunkView{ID: s.Name, Name: t.Name, Registers: t.Register, Registered: s.Registered, Error: s.Error, Expires: s.Expires}
		for _, p := range s.Peers {
			v.States = append(v.States, PeerView{URI: p.URI, Watched: p.Watched, Up: p.Up && p.DownUntil.IsZero(), Since: p.Since,
				Latency: p.Latency, DownUntil: p.DownUntil, Error: p.Error})
			v.Peers = append(v.Peers, peerText(p))
		}
		out = append(out, v)
	}
	return out
}

// peerText is a peer of a trunk with how it is, in words.
func peerText(p sip.PeerState) string {
	switch {
	case p.DownUntil.After(time.Now()):
		return p.URI + " (down until " + p.DownUntil.Format(time.TimeOnly) + ": " + p.Error + ")"
	case p.Watched && !p.Up:
		return p.URI + " (down since " + p.Since.Format(time.TimeOnly) + ": " + p.Error + ")"
	case p.Watched && !p.Since.IsZero():
		return p.URI + " (up, " + p.Latency.Round(time.Millisecond).String() + ")"
	case p.Error != "":
		return p.URI + " (" + p.Error + ")"
	}
	return p.URI
}
