package call

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hotline/sip"
	"hotline/store"
)

func (k *check) trunk(id string, t store.Trunk) {
	k.id("trunks", id)
	for i, p := range t.Peers {
		if _, err := sip.ParseTarget(p); err != nil {
			k.add(fmt.Sprintf("%s[%d]", at("trunks", id, "peers"), i), "not a SIP address: "+err.Error(), "such as sip:trunk.example.net:5060;transport=udp")
		}
	}
	for i, a := range t.Addresses {
		if _, err := parsePrefix(a); err != nil {
			k.add(fmt.Sprintf("%s[%d]", at("trunks", id, "addresses"), i), fmt.Sprintf("%q is no address", a), "an IP address or a prefix such as 192.0.2.0/28")
		}
	}
	if len(t.Peers) == 0 && len(t.Addresses) == 0 {
		k.add(at("trunks", id, ""), "a trunk without peers and addresses can neither call nor be called", "peers, addresses or both")
	}
	if t.Register && len(t.Peers) == 0 {
		k.add(at("trunks", id, "register"), "nowhere to register", "peers")
	}
	if t.Register && t.User == "" {
		k.add(at("trunks", id, "register"), "no user to register", "user and secret")
	}
	if !slices.Contains([]string{"", "allow", "deny"}, t.Hairpin) {
		k.add(at("trunks", id, "hairpin"), fmt.Sprintf("no choice %q", t.Hairpin), "allow or deny")
	}
	k.secured(at("trunks", id, "srtp"), t.SRTP)
	k.span(at("trunks", id, "no_answer"), t.NoAnswer, time.Minute)
	k.span(at("trunks", id, "expires"), t.Expires, 24*time.Hour)
	k.trunkLimits(id, t)
	k.trunkTLS(id, t)
}

// trunkLimits are how a trunk is watched and how much goes through it.
func (k *check) trunkLimits(id string, t store.Trunk) {
	if d := t.KeepAlive.D(); d != 0 && (d < 5*time.Second || d > time.Hour) {
		k.add(at("trunks", id, "keep_alive"), fmt.Sprintf("%s is out of range", t.KeepAlive), "30s; between 5s and 1h, or 0 for never")
	}
	if t.Redirects < 0 || t.Redirects > 8 {
		k.add(at("trunks", id, "redirects"), fmt.Sprintf("%d is out of range", t.Redirects), "0 to 8")
	}
	if t.Most < 0 {
		k.add(at("trunks", id, "most"), "can't be negative", "calls out at once, or 0 for no limit")
	}
}

func (k *check) trunkTLS(id string, t store.Trunk) {
	if t.TLS == nil {
		return
	}
	if (t.TLS.Cert == "") != (t.TLS.Key == "") {
		k.add(at("trunks", id, "tls"), "a certificate and its key go together", "both cert and key, or neither")
	}
	if t.TLS.Mutual && t.TLS.Name == "" {
		k.add(at("trunks", id, "tls.mutual"), "nobody knows the trunk by its certificate", "name: the name in its certificate")
	}
	for _, p := range t.Peers {
		if strings.Contains(p, "transport=tls") || strings.HasPrefix(p, "sips:") {
			return
		}
	}
	if !t.TLS.Mutual {
		k.add(at("trunks", id, "tls"), "none of its peers is called over TLS", "a peer such as sip:trunk.example.net:5061;transport=tls")
	}
}
