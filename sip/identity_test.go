package sip

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// Who calls, who forwarded the call, and who may say so.

var claims = []string{
	"P-Asserted-Identity: \"Al\" <sip:alice@carrier>, <tel:+4930123>", "Privacy: id",
	"Diversion: <sip:2222@carrier>;reason=no-answer;privacy=full, <sip:1111@carrier>;reason=Unconditional",
	"Remote-Party-ID: <sip:evil@x>",
}

func TestIdentitiesCountOnlyFromTrustedTrunks(t *testing.T) {
	both(t, nil, func(r *rig, p *peer) {
		for i, trusted := range []bool{true, false} {
			tr, _ := r.ep.trunks.named("lan")
			tr.Trusted = trusted
			r.ep.SetTrunks([]Trunk{tr})
			id := []string{"yes", "no"}[i]
			p.send(p.ask("INVITE", id, id, ";tag=b", "", 1, "offer", claims...))
			p.want("100 INVITE")
			in := r.call(i).in
			if !in.Private {
				t.Errorf("trusted %v: the wish for privacy is lost", trusted)
			}
			if !trusted {
				if in.Asserted != (Address{}) || in.Diverted != nil || in.Headers("Diversion") != nil || in.Headers("P-Asserted-Identity") != nil || in.Headers("Remote-Party-ID") != nil {
					t.Errorf("a stranger's claims are believed: %+v %v", in.Asserted, in.Diverted)
				}
				if in.Headers("i") == nil {
					t.Error("other headers are hidden")
				}
				continue
			}
			if in.Asserted.User != "+4930123" || len(in.Diverted) != 2 || len(in.Headers("diversion")) == 0 {
				t.Fatalf("asserted %+v, diverted %+v", in.Asserted, in.Diverted)
			}
			want := []Diverted{{Address: Address{User: "2222", Host: "carrier"}, Reason: "no-answer", Private: true}, {Address: Address{User: "1111", Host: "carrier"}, Reason: "unconditional"}}
			if !slices.Equal(in.Diverted, want) {
				t.Errorf("diverted %+v, want %+v", in.Diverted, want)
			}
		}
	})
}

func TestHistoryInfoTellsWhoForwarded(t *testing.T) {
	bubble(t, nil, func(r *rig) {
		p := r.udp("10.0.0.2:5060")
		p.send(p.ask("INVITE", "c", "c", ";tag=b", "", 1, "offer",
			"History-Info: <sip:1111@carrier?Reason=SIP%3Bcause%3D302>;index=1, <sip:2222@carrier?Reason=SIP%3Bcause%3D486&Privacy=history>;index=1.1",
			"History-Info: <sip:4000@10.0.0.1>;index=1.2"))
		p.want("100 INVITE")
		want := []Diverted{{Address: Address{User: "2222", Host: "carrier"}, Reason: "user-busy", Private: true}, {Address: Address{User: "1111", Host: "carrier"}, Reason: "unconditional"}}
		if got := r.call(0).in.Diverted; !slices.Equal(got, want) {
			t.Errorf("diverted %+v, want %+v", got, want)
		}
	})
}

func TestOurCallsTellIdentitiesOnlyToTrustedTrunks(t *testing.T) {
	for _, c := range []struct {
		name                                string
		trunk, trusted, anonymous           bool
		from, asserted, privacy, diversions string
	}{
		{"a trusted trunk", true, true, false, "alice", "+4930", "", "<sip:99@10.0.0.1>;reason=no-answer"},
		{"a trusted trunk, hidden", true, true, true, "anonymous@anonymous.invalid", "+4930", "id", "<sip:99@10.0.0.1>;reason=no-answer"},
		{"a trunk that is not", true, false, false, "alice", "", "", ""},
		{"a trunk that is not, hidden", true, false, true, "anonymous@anonymous.invalid", "", "id", ""},
		{"a phone", false, false, false, "alice", "+4930", "", ""},
		{"a phone, hidden", false, false, true, "anonymous@anonymous.invalid", "", "id", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			callees(t, nil, func(r *rig, p *peer) {
				if c.trunk {
					r.ep.SetTrunks([]Trunk{{Name: "out", Peers: []string{p.uri()}, Trusted: c.trusted}})
				}
				r.dial(func(i *Invite) {
					i.Asserted, i.Anonymous = "+4930", c.anonymous
					i.Diversion = []Diverted{{Address: Address{User: "99"}, Reason: "No-Answer"}}
					if c.trunk {
						i.Targets, _ = r.ep.Trunk("out", "123")
					}
				}, p.uri())
				m := p.want("INVITE")
				pai, privacy, div := m.get(hAsserted), strings.Join(m.named("Privacy"), ""), strings.Join(m.named("Diversion"), "")
				if !strings.Contains(m.get(hFrom), c.from) || c.anonymous && strings.Contains(m.get(hFrom), "alice") {
					t.Errorf("From %q, want %s", m.get(hFrom), c.from)
				}
				if (c.asserted == "") != (pai == "") || !strings.Contains(pai, c.asserted) || privacy != c.privacy || div != c.diversions {
					t.Errorf("asserted %q, privacy %q, diversion %q", pai, privacy, div)
				}
			})
		})
	}
}

func TestOwnHeadersOfACall(t *testing.T) {
	callees(t, nil, func(r *rig, p *peer) {
		r.dial(func(i *Invite) {
			i.AutoAnswer = true
			i.Headers = [][2]string{{"X-Hotline-Queue", "sales"}, {"X-Bad", "a\r\nEvil: 1"}, {"X Bad", "a"}, {"Contact", "<sip:evil@x>"}, {"v", "SIP/2.0/UDP evil"}, {"l", "7"}, {"Content-Length", "7"}}
			for range 100 {
				i.Headers = append(i.Headers, [2]string{"X-Many", "1"})
			}
		}, p.uri())
		m := p.want("INVITE")
		if got := strings.Join(m.named("X-Hotline-Queue"), ""); got != "sales" {
			t.Errorf("X-Hotline-Queue %q", got)
		}
		for _, name := range []string{"Evil", "X-Bad", "X Bad"} {
			if m.named(name) != nil {
				t.Errorf("%s was sent", name)
			}
		}
		if len(m.values(hContact)) != 1 || len(m.values(hVia)) != 1 || len(m.named("X-Many")) > maxExtras || m.body == "" {
			t.Errorf("Contact %v, Via %v, %d X-Many", m.values(hContact), m.values(hVia), len(m.named("X-Many")))
		}
		if got := m.named("Call-Info"); len(got) != 1 || got[0] != "<sip:10.0.0.1>;answer-after=0" {
			t.Errorf("Call-Info %q", got)
		}
		if got := m.named("Alert-Info"); len(got) != 1 || !strings.Contains(got[0], ";info=alert-autoanswer") {
			t.Errorf("Alert-Info %q", got)
		}
		p.silent(time.Millisecond)
	})
}
