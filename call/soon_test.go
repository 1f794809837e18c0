package call_test

import (
	"testing"
	"time"

	"hotline/internal/phone"
	"hotline/media"
	"hotline/store"
)

// soon is the longest time from an announcement's end, or the agent's answer where
// there is none, until both hear each other.
const soon = 200 * time.Millisecond

// agentHz is a tone that music and prompts don't have.
const agentHz = 2100

// heardFrom is when a phone first heard a tone that went on for 100 ms, to 10 ms.
func heardFrom(c *phone.Call, hz float64) time.Time {
	const window, step, run = 160, 80, 10 // samples, windows
	r := c.Listen()
	steady := 0
	for at := 0; at+window <= len(r.Samples); at += step {
		if media.Goertzel(r.Samples[at:at+window], 8000, hz)/10000 < 0.5 {
			steady = 0
			continue
		}
		if steady++; steady == run {
			return r.Start.Add(time.Duration(at-(run-1)*step) * time.Second / 8000)
		}
	}
	return r.Start.Add(time.Hour)
}

// bothSoon fails unless both hear each other soon after an instant, and not before
// it.
func bothSoon(t *testing.T, from time.Time, caller, agent *phone.Call) {
	t.Helper()
	toCaller, toAgent := heardFrom(caller, agentHz).Sub(from), heardFrom(agent, callerHz).Sub(from)
	t.Logf("the caller hears the agent after %v, the agent the caller after %v", toCaller, toAgent)
	for who, d := range map[string]time.Duration{"caller": toCaller, "agent": toAgent} {
		if d > soon || d < -20*time.Millisecond {
			t.Errorf("the %s hears the other one after %v, want %v at most", who, d, soon)
		}
	}
}

func TestBothHearEachOtherSoonAfterTheAgentsAnswerWhateverWasPlaying(t *testing.T) {
	for name, c := range map[string]struct {
		queue func(q *store.Queue)
		wait  time.Duration // from the call to the answer
	}{
		"music": {func(q *store.Queue) { q.Announce = &store.Announce{} }, 3 * time.Second},
		"position and wait": {func(q *store.Queue) {
			q.Announce = &store.Announce{Position: true, Wait: true, First: store.Duration(2 * time.Second)}
		}, 2500 * time.Millisecond},
		"offer of a callback": {func(q *store.Queue) {
			q.Announce = &store.Announce{First: store.Duration(2 * time.Second)}
			q.Callback = &store.QueueCallback{Trunk: "world"}
		}, 4 * time.Second},
		"nothing, not answered yet": {func(q *store.Queue) { q.Direct = true }, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			overEach(t, func(transport string) {
				center := wholeCenter()
				off := false
				q := center.Queues["sales"]
				q.AnnounceAgent, q.Survey = &off, "none"
				c.queue(&q)
				center.Queues["sales"] = q
				world := center.Trunks["world"]
				world.Peers = []string{"sip:10.0.1.9:5060"}
				center.Trunks["world"] = world
				inBubble(t, center, func(b *bed) {
					ann := b.agentOver(transport, "1001", "10.0.0.11:5060", phone.RingForever())
					line := b.phone("10.0.1.1:5060", phone.Config{User: "4930123456", Transport: transport})
					caller := make(chan *phone.Call, 1)
					go func() { // ends with the answer
						x, err := line.Call(b.ctx(), "4001")
						must(t, err)
						x.Tone(callerHz)
						caller <- x
					}()
					time.Sleep(c.wait)
					agent := ann.Calls()[0]
					from := time.Now()
					agent.Answer()
					agent.Tone(agentHz)
					time.Sleep(3 * time.Second)
					x := <-caller
					bothSoon(t, from, x, agent)
					x.Hangup()
					b.oneCDR()
				})
			})
		})
	}
}

func TestBothHearEachOtherSoonAfterTheAnnouncementOrTheAgentsKey(t *testing.T) {
	yes, off := true, false
	for name, c := range map[string]struct {
		announce bool // of the agent to the caller
		key      bool // by which the agent accepts
	}{"announcement": {true, false}, "key": {false, true}, "key and announcement": {true, true}} {
		t.Run(name, func(t *testing.T) {
			overEach(t, func(transport string) {
				center := wholeCenter()
				q := center.Queues["sales"]
				q.AnnounceAgent, q.Survey = &c.announce, "none"
				center.Queues["sales"] = q
				a := center.Agents["1001"]
				if a.Confirm = &off; c.key {
					a.Confirm = &yes
				}
				center.Agents["1001"] = a
				inBubble(t, center, func(b *bed) {
					ann := b.agentOver(transport, "1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(agentHz))
					caller := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456", Transport: transport}), "4001")
					caller.Tone(callerHz)
					time.Sleep(3 * time.Second)
					agent := ann.Calls()[0]
					from := time.Now()
					if c.key {
						must(t, agent.Press(b.ctx(), "1", 0)) // he speaks again when it is released
					}
					time.Sleep(15 * time.Second)
					caller.Hangup()
					r := b.oneCDR()
					if c.announce {
						from = endOf(r, "announce")
					}
					bothSoon(t, from, caller, agent)
				})
			})
		})
	}
}
