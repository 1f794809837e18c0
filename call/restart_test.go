package call_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/simnet"
	"hotline/store"
)

// killed is the engine after a kill -9 and a new start: the new one sees the data
// as they are now, and the far ends see nothing of how the old one ends.
func (b *bed) killed() *bed {
	b.t.Helper()
	time.Sleep(2 * store.LogDelay)
	synctest.Wait()
	dir := memoryDir(b.t)
	if err := os.CopyFS(dir, os.DirFS(b.dir)); err != nil {
		b.t.Fatal(err)
	}
	host, _, _ := strings.Cut(engineAddr, ":")
	b.net.Filter(func(from, to string, _ []byte) bool {
		return !strings.HasPrefix(from, host) && !strings.HasPrefix(to, host)
	})
	after := b.after // the far ends live on
	b.after = nil
	b.end()
	b.net.Filter(nil)
	next := newBed(b.t, dir, b.net)
	next.after = after
	return next
}

// recordedCenter is scenarioCenter with recordings, and a menu at 4000.
func recordedCenter() store.Center {
	c := scenarioCenter("UDP")
	q := c.Queues["sales"]
	q.Record = nil
	c.Queues["sales"] = q
	c.Numbers["4000"] = store.Number{To: "flow:menu"}
	c.Flows["menu"] = store.Flow{Start: "m", Nodes: []byte(`{
		"m": {"kind": "menu", "prompts": ["welcome"], "keys": {"1": "q"}, "default": "bye", "tries": 10, "timeout": "1m"},
		"q": {"kind": "queue", "queue": "sales"},
		"bye": {"kind": "hangup"}}`)}
	return c
}

func TestAfterAKillEachSideGetsItsByeWhereverTheCallWas(t *testing.T) {
	for _, where := range []string{"menu", "queue", "ringing", "talk"} {
		t.Run(where, func(t *testing.T) {
			inBubble(t, recordedCenter(), func(b *bed) {
				A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
				if where == "queue" {
					must(t, b.eng.SetAgentState("1001", "not ready", "", "test"))
				}
				a := A.call(map[string]string{"menu": "4000"}[where]+map[bool]string{true: "4001"}[where != "menu"], A.sdp(30000))
				a.answered(time.Second)
				var leg *dialog
				if where == "talk" || where == "ringing" {
					leg = B.rings(time.Second)
					leg.reply(leg.invite, 180, "Ringing", "")
				}
				if where == "talk" {
					leg.accept(40000)
				}
				time.Sleep(10 * time.Second)
				again := b.killed()
				defer again.end()
				a.hungUp(2 * time.Second)
				if where == "talk" {
					leg.hungUp(2 * time.Second)
				}
				cdr := again.oneCDR()
				if !cdr.Recovered || cdr.Cause.Blame != "us" || len(cdr.Legs) == 0 || cdr.Legs[0].Role != "caller" {
					t.Errorf("got %+v, want a recovered record with the caller's leg", cdr)
				}
				for _, l := range cdr.Legs {
					if l.Ended.IsZero() || l.Cause.Text == "" {
						t.Errorf("leg has no end: %+v", l)
					}
				}
				if list, _ := again.st.Journals(); len(list) != 0 {
					t.Errorf("%d calls are left in the journal", len(list))
				}
				if where == "talk" {
					r, err := again.st.Recording(cdr.Recording)
					if err != nil || !r.Torn || r.Agent != "1001" || r.Length.D() < 8*time.Second {
						t.Errorf("recording is %+v, %v; want a torn one of about 10 s", r, err)
					}
				}
				again.agentState("1001", map[bool]string{true: "not ready", false: "ready"}[where == "queue"])
			})
		})
	}
}

func TestARestartKeepsWhatAgentsAskedFor(t *testing.T) {
	center := twoAgents("UDP")
	center.Agents["1003"] = store.Agent{Contact: "sip:1003@10.0.0.5:5060", State: "ready"}
	center.Agents["1004"] = store.Agent{Contact: "sip:1004@10.0.0.5:5060"}
	inBubble(t, center, func(b *bed) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		must(t, b.eng.SetAgentState("1002", "not ready", "lunch", "test"))
		must(t, b.eng.SetAgentState("1003", "logged out", "", "test"))
		waits(A)
		B.rings(time.Second).accept(40000)
		time.Sleep(time.Second)
		b.agentState("1001", "talking")
		must(t, b.eng.SetAgentState("1001", "not ready", "paperwork", "test")) // after the talk
		b.agentState("1001", "talking")
		again := b.killed()
		defer again.end()
		again.agentState("1001", "not ready (paperwork)")
		again.agentState("1002", "not ready (lunch)")
		again.agentState("1003", "logged out")
		again.agentState("1004", "logged out")
		must(t, again.eng.SetAgentState("1003", "ready", "", "test"))
		third := again.killed()
		defer third.end()
		third.agentState("1003", "ready")
		third.agentState("1001", "not ready (paperwork)")
	})
}

func TestAShutdownEndsEachCallWithItsLastWords(t *testing.T) {
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, dir, simnet.New(simnet.Options{Latency: time.Millisecond}))
		b.apply(twoAgents("UDP"))
		A, B, C := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB), b.newPeer("UDP", addrC)
		talks := waits(A)
		first := B.rings(time.Second)
		first.accept(40000)
		rings := A.call("4002", A.sdp(30002)) // unanswered
		second := C.rings(time.Second)
		second.reply(second.invite, 180, "Ringing", "")
		rings.response(180, "INVITE", time.Second)
		queued := A.call("4001", A.sdp(30004))
		queued.answered(time.Second)
		after := b.after
		b.after = nil
		defer func() {
			for _, f := range after {
				f()
			}
		}()
		go b.stop() // the test goes on as the far ends
		rings.refused(503, time.Second)
		queued.hungUp(time.Second)
		talks.hungUp(time.Second)
		first.hungUp(time.Second)
		cancel := second.gets("CANCEL", time.Second)
		second.reply(cancel, 200, "OK", "")
		second.reply(second.invite, 487, "Request Terminated", "")
		time.Sleep(time.Second)
		var traces []string
		must(t, b.st.CDRs(store.Filter{}, func(c store.CDR) bool {
			checkCDR(t, c)
			traces = append(traces, c.Trace)
			return true
		}))
		slices.Sort(traces)
		want := []string{"wait direct; offer 1: withdrawn; end: shutdown", "wait sales; end: shutdown", "wait sales; offer 1: answered; talk; end: shutdown"}
		if !slices.Equal(traces, want) {
			t.Errorf("got traces  %q\nwant traces %q", traces, want)
		}
		b.end()
	})
}

// limited runs a test on an engine with limits of its own.
func limited(t *testing.T, center store.Center, change func(*call.Config), test func(b *bed)) {
	t.Helper()
	dir := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBed(t, dir, simnet.New(simnet.Options{Latency: time.Millisecond}), change)
		defer b.end()
		b.apply(center)
		test(b)
	})
}

func TestMoreCallsThanAllowedGet503(t *testing.T) {
	limited(t, scenarioCenter("UDP"), func(c *call.Config) { c.MaxCalls = 1 }, func(b *bed) {
		A := b.newPeer("UDP", addrA)
		a := waits(A)
		A.call("4001", A.sdp(30002)).refused(503, time.Second)
		a.bye()
		time.Sleep(100 * time.Millisecond)
		waits(A).bye()
		if n := len(b.cdrs()); n != 2 {
			t.Errorf("got %d CDRs, want 2", n)
		}
	})
}

func TestWithoutAPortTheCallerIsRefusedAndTheAgentIsNotBlamed(t *testing.T) {
	limited(t, scenarioCenter("UDP"), func(c *call.Config) { c.Media.PortMin, c.Media.PortMax = 20000, 20001 }, func(b *bed) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		a := waits(A)
		B.none("INVITE", time.Second, isRequest("INVITE"))
		b.agentState("1001", "ready")
		A.call("4001", A.sdp(30002)).refused(503, time.Second)
		a.bye()
		b.wantTrace("wait sales; offer 1: no capacity; end: caller hung up")
	})
}

func TestAFlowSaysWhereToGoWhenNobodyIsLoggedIn(t *testing.T) {
	center := scenarioCenter("UDP")
	center.Numbers["4006"] = store.Number{To: "flow:f"}
	center.Flows["f"] = store.Flow{Start: "q", Nodes: []byte(`{
		"q": {"kind": "queue", "queue": "sales", "nobody": "sorry"},
		"sorry": {"kind": "hangup", "prompts": ["nobody-available"]}}`)}
	inBubble(t, center, func(b *bed) {
		A := b.newPeer("UDP", addrA)
		must(t, b.eng.SetAgentState("1001", "not ready", "", "test"))
		a := A.call("4006", A.sdp(30000)) // somebody is logged in: he waits
		a.answered(time.Second)
		other := waits(A) // came without the flow: he waits whoever leaves
		time.Sleep(10 * time.Second)
		must(t, b.eng.SetAgentState("1001", "logged out", "", "test"))
		a.hungUp(20 * time.Second)
		A.call("4006", A.sdp(30002)).answered(time.Second)
		A.await("BYE", 20*time.Second, isRequest("BYE"))
		other.bye()
		for i, want := range []string{"menu; wait sales; overflow: nobody logged in; menu; end: flow ended", "wait sales; end: caller hung up",
			"menu; wait sales; overflow: nobody logged in; menu; end: flow ended"} {
			if got := b.cdrs()[i].Trace; got != want {
				t.Errorf("call %d: got %s, want %s", i, got, want)
			}
		}
	})
}

func TestACallThatGoesRoundInCirclesEnds(t *testing.T) {
	center := scenarioCenter("UDP")
	center.Numbers["4006"] = store.Number{To: "flow:f"}
	center.Flows["f"] = store.Flow{Start: "q", Nodes: []byte(`{"q": {"kind": "queue", "queue": "sales", "nobody": "again"},
		"again": {"kind": "queue", "queue": "sales", "nobody": "q"}}`)}
	inBubble(t, center, func(b *bed) {
		must(t, b.eng.SetAgentState("1001", "logged out", "", "test"))
		A := b.newPeer("UDP", addrA)
		a := A.call("4006", A.sdp(30000))
		a.answered(time.Second)
		a.hungUp(5 * time.Second)
		if c := b.oneCDR(); !strings.Contains(c.Cause.Text, "circles") || c.Cause.Blame != "us" {
			t.Errorf("got cause %+v, want circles by us", c.Cause)
		}
	})
}

func TestARatingThatTheFlowAsksForCounts(t *testing.T) {
	center := scenarioCenter("UDP")
	center.Numbers["4006"] = store.Number{To: "flow:f"}
	center.Flows["f"] = store.Flow{Start: "q", Nodes: []byte(`{"q": {"kind": "queue", "queue": "sales", "next": "ask"},
		"ask": {"kind": "survey", "items": [{"name": "service", "prompts": ["survey-service"]}]}}`)}
	inBubble(t, center, func(b *bed) {
		A, B := b.newPeer("UDP", addrA), b.newPeer("UDP", addrB)
		a := A.call("4006", A.sdp(30000))
		a.answered(time.Second)
		leg := B.rings(time.Second)
		leg.accept(40000)
		time.Sleep(time.Second)
		leg.bye()
		time.Sleep(time.Second)
		a.info("application/dtmf", "4")
		a.response(200, "INFO", time.Second)
		a.hungUp(20 * time.Second)
		if c := b.oneCDR(); len(c.Ratings) != 1 || c.Ratings[0].Stars != 4 {
			t.Errorf("got ratings %+v, want one of 4", c.Ratings)
		}
		if a := b.eng.Agents()[0]; a.Ratings != 1 {
			t.Errorf("agent has %d ratings, want 1", a.Ratings)
		}
	})
}
