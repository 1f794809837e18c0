package call

import (
	"strings"
	"testing"

	"hotline/media/sdp"
	"hotline/store"
)

func TestSecuredAudioIsChosenByAgentAndTrunk(t *testing.T) {
	w := &world{center: store.Center{
		Agents: map[string]store.Agent{"1001": {}, "1002": {SRTP: "require"}, "1003": {Trunk: "acme"}, "1004": {Trunk: "acme", SRTP: "off"}},
		Trunks: map[string]store.Trunk{"acme": {SRTP: "prefer"}, "1002": {}},
	}}
	for peer, want := range map[string]sdp.Policy{
		"agent:1001": sdp.Off, "agent:1002": sdp.Require, "agent:1003": sdp.Prefer, "agent:1004": sdp.Off,
		"trunk:acme": sdp.Prefer, "trunk:1002": sdp.Off, "trunk:none": sdp.Off, "": sdp.Off,
	} {
		if got := w.secures(peer); got != want {
			t.Errorf("%s: got %v, want %v", peer, got, want)
		}
	}
}

func TestAnUnknownChoiceOfSecuredAudioIsAProblem(t *testing.T) {
	problems := Check(store.Center{
		Agents: map[string]store.Agent{"1001": {SRTP: "always"}},
		Trunks: map[string]store.Trunk{"acme": {Peers: []string{"sip:192.0.2.1:5060"}, SRTP: "yes"}, "good": {Peers: []string{"sip:192.0.2.1:5060"}, SRTP: "require"}},
	})
	found := 0
	for _, p := range problems {
		if strings.HasSuffix(p.Path, ".srtp") && strings.Contains(p.Try, "prefer") {
			found++
		}
	}
	if found != 2 {
		t.Errorf("got %d problems with srtp in %v, want 2", found, problems)
	}
}

func TestASecuredOfferIsUsableOnlyWhereThatIsAllowed(t *testing.T) {
	offer := []byte(strings.Join([]string{"v=0", "o=- 1 1 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0", "m=audio 4000 RTP/SAVP 0",
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OWFiY2RlZkFCQ0RFRkdISUpLTE1O"}, "\r\n") + "\r\n")
	for p, want := range map[sdp.Policy]bool{sdp.Off: false, sdp.Prefer: true, sdp.Require: true} {
		if err := usable(offer, p); (err == nil) != want {
			t.Errorf("policy %d: got %v, want usable %v", p, err, want)
		}
	}
}
