package call

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotline/acd"
	"hotline/media"
	"hotline/sip"
	"hotline/store"
)

// Call is one caller's way through the engine. Its run goroutine owns every
// field; others reach it by its acd channel, by ending its context with a
// cause, and by the view, which is replaced and never changed.
type Call struct {
	id     string
	eng    *Engine
	inc    *sip.Incoming
	caller *Leg
	log    *slogger
	began  time.Time

	from    string // "trunk:x" or "agent:x"
	hops    int    // that a leg of ours may still pass
	number  string // the caller's, as shown to agents
	name    string
	hidden  bool   // the caller asked that his number is not shown
	show    string // number that an agent's call out shows by his choice
	lang    string
	vars    map[string]string
	queue   string
	agent   string // who answered last
	flow    string // that handed the call on last, and
	node    string // where it ended
	answers bool   // we have sent 200

	legs    []*Leg      // live ones beside the caller's
	raters  []*rater    // agents asked for a rating after their talk
	offers  []OfferView // that ring; replaced, never changed
	drawn   bool        // for the control group
	engaged *talkStage  // with an agent whom the ACD counts as in this call; nil if nobody

	watched watched // by supervisors

	life    context.Context     // of the call; set by run
	orders  chan order          // from people; only stages that can do something take them
	running running             // the stage, for those who may end it
	unwatch func() bool         // stops looking after the caller's end
	front   atomic.Pointer[Leg] // the caller's leg, for others
	item    *callback           // that the call serves; nil: none
	manned  string              // the agent whose phone is the caller's leg; "" if none
	given   *store.Leg          // the caller's leg as it was when another call got it; nil: it is ours
	recs    int                 // recordings begun
	wish    *bool               // whether it is recorded, as somebody asked; nil: as its queue says
	pause   pause               // of the recording

	acd    chan acd.Command // from the dispatcher
	cancel context.CancelCauseFunc

	cdr     store.CDR
	trace   []string
	view    atomic.Pointer[CallView]
	sofar   atomic.Pointer[store.CDR]         // the record as last journalled; replaced, never changed
	rec     *store.Recording                  // running
	noted   atomic.Pointer[store.Disposition] // what came of the call; written under the engine's noting
	worked  []worked                          // wrap-ups that are over; guarded by the engine's noting
	held    bool                              // one side of the talk holds
	early   bool                              // the caller has heard of us before the answer
	denied  string                            // why a caller is turned away, for the record
	limited limited                           // as what he is counted; zero: not at all
	kept    bool                              // the record is with the store; guarded by the engine's noting
	cause   store.Cause                       // set by the stage that knows; else derived at the end
}

// stage is one part of a call. run does it and returns the next; nil ends the
// call. Its name stands in the CDR and in the trace.
type stage interface {
	name() string
	run(ctx context.Context, c *Call) stage
}

// maxStages ends a call that goes round in circles: from queue to queue, say,
// when nobody is logged in to any. A caller who waits for hours passes fewer.
const maxStages = 1000

// run walks through the stages and ends the call, whatever happens. Its context
// ends by c.cancel.
func (c *Call) run(ctx context.Context, first stage) {
	defer c.cancel(nil)
	c.life = ctx
	c.watchCaller()
	defer func() { c.unwatch() }()
	longest := time.AfterFunc(c.eng.world.Load().maxCall(), func() { c.cancel(ErrTooLong) })
	defer longest.Stop()
	watch := c.watchEnd(ctx)
	defer watch()
	next := first
	for n := 0; n < maxStages && next != nil && ctx.Err() == nil; n++ {
		next = c.play(ctx, next)
	}
	if next != nil && len(c.cdr.Stages) == 0 { // it ended before it began
		c.enter(next.name())
	}
	if s, ok := next.(abandoner); ok {
		s.abandon()
	}
	if next != nil && ctx.Err() == nil {
		c.log.Error("call goes round in circles: look at overflow and nobody of its queues", "call", c.id, "stage", next.name())
		c.blame(480, 41, "goes round in circles", "us")
	}
	c.finish(ctx)
}

// watchCaller ends the call with the caller's leg.
func (c *Call) watchCaller() {
	l := c.caller
	c.front.Store(l)
	c.unwatch = context.AfterFunc(l.ctx, func() { c.callerEnded(l) })
}

func (c *Call) callerEnded(l *Leg) {
	if e := l.ended(); e != nil && e.lost {
		c.cancel(ErrMediaDied)
		return
	}
	if l.trial.Load() && l.answered.Load() == 0 { // its stage decides
		return
	}
	c.cancel(ErrCallerGone)
}

// stuckAfter is how long a call may live on after its end was decided.
const stuckAfter = 30 * time.Second

// watchEnd counts the call as stuck if it outlives its end.
func (c *Call) watchEnd(ctx context.Context) (stop func()) {
	t := time.AfterFunc(time.Hour, func() {
		c.eng.stats.Stuck.Add(1)
		c.log.Error("call outlives its end", "call", c.id, "cause", context.Cause(ctx))
	})
	t.Stop()
	var mu sync.Mutex // guards over, and t against being set after its last stop
	over := false
	unhook := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			t.Reset(stuckAfter)
		}
	})
	return func() {
		unhook()
		mu.Lock()
		defer mu.Unlock()
		over = true
		t.Stop()
	}
}

// play runs one stage; a panic in it ends this call and nothing else.
func (c *Call) play(ctx context.Context, s stage) (next stage) {
	defer func() {
		if p := recover(); p != nil {
			c.broke(s.name(), p)
			c.blame(500, 41, ErrInternal.Error(), "us")
			next = nil
		}
	}()
	c.enter(s.name())
	began := time.Now()
	defer func() { c.eng.metrics.stage(s, time.Since(began)) }()
	return c.pass(ctx, s)
}

// broke ends the call after a panic, which is counted and told.
func (c *Call) broke(where string, p any) {
	c.eng.stats.Panics.Add(1)
	c.log.Error("call broke", "call", c.id, "stage", where, "err", fmt.Sprint(p), "stack", string(debug.Stack()))
	c.cancel(ErrInternal)
}

// enter notes the next stage: in the CDR, the trace, the journal and the view.
func (c *Call) enter(name string) {
	now := time.Now()
	c.closeStage(now)
	c.cdr.Stages = append(c.cdr.Stages, store.Stage{Name: name, Began: now})
	if n := len(c.cdr.Stages); n == 1 {
		c.cdr.Stages[0].Began = c.began // nothing of the call is outside of a stage
	}
	c.note("%s", name)
	c.publish()
	c.journal()
}

func (c *Call) closeStage(now time.Time) {
	if n := len(c.cdr.Stages); n > 0 {
		c.cdr.Stages[n-1].Ended = now
	}
}

// note adds a step to the trace.
func (c *Call) note(f string, args ...any) { c.trace = append(c.trace, fmt.Sprintf(f, args...)) }

// blame notes why the call ends and who is to blame; the first one counts.
func (c *Call) blame(status, q850 int, text, blame string) {
	if c.cause.Text == "" {
		c.cause = store.Cause{Status: status, Q850: q850, Text: text, Blame: blame}
	}
}

// servedBy is the agent on the line, or who was last; "" where the talk is with a
// number outside or the agent has left a transfer to itself.
func (c *Call) servedBy(stage string) string {
	switch {
	case c.engaged != nil && inTalk(stage):
		return c.engaged.agent
	case strings.HasPrefix(stage, "transfer "):
		return ""
	}
	return c.agent
}

// publish shows the call as it is now to operators.
func (c *Call) publish() {
	stage := ""
	if n := len(c.cdr.Stages); n > 0 {
		stage = c.cdr.Stages[n-1].Name
	}
	v := &CallView{ID: c.id, Caller: c.number, Name: c.name, Called: c.cdr.Called, From: c.from, Began: c.began,
		Queue: c.queue, Agent: c.servedBy(stage), Language: c.lang, Trace: c.trace[:len(c.trace):len(c.trace)], Offers: c.offers, Silent: c.silences()}
	if n := len(c.cdr.Stages); n > 0 {
		v.Stage, v.Since = stage, c.cdr.Stages[n-1].Began
	}
	v.Held, v.Paused = c.held, c.pause.on
	if to, ok := strings.CutPrefix(v.Stage, "consult "); ok {
		v.Consulting = to
	}
	if slot, ok := strings.CutPrefix(v.Stage, "park "); ok {
		v.Slot = slot
	}
	c.view.Store(v)
	c.eng.blf.changed()
}

// answer takes the call if it is not yet taken, and waits until audio can flow.
func (c *Call) answer(ctx context.Context) error {
	if !c.answers && c.inc == nil { // a phone that we ring answers for itself
		c.blame(causeUnavailable.Status, causeUnavailable.Q850, "not answered", "us")
		return ErrNotNow
	}
	if !c.answers {
		c.answers = true
		c.cdr.Answered = time.Now()
		c.caller.answered.CompareAndSwap(0, time.Now().UnixNano())
		c.inc.Answer(c.caller)
		// Who supervises the call hears him wherever he is led.
		c.eng.media.Do(media.Seat{Bridge: media.BridgeID(c.id), Leg: c.caller.id, Role: media.Caller})
	}
	return c.caller.waitReady(ctx)
}

// finish is the one end of a call: it ends the legs that are left, frees the
// agent, closes the recording, writes the CDR and the log line.
func (c *Call) finish(ctx context.Context) {
	if c.given == nil && c.caller.ctx.Err() != nil {
		c.callerEnded(c.caller) // the stage may have seen it first
	}
	gone := context.Cause(ctx)
	if gone == nil && c.given == nil && c.caller.ctx.Err() != nil {
		gone = ErrCallerGone // what ends ctx then runs beside us and may be late
	}
	c.stopRecording()
	c.eng.slots.leave(c.id)
	if c.given == nil {
		c.caller.d.End(c.endCause(gone))
	}
	if c.engaged != nil { // the call ended between two stages, or one broke
		c.engaged.callerGone(c)
	}
	left := time.Now()
	c.awaitRaters(gone)
	c.dropRaters()
	for _, l := range slices.Clone(c.legs) {
		c.dropLeg(l, causeNormal, c.legBlame(l))
	}
	c.cdr.Legs = append(c.cdr.Legs, c.dismiss(ErrUnknown, "the call ended")...)
	now := time.Now()
	var st media.LegStats
	if c.given == nil {
		st = c.caller.close()
	}
	cause := c.verdict(gone)
	c.cdr.Legs = append([]store.Leg{c.callerRecord(st, cause, left)}, c.cdr.Legs...)
	c.closeStage(now)
	if n := len(c.cdr.Talks); n > 0 && c.cdr.Talks[n-1].Ended.IsZero() {
		c.cdr.Talks[n-1].Ended = now
	}
	c.cdr.Ended = now
	c.cdr.Cause = cause
	c.note("end: %s", cause.Text)
	c.cdr.Trace = joinTrace(c.trace)
	c.cdr.Agent, c.cdr.Queue, c.cdr.Language = c.talked(), c.queue, c.lang
	c.eng.keep(c)
	c.log.Info("call end", "call", c.id, "cause", cause.Text, "blame", cause.Blame, "status", cause.Status,
		"stages", c.cdr.Trace, "length", now.Sub(c.began).Round(time.Millisecond).String(), "lost", st.Lost)
}

// callerRecord is the caller's leg in the CDR.
func (c *Call) callerRecord(st media.LegStats, cause store.Cause, ended time.Time) store.Leg {
	if c.given == nil {
		return c.caller.record(st, cause, ended)
	}
	l := *c.given
	l.Cause, l.Ended = cause, ended
	return l
}

// talked is the agent who talked last; "" if none did.
func (c *Call) talked() string {
	for i := len(c.cdr.Talks) - 1; i >= 0; i-- {
		if a := c.cdr.Talks[i].Agent; a != "" {
			return a
		}
	}
	return ""
}

// endCause is what the caller's phone is told.
func (c *Call) endCause(gone error) sip.Cause {
	switch {
	case errors.Is(gone, ErrShutdown):
		return causeShutdown
	case errors.Is(gone, ErrInternal):
		return causeInternal
	case errors.Is(gone, ErrMediaDied):
		return causeMediaDied
	case errors.Is(gone, ErrCallerGone):
		if e := c.caller.ended(); e != nil && e.died {
			return causeVanished
		}
	}
	if c.cause.Status != 0 || c.cause.Q850 != 0 {
		return sip.Cause{Status: c.cause.Status, Q850: c.cause.Q850, Text: c.cause.Text}
	}
	if !c.answers {
		return causeUnavailable
	}
	return causeNormal
}

// verdict says why the call ended and who is to blame.
func (c *Call) verdict(gone error) store.Cause {
	if errors.Is(gone, ErrMediaDied) { // what the stage saw of it is not the reason
		return store.Cause{Status: causeMediaDied.Status, Q850: causeMediaDied.Q850, Text: causeMediaDied.Text, Blame: "us"}
	}
	if errors.Is(gone, ErrCallerGone) && c.cause.Text == "" {
		e := c.caller.ended()
		switch {
		case e == nil:
		case e.died:
			return store.Cause{Status: 408, Q850: 27, Text: "caller vanished: " + e.sipWhy, Blame: "caller"}
		case e.sipWhy == "internal":
			return store.Cause{Status: 500, Q850: 41, Text: ErrInternal.Error(), Blame: "us"}
		case e.sipWhy == "rejected" || e.status >= 400 && !e.byPeer:
			return store.Cause{Status: e.status, Q850: 0, Text: e.text, Blame: "caller"}
		}
		return store.Cause{Q850: 16, Text: ErrCallerGone.Error(), Blame: "caller"}
	}
	if c.cause.Text != "" {
		return c.cause
	}
	switch {
	case gone == nil, errors.Is(gone, context.Canceled):
		return store.Cause{Q850: 16, Text: "normal", Blame: "us"}
	case errors.Is(gone, ErrOperator):
		return store.Cause{Q850: 16, Text: ErrOperator.Error(), Blame: "us"}
	}
	return store.Cause{Q850: 41, Text: gone.Error(), Blame: "us"}
}

func (c *Call) legBlame(l *Leg) string {
	if l.role == "agent" {
		return "agent"
	}
	return "us"
}

// dropLeg ends a second leg and puts it in the CDR. It may be called twice.
func (c *Call) dropLeg(l *Leg, cause sip.Cause, blame string) {
	at := -1
	for i, x := range c.legs {
		if x == l {
			at = i
		}
	}
	if at < 0 {
		return
	}
	c.legs = append(c.legs[:at], c.legs[at+1:]...)
	e := l.ended() // before we end it: what its phone says to that is no cause
	l.d.End(cause)
	st := l.close()
	why := store.Cause{Status: cause.Status, Q850: cause.Q850, Text: cause.Text, Blame: "us"}
	switch {
	case e == nil:
	case e.lost:
		why.Q850, why.Text = causeMediaDied.Q850, e.text
	case e.byPeer || e.died || e.never:
		why = store.Cause{Status: e.status, Text: e.text, Blame: blame}
	}
	c.cdr.Legs = append(c.cdr.Legs, l.record(st, why, time.Now()))
}

// journal writes what a later process needs to end this call.
func (c *Call) journal() {
	j := store.Journal{Call: c.id, CDR: c.cdr, Updated: time.Now()}
	j.CDR.Stages = append([]store.Stage(nil), c.cdr.Stages...)
	j.CDR.Offers = append([]store.Offer(nil), c.cdr.Offers...)
	j.CDR.Talks = append([]store.Talk(nil), c.cdr.Talks...)
	j.CDR.Legs = append([]store.Leg{c.callerRecord(media.LegStats{}, store.Cause{}, time.Time{})}, c.cdr.Legs...)
	for _, l := range c.legs {
		j.CDR.Legs = append(j.CDR.Legs, l.record(media.LegStats{}, store.Cause{}, time.Time{}))
	}
	j.CDR.Disposition = c.noted.Load()
	j.CDR.Agent, j.CDR.Queue, j.CDR.Language, j.CDR.Trace = c.talked(), c.queue, c.lang, joinTrace(c.trace)
	sofar := j.CDR
	c.sofar.Store(&sofar)
	ours := c.legs
	if c.given == nil {
		ours = append([]*Leg{c.caller}, c.legs...)
	}
	for _, l := range ours {
		if b, ok := dialogState(l); ok {
			j.Dialogs = append(j.Dialogs, b)
		}
	}
	c.journalSupervisors(&j)
	if c.rec != nil {
		r := *c.rec
		j.Recording = &r
	}
	c.eng.store.LogJournal(j)
}
