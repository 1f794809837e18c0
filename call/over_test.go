package call_test

import (
	"math"
	"testing"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/media"
	"hotline/store"
)

// softest is the faintest that a tone is in any fifth of a second, as a share of what
// a phone says; spoken is true if something else is heard beside it somewhere.
func softest(pcm []int16, hz float64) (least float64, spoken bool) {
	least = math.Inf(1)
	for at := 0; at+1600 <= len(pcm); at += 1600 {
		span := pcm[at : at+1600]
		tone := media.Goertzel(span, 8000, hz)
		least = min(least, tone/10000)
		power := 0.0
		for _, v := range span {
			power += float64(v) * float64(v) / float64(len(span))
		}
		spoken = spoken || power-tone*tone/2 > 500*500
	}
	return least, spoken
}

// overheard fails unless a leg hears something else since an instant and, all the time,
// a tone beneath it.
func overheard(t *testing.T, who string, c *phone.Call, from time.Time, hz float64) {
	t.Helper()
	switch least, spoken := softest(c.Listen().Since(from).Samples, hz); {
	case !spoken:
		t.Errorf("%s hears no sentence", who)
	case least < 0.2:
		t.Errorf("meanwhile %s hears %g Hz at %.2f only", who, hz, least)
	}
}

func TestAnAgentHearsHisCallerWhileHisKeysAreRefused(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		must(t, d.agent.Press(d.ctx(), "*277#", 50*time.Millisecond))
		from := time.Now()
		time.Sleep(3 * time.Second)
		overheard(t, "the agent", d.agent, from, callerHz)
		d.caller.Hangup()
		d.oneCDR()
	})
}

// The ringing goes on behind the sentence.
func TestAnAgentHearsInWordsWhatHisKeysCanNotDoWhileHeConsults(t *testing.T) {
	withDesk(t, phone.RingForever(), func(d *desk) {
		d.asks(call.DoConsult, "agent:1002")
		time.Sleep(5800 * time.Millisecond) // ringing is heard for one second in five
		from := time.Now()
		must(t, d.agent.Press(d.ctx(), "*4", 50*time.Millisecond))
		time.Sleep(3 * time.Second)
		if !d.agent.HeardSpeech(from) {
			t.Error("the agent hears no sentence")
		}
		from = time.Now()
		time.Sleep(5 * time.Second)
		if got := loudness(d.agent.Listen().Since(from).Samples, 425); got < 0.05 {
			t.Errorf("behind the sentence the agent hears the ringing at %.2f", got)
		}
		d.caller.Hangup()
		d.oneCDR()
	})
}

func TestAnAgentHearsHisCallerWhileABeepTellsOfTheMask(t *testing.T) {
	withDesk(t, nil, func(d *desk) {
		must(t, d.agent.Press(d.ctx(), "*8", 50*time.Millisecond))
		from := time.Now()
		time.Sleep(time.Second)
		overheard(t, "the agent", d.agent, from, callerHz)
		d.caller.Hangup()
		d.oneCDR()
	})
}

func TestWhoWaitsHearsAnAnnouncementOverASupervisorWhoSpeaks(t *testing.T) {
	center := supervisedCenter()
	q := center.Queues["sales"]
	q.Announce = &store.Announce{First: store.Duration(8 * time.Second), Every: store.Duration(time.Hour), Position: true}
	center.Queues["sales"] = q
	inBubble(t, center, func(b *bed) {
		boss := b.agent("9001", "10.0.0.21:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(bossHz))
		b.agent("1001", "10.0.0.11:5060", phone.RingForever())
		must(t, b.eng.SetAgentState("1001", "not ready", "", "test"))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"}), "4001")
		time.Sleep(2 * time.Second)
		b.supervise(boss, b.eng.Calls()[0].ID, "9001", "barge")
		time.Sleep(time.Second)
		from := time.Now()
		time.Sleep(8 * time.Second)
		overheard(t, "the caller", c, from, bossHz)
		from = time.Now()
		time.Sleep(2 * time.Second)
		if least, spoken := softest(c.Listen().Since(from).Samples, bossHz); spoken || least < 0.8 {
			t.Errorf("afterwards the caller hears the supervisor at %.2f, and something else: %v", least, spoken)
		}
		c.Hangup()
		b.oneCDR()
	})
}
