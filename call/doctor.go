package call

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"hotline/sip"
)

// What a finding says of its thing.
const (
	Pass = "PASS"
	Warn = "WARN" // works, or may, but somebody should look
	Fail = "FAIL" // does not work
)

// Finding is what was found of one thing that must work.
type Finding struct {
	Check  string `json:"check"` // "sockets", "trunks", "phones", ...
	Result string `json:"result"`
	What   string `json:"what"`
	Try    string `json:"try,omitempty"` // how to mend it
}

// findings gathers what is found.
type findings []Finding

func (f *findings) add(check, result, try, what string, args ...any) {
	if result == Pass {
		try = ""
	}
	*f = append(*f, Finding{check, result, fmt.Sprintf(what, args...), try})
}

// Doctor looks for what is wrong with the process and its center. It takes as long
// as the slowest trunk or STUN server, and ends early with ctx.
func (e *Engine) Doctor(ctx context.Context) []Finding {
	var f findings
	up := e.sip.Checkup(ctx)
	f.sockets(up)
	f.outside(up, e.cfg.SIP.Advertise)
	f.trunks(up.Trunks)
	f.registrations(e.Trunks())
	f.audio(e)
	f.calls(e.Calls())
	f.database(e)
	if e.recs != nil {
		f = append(f, Folder("recordings", e.recs.Root()))
	}
	for _, text := range e.Status().Degraded {
		f.add("engine", Fail, "look into the log of hotline serve", "%s", text)
	}
	w := e.world.Load()
	return append(f, Examine(w.center, func(id string) bool { return e.reachable(id, w.center.Agents[id]) })...)
}

func (f *findings) sockets(up sip.Checkup) {
	for _, s := range up.Sockets {
		name := s.Network + "://" + s.Local.String()
		host, _, _ := net.SplitHostPort(s.Shown)
		a, _ := netip.ParseAddr(host)
		switch {
		case s.Error == "":
			f.add("sockets", Pass, "", "%s is bound; peers outside answer to %s", name, s.Shown)
		case sip.Inside(a) && !a.IsLoopback():
			f.add("sockets", Warn, "advertise: your address outside, or stun:HOST, in hotline.yaml; nothing if all phones and trunks are in this network",
				"%s: %s (%s)", name, s.Error, s.Shown)
		default:
			f.add("sockets", Fail, "advertise: your address outside, or stun:HOST, in hotline.yaml", "%s: %s (%s)", name, s.Error, s.Shown)
		}
	}
}

// outside compares the address that the world sees with the one we tell it.
func (f *findings) outside(up sip.Checkup, advertise string) {
	for _, s := range up.STUN {
		if s.Error != "" {
			f.add("stun", Fail, "another STUN server, or let UDP through the firewall", "%s from %s: %s", s.Server, s.Local, s.Error)
			continue
		}
		told, err := netip.ParseAddr(advertise)
		if err == nil && told.Unmap() != s.Mapped.Addr() {
			f.add("stun", Fail, "advertise: "+s.Mapped.Addr().String()+" in hotline.yaml",
				"peers are told %s, but %s sees us at %s: audio and answers go astray", advertise, s.Server, s.Mapped)
			continue
		}
		f.add("stun", Pass, "", "%s sees %s as %s, %s away", s.Server, s.Local, s.Mapped, s.RTT.Round(time.Millisecond))
	}
	switch up.NAT {
	case sip.NATSymmetric:
		f.add("nat", Warn, "forward the SIP and RTP ports on the router, or trunks that register or use TCP or TLS",
			"the router gives each peer another port of ours: only who we called first can reach us")
	case sip.NATMaps:
		f.add("nat", Warn, "forward the SIP and RTP ports on the router to this machine", "the router gives our sockets other ports: audio may go astray")
	case sip.NATKeepsPort:
		f.add("nat", Pass, "", "a router is between, and keeps our ports")
	case sip.NATNone:
		f.add("nat", Pass, "", "none: our own address is public")
	}
}

// trunks: a trunk lives while one of its peers does.
func (f *findings) trunks(checks []sip.TrunkCheck) {
	alive := map[string]bool{}
	for _, t := range checks {
		alive[t.Trunk] = alive[t.Trunk] || t.Error == ""
	}
	for _, t := range checks {
		switch {
		case t.Error == "":
			f.add("trunks", Pass, "", "%s: %s answered %d after %s", t.Trunk, t.Peer, t.Status, t.RTT.Round(time.Millisecond))
		case alive[t.Trunk]:
			f.add("trunks", Warn, "ask the provider, or take it out of the trunk's peers", "%s: %s: %s; calls go to its other peers", t.Trunk, t.Peer, t.Error)
		default:
			f.add("trunks", Fail, "check the trunk's peers, the firewall, and with the provider", "%s: %s: %s", t.Trunk, t.Peer, t.Error)
		}
	}
}

func (f *findings) registrations(list []TrunkView) {
	for _, t := range list {
		switch {
		case !t.Registers:
		case t.Registered:
			f.add("trunks", Pass, "", "%s is registered until %s", t.ID, t.Expires.Format(time.TimeOnly))
		default:
			why := t.Error
			if why == "" {
				why = "no answer yet"
			}
			f.add("trunks", Fail, "user, secret and realm of the trunk", "%s is not registered: %s", t.ID, why)
		}
	}
}

// audio is what the media plane has met since the start.
func (f *findings) audio(e *Engine) {
	st, cfg := e.mediaStats(), e.cfg.Media
	ports := fmt.Sprintf("%s:%d-%d", cfg.Addr, cfg.PortMin, cfg.PortMax)
	switch free := int64(cfg.PortMax-cfg.PortMin+1)/2 - st.Legs.Load(); {
	case st.NoPorts.Load() > 0:
		f.add("rtp", Fail, "a wider range for rtp in hotline.yaml", "%s: %d calls were refused for want of a port", ports, st.NoPorts.Load())
	case st.PortsBusy.Load() > 0:
		f.add("rtp", Warn, "another range for rtp in hotline.yaml, or end what uses these", "%s: other programs held ports of it %d times", ports, st.PortsBusy.Load())
	default:
		f.add("rtp", Pass, "", "%s: room for %d more legs", ports, max(free, 0))
	}
	if late := st.LateTicks.Load(); late > 0 {
		f.add("clock", Warn, "fewer calls, more cores, or CAP_SYS_NICE for the media process", "the audio's clock was more than 20 ms late %d times since the start", late)
	}
	if n := st.RecordDrops.Load(); n > 0 {
		f.add("recordings", Warn, "a faster disk", "%d bytes of audio were not recorded: the disk was too slow", n)
	}
}

// calls are those of which somebody hears nothing now.
func (f *findings) calls(list []CallView) {
	n := 0
	for _, c := range list {
		for _, s := range c.Silent {
			n++
			f.add("calls", Fail, "is that phone muted? else UDP from there to our rtp ports is dropped on the way, or we tell it the wrong address (advertise)",
				"call %s: nothing has come from its %s (%s) for %s: one-way audio on that leg", c.ID, s.Leg, s.Peer, time.Since(s.Since).Round(time.Second))
		}
	}
	if n == 0 {
		f.add("calls", Pass, "", "%d run, each side is heard", len(list))
	}
}

func (f *findings) database(e *Engine) {
	err := e.store.PutMeta("doctor", []byte(time.Now().UTC().Format(time.RFC3339)))
	if err == nil {
		err = e.store.Sync()
	}
	if err != nil {
		f.add("database", Fail, "free space and rights of the data directory", "can't be written: %v", err)
		return
	}
	f.add("database", Pass, "", "is written")
}

// Folder finds whether files can be written to a folder.
func Folder(check, dir string) Finding {
	t, err := os.CreateTemp(dir, ".doctor-*")
	if err == nil {
		_, err = t.WriteString("doctor")
		if e := t.Close(); err == nil {
			err = e
		}
		_ = os.Remove(t.Name())
	}
	if err != nil {
		return Finding{check, Fail, fmt.Sprintf("nothing can be written to %s: %s", dir, strings.TrimPrefix(err.Error(), "open ")), "free space and rights of that folder"}
	}
	return Finding{check, Pass, dir + " is writable", ""}
}
