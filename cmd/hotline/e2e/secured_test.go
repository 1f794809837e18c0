package e2e_test

import (
	"strings"
	"testing"
	"time"
)

func TestASecuredLinphoneTalksWithAPlainOneAndIsRecorded(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml", "{name: Ann,", "{name: Ann, srtp: require,")
	ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), says: 440, secured: true})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), says: 880})
	bob.do("call sip:4001@hotline")
	hearsTone(t, "the caller", bob.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	time.Sleep(time.Second)
	bob.do("terminate")
	cdr := h.cdr()
	h.wantRecording(cdr, 880, 440)
	for _, l := range cdr.Legs {
		if l.MOS < 3.5 || l.WorstMOS < 3 || l.RFactor < 70 {
			t.Errorf("%s: got MOS %.2f, worst %.2f, R %.1f, want a good line", l.Peer, l.MOS, l.WorstMOS, l.RFactor)
		}
	}
}

func TestASecuredCallerIsTakenWhereThatIsPreferred(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml", "{name: Bob,", "{name: Bob, srtp: prefer,")
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), says: 880, secured: true})
	bob.do("call sip:4000@hotline")
	h.stage("menu")
	hears(t, "the caller", bob.heard, "welcome")
	bob.do("terminate")
	h.cdr()
}

// Each suite that linphone has in both roles: the caller's phone offers it alone,
// the agent's takes no other one of ours.
func TestLinphonesTalkByEachSuite(t *testing.T) {
	for _, suite := range []string{"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			h := center(t, "testdata/phones/center.yaml", "{name: Ann,", "{name: Ann, srtp: require,", "{name: Bob,", "{name: Bob, srtp: require,")
			ann := h.linphone(linphoneCmd{user: "1001", secret: h.secret("1001"), says: 440, secured: true, suite: suite})
			bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), says: 880, secured: true, suite: suite})
			bob.do("call sip:4001@hotline")
			hearsTone(t, "the caller", bob.heard, 440)
			hearsTone(t, "the agent", ann.heard, 880)
			time.Sleep(time.Second)
			bob.do("terminate")
			h.wantRecording(h.cdr(), 880, 440)
		})
	}
}

// baresip takes the first suite of our offer.
func TestABaresipTalksByTheStrongestSuite(t *testing.T) {
	t.Parallel()
	h := center(t, "testdata/phones/center.yaml", "{name: Ann,", "{name: Ann, srtp: require,")
	ann := h.registered(baresipCmd{user: "1001", secret: h.secret("1001"), says: 440, secured: true})
	bob := h.linphone(linphoneCmd{user: "1002", secret: h.secret("1002"), says: 880})
	bob.do("call sip:4001@hotline")
	hearsTone(t, "the caller", bob.heard, 440)
	hearsTone(t, "the agent", ann.heard, 880)
	if !strings.Contains(ann.output(), "AEAD_AES_256_GCM") {
		t.Errorf("baresip does not say that it uses AEAD_AES_256_GCM:\n%s", tail(ann.output(), 2000))
	}
	time.Sleep(time.Second)
	bob.do("terminate")
	h.wantRecording(h.cdr(), 880, 440)
}
