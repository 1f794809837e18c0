package call_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hotline/call"
	"hotline/internal/phone"
	"hotline/internal/simnet"
	"hotline/store"
)

// chaosStep is the grain of all instants: many things happen at the same one,
// and at the one of a time-out.
const chaosStep = 250 * time.Millisecond

// chaosCenter is short of time everywhere: each limit is reached in a test.
func chaosCenter() store.Center {
	c := wholeCenter()
	wrap, none, start := store.Duration(time.Second), store.Duration(0), store.Duration(10*time.Second)
	yes := true
	c.Settings.Silence = store.Duration(10 * time.Second)
	sales := c.Queues["sales"]
	sales.WrapUp, sales.RingTimeout, sales.MaxWait, sales.BackOff = &wrap, store.Duration(5*time.Second), store.Duration(20*time.Second), store.Duration(2*time.Second)
	sales.Announce = &store.Announce{Position: true, Wait: true, First: store.Duration(2 * time.Second), Every: store.Duration(5 * time.Second)}
	sales.RateCustomer, sales.LastAgent, sales.HeadStart, sales.IdleStart = "keys", store.Duration(3*time.Second), &start, &start
	back := &store.QueueCallback{Trunk: "out", Tries: 2, Pause: store.Duration(3 * time.Second), Prefixes: []string{"4930"}}
	sales.Callback = back
	c.Queues["sales"] = sales
	c.Trunks["out"] = store.Trunk{Peers: []string{"sip:10.0.2.9:5060"}}
	c.Voicemail = map[string]store.Mailbox{
		"ann": {Agent: "1001", PIN: "2468", MaxLength: store.Duration(5 * time.Second),
			Notify: &store.Notify{To: "agent:1003", Tries: 2, Pause: store.Duration(5 * time.Second)}},
		"team": {Agents: []string{"1001", "1003"}, Notify: &store.Notify{To: "493099", Trunk: "out", Pause: store.Duration(5 * time.Second)}},
	}
	c.Numbers["4020"], c.Numbers["4022"] = store.Number{To: "voicemail:team"}, store.Number{To: "voicemail-box:ann"}
	c.Queues["all"] = store.Queue{Strategy: "ring-all", WrapUp: &none, RingTimeout: store.Duration(5 * time.Second), BackOff: store.Duration(time.Second), Record: new(bool), Callback: back}
	c.Queues["direct"] = store.Queue{Direct: true, WrapUp: &none, RingTimeout: store.Duration(5 * time.Second), BackOff: store.Duration(time.Second)}
	for id, a := range map[string]store.Agent{
		"1001": {Name: "Ann", State: "ready", Voicemail: "ann"}, "1002": {Name: "Bob", State: "ready"}, "1003": {Name: "Cid", State: "ready", Confirm: &yes},
	} {
		a.Queues = []string{"sales", "direct", "all"}
		c.Agents[id] = a
	}
	c.Agents["9001"] = store.Agent{Name: "Boss", Role: "supervisor"}
	c.Numbers["4002"] = store.Number{To: "queue:direct"}
	withPeople(&c)
	c.Numbers["4005"] = store.Number{To: "agent:1001"}
	c.Numbers["4006"] = store.Number{To: "flow:again"}
	c.Numbers["4007"] = store.Number{To: "queue:all"}
	c.Numbers["4010"] = store.Number{To: "flow:pick"}
	c.Flows["pick"] = store.Flow{Start: "who", Nodes: []byte(`{
		"who": {"kind": "choose", "queue": "sales", "hold": "3s", "next": "mine", "overflow": "mine"},
		"mine": {"kind": "ratings"}}`)}
	c.Flows["again"] = store.Flow{Start: "q", Nodes: []byte(`{
		"q": {"kind": "queue", "queue": "sales", "overflow": "sorry", "next": "ask"},
		"ask": {"kind": "survey", "items": [{"name": "service", "prompts": ["survey-service"]}], "next": "sorry"},
		"sorry": {"kind": "hangup", "prompts": ["goodbye"]}}`)}
	return c
}

// chaos is one random run.
type chaos struct {
	*bed
	ctx   context.Context
	seed  uint64
	takes bool // callers are taken by command, too; the days that are replayed are without it

	lock sync.Mutex    // guards live
	live []*phone.Call // the callers' calls
}

// conspire lets something end a call at the very instant of the agent's next
// word: what both say reaches the engine at one time.
func (x *chaos) conspire(r *rand.Rand) {
	x.lock.Lock()
	defer x.lock.Unlock()
	if len(x.live) == 0 {
		return
	}
	c := x.live[r.IntN(len(x.live))]
	if r.IntN(3) > 0 {
		c.Hangup()
		return
	}
	first := r.IntN(2)
	go func() { // ends after a moment
		time.Sleep(time.Millisecond) // as long as a message is under way
		for i, v := range x.eng.Calls() {
			if i%2 == first {
				x.eng.Hangup(v.ID, "chaos")
			}
		}
	}()
}

// dice are one actor's own, so that a run does not depend on who comes first.
func (x *chaos) dice(actor uint64) *rand.Rand { return rand.New(rand.NewPCG(x.seed, actor)) }

func pause(r *rand.Rand, most int) { time.Sleep(time.Duration(r.IntN(most)) * chaosStep) }

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// acts does random things with a call until it is over.
func (x *chaos) acts(r *rand.Rand, c *phone.Call, keys ...string) {
	for range 2 + r.IntN(5) {
		pause(r, 24)
		if c.Over() {
			return
		}
		ctx, cancel := context.WithTimeout(x.ctx, 5*time.Second)
		switch r.IntN(7) {
		case 0, 1:
			c.Press(ctx, pick(r, keys...), 0)
		case 6:
			c.Transfer(pick(r, "1001", "1002", "1003", "4001", "77"), nil)
		case 2:
			c.Hold(ctx, pick(r, phone.SendOnly, phone.Inactive, phone.ZeroAddress))
		case 3:
			c.Resume(ctx)
		case 4:
			c.PressInfo(ctx, pick(r, keys...), 0)
		case 5:
			c.Hangup()
		}
		cancel()
	}
	if r.IntN(2) == 0 {
		c.Hangup()
	}
}

// policy is what an agent does with the calls that ring him.
func (x *chaos) policy(id uint64, p **phone.Phone) phone.Policy {
	var calls atomic.Uint64
	return func(c *phone.Call) {
		r := x.dice(id<<32 | calls.Add(1))
		switch r.IntN(10) {
		case 0:
			phone.RejectAfter(time.Duration(r.IntN(8))*chaosStep, pick(r, 486, 480, 603, 404, 500))(c)
			return
		case 1:
			phone.RingForever()(c)
			return
		case 2:
			phone.EarlyMedia(500, time.Duration(r.IntN(8))*chaosStep, pick(r, 0, 486))(c)
		case 3:
			phone.Silence()(c)
			return
		case 4, 5:
			c.Ring()
			pause(r, 21)
			x.conspire(r)
			c.Answer()
		default:
			phone.AnswerAfter(time.Duration(r.IntN(21)) * chaosStep)(c)
		}
		if c.Over() {
			return
		}
		c.Tone(440)
		if r.IntN(12) == 0 {
			pause(r, 12)
			(*p).Die()
			c.Mute(true)
			return
		}
		x.leadsOn(r, *p, c)
		x.acts(r, c, "1", "1", "**", "*", "5", "*1", "*21002#", "*31003#", "*30777#", "*4", "*5", "*6", "*7", "*9", "*0", "2", "3")
	}
}

// caller places calls one after the other.
func (x *chaos) caller(actor uint64, p *phone.Phone, numbers ...string) {
	r := x.dice(actor)
	for range 1 + r.IntN(2) {
		pause(r, 16)
		c, err := p.Call(x.ctx, pick(r, numbers...))
		if err != nil {
			x.t.Errorf("call: %v", err)
			return
		}
		x.lock.Lock()
		x.live = append(x.live, c)
		x.lock.Unlock()
		c.Tone(880)
		if r.IntN(12) == 0 {
			pause(r, 40)
			c.Mute(true) // the far end vanishes
		}
		x.acts(r, c, "1", "1", "1", "2", "5", "7", "0", "#", "2468")
		if r.IntN(4) == 0 {
			continue // to the end that the engine gives it
		}
		pause(r, 40)
		c.Hangup()
	}
}

// operator interferes.
func (x *chaos) operator(r *rand.Rand) {
	for range 8 + r.IntN(24) {
		pause(r, 8)
		switch r.IntN(22) {
		case 18, 19, 20, 21:
			x.people(r)
		case 16, 17:
			x.left(r)
		case 0, 1, 2, 3:
			x.eng.SetAgentState(pick(r, "1001", "1002", "1003"), pick(r, "ready", "ready", "ready", "not ready", "logged out"), "test", "chaos")
		case 4:
			if list := x.eng.Calls(); len(list) > 0 {
				x.eng.Hangup(list[r.IntN(len(list))].ID, "chaos")
			}
		case 5, 6, 7:
			x.reconfigure(r)
		default:
			x.orders(r)
		}
	}
}

// orders asks something of a call, whatever it does.
func (x *chaos) orders(r *rand.Rand) {
	list := x.eng.Calls()
	if len(list) == 0 {
		return
	}
	v := list[r.IntN(len(list))]
	for _, c := range list { // where there is most to do
		if r.IntN(3) > 0 && (c.Stage == "talk" || strings.HasPrefix(c.Stage, "consult ")) {
			v = c
		}
	}
	id := v.ID
	if strings.HasPrefix(v.Stage, "consult ") {
		x.eng.Order(id, call.Order{Do: pick(r, call.DoToggle, call.DoJoin, call.DoComplete, call.DoCancel)}, "chaos")
		return
	}
	to := pick(r, "agent:1001", "1002", "1003", "queue:sales", "queue:direct", "flow:main", "4006", "nowhere", "0777", "0777")
	switch r.IntN(8) {
	case 0:
		x.eng.Move(id, to, "chaos")
	case 1:
		x.eng.Front(id, "chaos")
	case 2:
		x.eng.TakeOver(id, "9001", "chaos")
	case 3:
		x.eng.Supervise(id, "9001", pick(r, "listen", "whisper", "barge"), "chaos")
	default:
		do := pick(r, append(call.Orders(), call.DoConsult, call.DoConsult, call.DoConsult, call.DoTransfer, call.DoTransfer, call.DoPark)...)
		go x.eng.Order(id, call.Order{Do: do, To: to}, pick(r, "chaos", "agent:1001", "agent:1003")) // ends within seconds
	}
}

// reconfigure takes something away, or brings all back.
func (x *chaos) reconfigure(r *rand.Rand) {
	c := chaosCenter()
	switch r.IntN(5) {
	case 0: // no queue
		delete(c.Queues, "direct")
		delete(c.Numbers, "4002")
		for id, a := range c.Agents {
			a.Queues = []string{"sales", "all"}
			c.Agents[id] = a
		}
	case 1: // no agent
		delete(c.Agents, "1002")
	case 2: // no survey
		c.Settings.Survey = "none"
		delete(c.Flows, "rating")
	case 3: // nobody waits
		q := c.Queues["sales"]
		q.Nobody, q.MaxLength, q.Callback = "flow:sorry", 1, nil
		c.Queues["sales"] = q
	}
	res, err := x.eng.Apply(call.ApplyRequest{Center: c, Prune: true, Actor: "chaos"})
	if err != nil || len(res.Problems) > 0 {
		x.t.Errorf("apply: %v %v", err, res.Problems)
	}
}

// run lets everybody loose and waits until all is quiet again.
func (x *chaos) run() {
	ids := []string{"1001", "1002", "1003"}
	phones := make([]*phone.Phone, len(ids))
	for i, id := range ids {
		phones[i] = x.agentOver(pick(x.dice(100+uint64(i)), "udp", "tcp"), id, fmt.Sprintf("10.0.0.%d:5060", 11+i), x.policy(uint64(i)+1, &phones[i]))
	}
	var home *phone.Phone
	home = x.phone("10.0.2.9:5060", phone.Config{User: "49301", Policy: x.policy(9, &home)})
	boss := x.agent("9001", "10.0.0.21:5060", phone.AnswerAfter(chaosStep))
	begun := make(chan struct{})
	var actors []func()
	for i := range 3 {
		p := x.phone(fmt.Sprintf("10.0.1.%d:5060", i+1), phone.Config{User: fmt.Sprintf("49301%d", i)})
		actors = append(actors, func() {
			x.caller(uint64(10+i), p, "4000", "4001", "4001", "4002", "4005", "4006", "4007", "4007", "4010", "4010", "*50", "4001", "4020", "4022", "4100", "4100", "4101")
		})
	}
	actors = append(actors,
		func() { x.operator(x.dice(50)) },
		func() {
			x.caller(51, phones[2], "4001", "1001", "*41", "*421", "*40", "*8", "701", "1002", "*50", "*513", "*97", "*61", "*66", "*441", "4100")
		},
		func() { x.caller(52, boss, "*311001", "*331002", "*341003", "*351001", "*8") })
	done := make(chan struct{}, len(actors))
	for _, f := range actors {
		go func() { // ends with its script, for which run waits
			<-begun
			f()
			done <- struct{}{}
		}()
	}
	close(begun)
	for range actors {
		<-done
	}
	x.quiet()
}

// quiet fails unless all calls come to an end by themselves or by the callers'
// hanging up, and nothing of them is left.
func (x *chaos) quiet() {
	x.settle()
	list, err := x.eng.Callbacks(false)
	if err != nil {
		x.t.Error(err)
	}
	for _, b := range list { // for whom no agent is there
		x.eng.CancelCallback(b.ID, "chaos")
	}
	time.Sleep(time.Minute) // calls about messages
	x.settle()
	for _, c := range x.eng.Calls() { // in talk for ever
		x.eng.Hangup(c.ID, "chaos")
	}
	for _, c := range x.cdrs() {
		x.checkChaos(c)
	}
	messages, err := x.eng.Voicemails("")
	if err != nil {
		x.t.Error(err)
	}
	for _, v := range messages { // of which somebody busy would be told later
		if err := x.eng.DeleteVoicemail(v.ID, "chaos"); err != nil {
			x.t.Error(err)
		}
	}
	x.settle()
	time.Sleep(40 * time.Second) // wrap-ups, back-offs, the last words of dead phones
	if err := x.eng.Idle(); err != nil {
		x.t.Errorf("not idle: %v", err)
	}
	if list, err := x.st.Journals(); err != nil || len(list) > 0 {
		x.t.Errorf("%d calls stand in the journal: %v", len(list), err)
	}
	for _, a := range x.eng.Agents() {
		if !slices.Contains([]string{"ready", "not ready", "logged out", "unreachable"}, a.State) || a.Reason == "in another call" {
			x.t.Errorf("agent %s is left %s (%s)", a.ID, a.State, a.Reason)
		}
	}
}

// settle waits until no call runs.
func (x *chaos) settle() {
	for range 90 {
		if len(x.eng.Calls()) == 0 {
			return
		}
		time.Sleep(time.Second)
	}
}

// left does something with what callers left behind.
func (x *chaos) left(r *rand.Rand) {
	if list, _ := x.eng.Callbacks(false); len(list) > 0 && r.IntN(2) == 0 {
		x.eng.CancelCallback(list[r.IntN(len(list))].ID, "chaos")
	}
	if list, _ := x.eng.Voicemails(""); len(list) > 0 {
		v := list[r.IntN(len(list))]
		x.eng.ClaimVoicemail(v.ID, pick(r, "1001", "1003"), "chaos")
		if r.IntN(3) == 0 {
			x.eng.DeleteVoicemail(v.ID, "chaos")
		}
	}
}

// checkChaos holds for a record of a chaotic call.
func (x *chaos) checkChaos(c store.CDR) {
	stages := 0
	for _, s := range c.Stages {
		if s.Name == "talk" {
			stages++
		}
	}
	last := c.Stages[len(c.Stages)-1]
	if last.Name == "talk" && stages == len(c.Talks)+1 { // the caller left before the first word
		stages--
	}
	if stages != len(c.Talks) {
		x.t.Errorf("call %s has %d talk stages, %d talks: %s", c.ID, stages, len(c.Talks), c.Trace)
	}
	n := 0
	x.st.Recordings(store.Filter{}, func(r store.Recording) bool {
		if r.Call == c.ID {
			n++
			outside := slices.ContainsFunc(c.Talks, func(t store.Talk) bool { return t.Agent == "" }) // where he was led
			if r.Error != "" || r.SHA256 == "" || r.Agent == "" && r.Box == "" && !outside {
				x.t.Errorf("recording %+v", r)
			}
		}
		return true
	})
	for _, id := range c.Recordings {
		if _, err := x.st.Recording(id); err != nil { // a message that was deleted
			n++
		}
	}
	if n != len(c.Recordings) {
		x.t.Errorf("call %s has %d recordings, want %q: %s", c.ID, n, c.Recordings, c.Trace)
	}
	if len(c.Legs) == 0 {
		x.t.Errorf("call %s has no legs", c.ID)
	}
	for _, l := range c.Legs {
		if l.Ended.IsZero() || l.Cause.Text == "" || l.Cause.Blame == "" || l.Ended.After(c.Ended) {
			x.t.Errorf("call %s: a leg has no proper end: %+v", c.ID, l)
		}
	}
}

// chaosRuns is how many seeds are tried; HOTLINE_CHAOS sets it, and
// HOTLINE_CHAOS_SEED the first one.
func chaosRuns() (first, n uint64) {
	n = 200
	if testing.Short() || raceEnabled {
		n = 25
	}
	if v, err := strconv.ParseUint(os.Getenv("HOTLINE_CHAOS"), 10, 32); err == nil {
		n = v
	}
	first, _ = strconv.ParseUint(os.Getenv("HOTLINE_CHAOS_SEED"), 10, 64)
	return first, n
}

func TestWhateverHappensEachCallEndsOnceAndNobodyIsStuck(t *testing.T) {
	first, n := chaosRuns()
	runChaos(t, first, n)
}

func TestSoakWhateverHappensEachCallEndsOnceAndNobodyIsStuck(t *testing.T) {
	if os.Getenv("HOTLINE_SOAK") == "" {
		t.Skip("10,000 random days: set HOTLINE_SOAK=1, or make soak")
	}
	runChaos(t, 0, 10_000)
}

// Days on which something was lost once: an agent who had called a queue himself led
// on the agent whom it had given him, and the ACD kept the call; a call was moved as
// its leg went on in another one.
func TestDaysThatOnceWentWrong(t *testing.T) {
	for _, seed := range []uint64{6895, 4644, 4632, 1426, 2302} {
		runChaos(t, seed, 1)
	}
}

// runChaos tries so many seeds.
func runChaos(t *testing.T, first, n uint64) {
	for seed := first; seed < first+n; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			dir := memoryDir(t)
			synctest.Test(t, func(t *testing.T) {
				b := newBed(t, dir, simnet.New(simnet.Options{Latency: time.Millisecond}))
				defer b.end()
				b.apply(chaosCenter())
				x := &chaos{bed: b, seed: seed, takes: true}
				x.ctx = b.ctx()
				x.run()
			})
		})
	}
}
