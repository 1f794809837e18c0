package call_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hotline/internal/phone"
	"hotline/ivr/prompts"
	"hotline/media"
	"hotline/store"
)

// wholeCenter is a small center: a menu in two languages, a queue with two
// agents who register, a survey. Callers come from 10.0.1.0/24.
func wholeCenter() store.Center {
	wrap := store.Duration(5 * time.Second)
	return store.Center{
		Settings: store.Settings{Language: "en", Survey: "rating"},
		Trunks:   map[string]store.Trunk{"world": {Addresses: []string{"10.0.1.0/24"}}},
		Agents: map[string]store.Agent{
			"1001": {Name: "Ann", Queues: []string{"sales"}, State: "ready"},
			"1002": {Name: "Bob", Queues: []string{"sales"}},
		},
		Queues: map[string]store.Queue{"sales": {Name: "Sales", WrapUp: &wrap, MaxWait: store.Duration(2 * time.Minute),
			Overflow: "flow:sorry"}},
		Numbers: map[string]store.Number{"4000": {To: "flow:main"}, "4001": {To: "queue:sales"}, "4008": {To: "flow:main", Language: "zh"}},
		Flows: map[string]store.Flow{
			"main": {Start: "choose", Nodes: []byte(`{
				"choose": {"kind": "menu", "prompts": ["welcome", "menu-main"], "keys": {"1": "sales", "2": "sorry"}, "default": "sorry"},
				"sales": {"kind": "queue", "queue": "sales"},
				"sorry": {"kind": "hangup", "prompts": ["goodbye"]}}`)},
			"sorry": {Start: "s", Nodes: []byte(`{"s": {"kind": "hangup", "prompts": ["nobody-available", "goodbye"]}}`)},
			"rating": {Start: "ask", Nodes: []byte(`{
				"ask": {"kind": "survey", "items": [{"name": "service", "prompts": ["survey-service"]}], "next": "bye"},
				"bye": {"kind": "hangup", "prompts": ["goodbye"]}}`)},
		},
	}
}

// phone opens a softphone on the bed's network; it ends with the bed.
func (b *bed) phone(addr string, c phone.Config) *phone.Phone {
	b.t.Helper()
	ip := netip.MustParseAddrPort(addr).Addr()
	c.Addr, c.ListenRTP, c.Registrar = ip, b.net.ListenUDP, engineAddr
	if c.Transport == "tcp" {
		l, err := b.net.Listen(addr)
		if err != nil {
			b.t.Fatal(err)
		}
		c.Stream, c.Dial = []net.Listener{l}, b.net.Dialer(ip)
	} else {
		pc, err := b.net.ListenPacket(addr)
		if err != nil {
			b.t.Fatal(err)
		}
		c.Packet = []net.PacketConn{pc}
	}
	p, err := phone.New(c)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }() // ends with the bed
	old := b.stop
	b.stop = func() { cancel(); <-done; old() }
	return p
}

// agent opens an agent's phone and registers it with a fresh secret.
func (b *bed) agent(id, addr string, policy phone.Policy) *phone.Phone {
	b.t.Helper()
	return b.agentOver("udp", id, addr, policy)
}

func (b *bed) agentOver(transport, id, addr string, policy phone.Policy) *phone.Phone {
	b.t.Helper()
	secret, err := b.eng.NewSecret(id)
	if err != nil {
		b.t.Fatal(err)
	}
	p := b.phone(addr, phone.Config{User: id, Secret: secret, Policy: policy, Transport: transport})
	if err := p.Register(b.ctx()); err != nil {
		b.end()
		b.t.Fatalf("register %s: %v", id, err)
	}
	synctest.Wait()
	return p
}

// ctx bounds what a test waits for, in virtual time.
func (b *bed) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	old := b.stop
	b.stop = func() { cancel(); old() }
	return ctx
}

// dials places a call and waits until it is answered.
func (b *bed) dials(p *phone.Phone, number string) *phone.Call {
	b.t.Helper()
	c, err := p.Call(b.ctx(), number)
	if err == nil {
		err = c.WaitAnswered(b.ctx())
	}
	if err != nil {
		b.end()
		b.t.Fatalf("call %s: %v", number, err)
	}
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// spoken is a prompt as linear samples.
func spoken(t *testing.T, lang, name string) []int16 {
	t.Helper()
	wav, ok := prompts.WAV(lang, name)
	if !ok {
		t.Fatalf("no prompt %s in %s", name, lang)
	}
	pcm, _, _, err := media.ReadWAV(strings.NewReader(string(wav)))
	must(t, err)
	return pcm
}

// heard fails unless a recording holds a prompt.
func heard(t *testing.T, r phone.Recording, lang, name string) {
	t.Helper()
	if score, _ := phone.Correlate(spoken(t, lang, name), r.Samples); score < 0.8 {
		t.Errorf("prompt %s (%s) was not heard: correlation %.2f", name, lang, score)
	}
}

func TestCallerGoesThroughMenuQueueAnnouncementTalkAndSurvey(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(2*time.Second)).Speaking(440))
		caller := b.phone("10.0.1.1:5060", phone.Config{User: "4930123456"})
		c := b.dials(caller, "4000")
		time.Sleep(4 * time.Second)
		must(t, c.Press(b.ctx(), "1", 0))
		must(t, c.WaitTone(b.ctx(), 440)) // the agent's voice: the announcement is over
		talk := time.Now()
		c.Tone(880)
		time.Sleep(10 * time.Second)
		b.agentState("1001", "talking")
		call := ann.Calls()[0]
		if name, number := call.Screen(); number != "4930123456" || !strings.Contains(name, "Sales") {
			t.Errorf("the agent's phone shows %q %q, want the caller's number and the queue's name", name, number)
		}
		if !call.HeardTone(880, talk.Add(time.Second)) {
			t.Errorf("the agent heard %v Hz, want the caller's 880", call.Dominant(time.Second))
		}
		heard(t, c.Listen(), "en", "welcome")
		heard(t, c.Listen(), "en", "is-at-your-service")
		call.Hangup()
		hung := time.Now()
		must(t, c.WaitSpeech(b.ctx()))
		time.Sleep(5 * time.Second)
		must(t, c.Press(b.ctx(), "5", 0))
		must(t, c.WaitDone(b.ctx()))
		heard(t, c.Listen().Since(hung), "en", "survey-service")

		cdr := b.wantTrace("menu; wait sales; offer 1: answered; announce; talk; survey; end: served")
		if cdr.Agent != "1001" || cdr.Queue != "sales" || len(cdr.Ratings) != 1 || cdr.Ratings[0].Stars != 5 {
			t.Errorf("CDR has agent %q, queue %q, ratings %v", cdr.Agent, cdr.Queue, cdr.Ratings)
		}
		gap := cdr.Talks[0].Began.Sub(endOf(cdr, "announce"))
		if gap > 200*time.Millisecond {
			t.Errorf("talk began %v after the announcement, want at most 200 ms", gap)
		}
		b.wantRecording(cdr, 880, 440)
		for _, a := range b.eng.Agents() {
			if a.ID == "1001" && (a.Ratings != 1 || a.Grade <= 4) {
				t.Errorf("agent 1001 has grade %.2f of %d ratings, want one that lifts it over 4", a.Grade, a.Ratings)
			}
		}
	})
}

func endOf(c store.CDR, stage string) time.Time {
	for _, s := range c.Stages {
		if s.Name == stage {
			return s.Ended
		}
	}
	return time.Time{}
}

// wantRecording fails unless the call's recording is whole and has the caller's
// tone on the left, the agent's on the right, and neither on the other side.
func (b *bed) wantRecording(c store.CDR, left, right float64) {
	b.t.Helper()
	r, sides := b.recorded(c.Recording)
	talk := c.Talks[len(c.Talks)-1].Ended.Sub(c.Talks[len(c.Talks)-1].Began)
	if d := r.Length.D() - talk; d < -100*time.Millisecond || d > 100*time.Millisecond {
		b.t.Errorf("recording lasts %v, the talk %v", r.Length.D(), talk)
	}
	mid := func(s []int16) []int16 { return s[len(s)/2 : len(s)/2+4000] }
	for _, side := range []struct {
		name        string
		pcm         []int16
		want, other float64
	}{{"left", mid(sides[0]), left, right}, {"right", mid(sides[1]), right, left}} {
		own, foreign := media.Goertzel(side.pcm, 8000, side.want), media.Goertzel(side.pcm, 8000, side.other)
		if own < 20*foreign || own == 0 {
			b.t.Errorf("%s channel: %g Hz has power %g, %g Hz has %g", side.name, side.want, own, side.other, foreign)
		}
	}
	if r.SHA256 == "" || r.Dropped != 0 || r.Error != "" {
		b.t.Errorf("recording is not whole: %+v", r)
	}
}

// recorded is a recording with what is on its two channels.
func (b *bed) recorded(id string) (r store.Recording, sides [2][]int16) {
	b.t.Helper()
	r, err := b.st.Recording(id)
	if err != nil {
		b.t.Fatalf("recording %q: %v", id, err)
	}
	f, err := os.Open(filepath.Join(b.recs.Root(), r.Path))
	if err != nil {
		b.t.Fatal(err)
	}
	defer f.Close()
	pcm, rate, channels, err := media.ReadWAV(f)
	if err != nil || rate != 8000 || channels != 2 {
		b.t.Fatalf("recording has %d Hz, %d channels: %v", rate, channels, err)
	}
	for i := 0; i+1 < len(pcm); i += 2 {
		sides[0], sides[1] = append(sides[0], pcm[i]), append(sides[1], pcm[i+1])
	}
	return r, sides
}

func TestCallerHearsHisLanguage(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.AnswerAfter(time.Second))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4008")
		time.Sleep(6 * time.Second)
		must(t, c.Press(b.ctx(), "1", 0))
		time.Sleep(12 * time.Second)
		heard(t, c.Listen(), "zh", "welcome")
		heard(t, c.Listen(), "zh", "is-at-your-service")
		c.Hangup()
		b.wantTrace("menu; wait sales; offer 1: answered; announce; talk; end: caller hung up")
	})
}

func TestWrongDigitsAreToldAndThreeFaultsGoToTheDefault(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4000")
		for range 3 {
			time.Sleep(4 * time.Second)
			c.Press(b.ctx(), "7", 0)
		}
		must(t, c.WaitDone(b.ctx()))
		heard(t, c.Listen(), "en", "invalid-choice")
		heard(t, c.Listen(), "en", "goodbye")
		b.wantTrace("menu; end: flow ended")
	})
}

func TestCallerWhoWaitsTooLongGoesOnElsewhere(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4001")
		must(t, c.WaitDone(b.ctx()))
		heard(t, c.Listen(), "en", "you-are-number")
		heard(t, c.Listen(), "en", "nobody-available")
		b.wantTrace("wait sales; overflow: max wait; menu; end: flow ended")
	})
}

func TestAgentWhoDoesNotAnswerBecomesNotReadyAndTheNextOneIsRung(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		b.agent("1001", "10.0.0.11:5060", phone.RingForever())
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		must(t, b.eng.SetAgentState("1002", "ready", "", "test"))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4001")
		must(t, c.WaitTone(b.ctx(), 500))
		b.agentState("1001", "not ready (missed)")
		c.Hangup()
		cdr := b.wantTrace("wait sales; offer 1: no answer; offer 2: answered; announce; talk; end: caller hung up")
		if cdr.Agent != "1002" {
			t.Errorf("served by %s, want 1002", cdr.Agent)
		}
		b.agentState("1002", "ready") // after 5 s of wrap-up
	})
}

func TestAgentsKeyEndsHisPartAndTheCallerIsAskedAtOnce(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4001")
		must(t, c.WaitTone(b.ctx(), 440))
		time.Sleep(3 * time.Second)
		call := ann.Calls()[0]
		call.Press(b.ctx(), "**", 0) // the BYE may come while the second key is still down
		must(t, call.WaitDone(b.ctx()))
		since := time.Now()
		time.Sleep(7 * time.Second)
		must(t, c.Press(b.ctx(), "2", 0))
		must(t, c.WaitDone(b.ctx()))
		heard(t, c.Listen().Since(since.Add(-time.Second)), "en", "survey-service")
		cdr := b.oneCDR()
		if len(cdr.Ratings) != 1 || cdr.Ratings[0].Stars != 2 {
			t.Errorf("ratings are %v, want one of 2", cdr.Ratings)
		}
	})
}

func TestPhoneThatDiesInTalkSendsTheCallerToTheHeadOfTheQueue(t *testing.T) {
	center := wholeCenter()
	center.Settings.Silence = store.Duration(10 * time.Second)
	inBubble(t, center, func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4001")
		must(t, c.WaitTone(b.ctx(), 440))
		ann.Die()
		ann.Calls()[0].Mute(true)
		b.agent("1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		must(t, b.eng.SetAgentState("1002", "ready", "", "test"))
		must(t, c.WaitTone(b.ctx(), 500))
		b.agentState("1001", "unreachable (phone does not answer)")
		c.Hangup()
		cdr := b.wantTrace("wait sales; offer 1: answered; announce; talk; agent vanished: silence; wait sales; offer 1: answered; announce; talk; end: caller hung up")
		if len(cdr.Talks) != 2 || cdr.Talks[0].Agent != "1001" || cdr.Talks[1].Agent != "1002" {
			t.Errorf("talks are %+v, want 1001, then 1002", cdr.Talks)
		}
	})
}

func TestPhonesCallEachOther(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", nil)
		bob := b.agentOver("tcp", "1002", "10.0.0.12:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(500))
		c := b.dials(ann, "1002")
		must(t, c.WaitTone(b.ctx(), 500))
		c.Tone(700)
		must(t, bob.Calls()[0].WaitTone(b.ctx(), 700))
		b.agentState("1001", "ready (in another call)")
		c.Hangup()
		b.wantTrace("dial agent 1002; talk; end: caller hung up")
	})
}

func TestFeatureCodesChangeAnAgentsState(t *testing.T) {
	inBubble(t, wholeCenter(), func(b *bed) {
		bob := b.agent("1002", "10.0.0.12:5060", nil)
		for _, tc := range []struct{ code, state, prompt string }{
			{"*41", "ready", "agent-ready"},
			{"*422", "not ready (lunch)", "agent-not-ready"},
			{"*40", "logged out", "agent-logged-out"},
		} {
			c := b.dials(bob, tc.code)
			must(t, c.WaitDone(b.ctx()))
			heard(t, c.Listen(), "en", tc.prompt)
			b.agentState("1002", tc.state)
		}
	})
}

func TestAgentMarkedSoAcceptsByPressingOne(t *testing.T) {
	center := wholeCenter()
	yes := true
	a := center.Agents["1001"]
	a.Confirm = &yes
	center.Agents["1001"] = a
	inBubble(t, center, func(b *bed) {
		ann := b.agent("1001", "10.0.0.11:5060", phone.Policy(phone.AnswerAfter(time.Second)).Speaking(440))
		c := b.dials(b.phone("10.0.1.1:5060", phone.Config{}), "4001")
		time.Sleep(8 * time.Second)
		if c.HeardTone(440, time.Time{}) {
			t.Error("the caller hears the agent's phone before 1 was pressed")
		}
		call := ann.Calls()[0]
		heard(t, call.Listen(), "en", "press-1-to-accept")
		must(t, call.Press(b.ctx(), "1", 0))
		must(t, c.WaitTone(b.ctx(), 440))
		c.Hangup()
		b.wantTrace("wait sales; offer 1: answered; announce; talk; end: caller hung up")
	})
}
