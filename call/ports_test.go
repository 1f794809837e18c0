package call_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/simnet"
)

func TestWithoutAPortForItsAudioACallIsRefusedAndTheOthersTalkOn(t *testing.T) {
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, dir, simnet.New(simnet.Options{Latency: time.Millisecond}), func(c *call.Config) {
			c.Media.PortMin, c.Media.PortMax = 20000, 20003 // two legs
		})
		defer b.end()
		b.apply(scenarioCenter("UDP"))
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		a, leg, sa, sb := audible(b, A, B)
		converse(time.Second, map[*sound]float64{sa: 500, sb: 700})
		sa.forget()
		for n := range 3 {
			A.call("4001", A.sdp(30100+2*n)).refused(503, time.Second)
			converse(200*time.Millisecond, map[*sound]float64{sa: 500, sb: 700})
		}
		got := sa.packets()
		if len(got) < 28 {
			t.Errorf("the running call's caller got %d packets, want 30", len(got))
		}
		for i := 1; i < len(got); i++ {
			if got[i].seq != got[i-1].seq+1 {
				t.Errorf("the running call lost a packet: %d after %d", got[i].seq, got[i-1].seq)
			}
		}
		if n := b.eng.Status().Media.NoPorts; n != 3 {
			t.Errorf("got %d legs without a port in the figures, want 3", n)
		}
		if !strings.Contains(b.log.String(), "no free port") {
			t.Error("the log does not say why the calls were refused")
		}
		a.bye()
		leg.hungUp(time.Second)
		time.Sleep(2 * time.Second)
		a, leg = up(A, B) // ports are free again
		a.bye()
		leg.hungUp(time.Second)
	})
}
