package call_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// The last words of caller, operator and agent reach the engine at the same
// instant, many times: whoever is first, nobody is left behind.
func TestWhoeverIsFirstWhenAllEndsMeetNobodyIsLeftBehind(t *testing.T) {
	inBubble(t, scenarioCenter("UDP"), func(b *bed) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		for i := range 60 {
			a := A.call([]string{"4001", "4002"}[i%2], A.sdp(30000))
			leg := B.rings(time.Second)
			leg.reply(leg.invite, 180, "Ringing", "")
			time.Sleep(100 * time.Millisecond)
			if i%2 == 0 {
				a.answered(time.Second)
				time.Sleep(100 * time.Millisecond)
			}
			switch {
			case i%5 == 4:
				go func() { // ends at once
					time.Sleep(time.Millisecond) // as long as the 200 is under way
					for _, c := range b.eng.Calls() {
						b.eng.Hangup(c.ID, "test")
					}
				}()
			case i%2 == 0:
				a.do("BYE", "")
			default:
				a.cancel()
			}
			leg.reply(leg.invite, 200, "OK", B.sdp(40000))
			polite(a, leg, 2*time.Second)
			synctest.Wait()
			if err := b.eng.Idle(); err != nil {
				t.Errorf("round %d: %v", i, err)
				break
			}
		}
		b.cdrs()
	})
}

// polite answers whatever comes to a caller and an agent for some time.
func polite(a, leg *dialog, d time.Duration) {
	for until := time.Now().Add(d); time.Now().Before(until); {
		if m := a.p.maybe(10*time.Millisecond, isRequest("BYE")); m != nil {
			a.reply(m, 200, "OK", "")
		}
		if m := a.p.maybe(0, isResponse(200, "INVITE")); m != nil {
			a.learn(m)
			a.ack("")
		}
		if m := a.p.maybe(0, func(m *msg) bool { return m.status() >= 300 && m.method() == "INVITE" }); m != nil {
			a.ackFailure(m)
		}
		for _, method := range []string{"BYE", "CANCEL"} {
			if m := leg.p.maybe(0, isRequest(method)); m != nil {
				leg.reply(m, 200, "OK", "")
			}
		}
	}
}
