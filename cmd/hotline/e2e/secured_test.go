package e2e_test

import (
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
