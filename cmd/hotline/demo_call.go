package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"hotline/api"
	"hotline/call"
	"hotline/internal/phone"
	"hotline/ivr/prompts"
	"hotline/store"
)

// demoOptions say where the demonstration's call goes. The engine runs already
// and has the number, both accounts and the agent; the flow behind the number is
// a menu whose key leads to a queue of that agent, with a survey of one rating.
type demoOptions struct {
	SIP      string      // host:port of the engine, UDP
	Client   *api.Client // the engine's view
	Caller   demoAccount
	Agent    demoAccount // its user is the agent's id
	Number   string
	Digits   string // pressed in the menu
	Rating   string // pressed in the survey
	Language string // of the speech
	Out      io.Writer
}

// demoAccount is what a softphone registers or calls with.
type demoAccount struct{ User, Secret, Name string }

const (
	demoWithin   = 40 * time.Second // the whole call; it takes half of that
	demoMenu     = 3400 * time.Millisecond
	demoPickUp   = time.Second // the agent's phone rings
	demoThink    = 1200 * time.Millisecond
	demoSentence = 3300 * time.Millisecond // speech is cut at the best pause before this
	demoAlike    = 0.7                     // least correlation of what was said and heard
)

// demoCall is the demonstration while it runs.
type demoCall struct {
	demoOptions
	began          time.Time
	caller, agent  *phone.Phone
	question       []int16
	reply          []int16
	dialled, taken *phone.Call // the caller's and the agent's end

	mu   sync.Mutex // guards all below, and Out
	seen []string   // stages, as the engine tells them
	id   string     // of the call
}

// runDemo places one call, tells what happens, and checks by ear that both sides
// heard each other. The error says what was not so.
func runDemo(ctx context.Context, o demoOptions) error {
	ctx, cancel := context.WithTimeoutCause(ctx, demoWithin, fmt.Errorf("it took longer than %v", demoWithin))
	defer cancel()
	d := &demoCall{demoOptions: o, began: time.Now()}
	var err error
	if d.question, err = sentence(o.Language, "demo-caller"); err != nil {
		return err
	}
	if d.reply, err = sentence(o.Language, "demo-agent"); err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\ndemonstration: a caller dials %s, chooses %s, is served by agent %s and rates him %s\n\n", o.Number, o.Digits, o.Agent.User, o.Rating)
	if err := d.phones(ctx); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if err := d.report(ctx); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// say tells what happened, with the time since the demonstration began.
func (d *demoCall) say(who, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.Out, "%6.2fs  %-6s  %s\n", time.Since(d.began).Seconds(), who, plain(fmt.Sprintf(format, args...)))
}

// phones opens both softphones, runs the call and closes them.
func (d *demoCall) phones(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, x := range []struct {
		p **phone.Phone
		a demoAccount
	}{{&d.caller, d.Caller}, {&d.agent, d.Agent}} {
		p, err := phone.New(phone.Config{User: x.a.User, Secret: x.a.Secret, Name: x.a.Name, Registrar: d.SIP})
		if err != nil {
			return err
		}
		*x.p = p
		wg.Go(func() { _ = p.Run(running) }) // ends with stop
	}
	if err := d.agent.Register(ctx); err != nil {
		return err
	}
	if err := d.Client.SetAgentState(ctx, d.Agent.User, api.StateRequest{State: "ready"}); err != nil {
		return err
	}
	d.say("agent", "registers at %s as %s and is ready", d.SIP, d.Agent.User)
	watching, enough := context.WithCancel(running)
	defer enough()
	wg.Go(func() { d.watch(watching) }) // ends with enough
	agent := make(chan error, 1)
	wg.Go(func() { agent <- d.serve(ctx) }) // ends with the call, or with ctx
	err := d.ask(ctx)
	if d.dialled != nil {
		d.dialled.Hangup()
	}
	if err != nil && ctx.Err() == nil {
		stop() // ends the agent's part
	}
	return errors.Join(err, <-agent)
}

// ask is the caller's part.
func (d *demoCall) ask(ctx context.Context) error {
	d.say("caller", "dials %s", d.Number)
	c, err := d.caller.Call(ctx, d.Number)
	if err != nil {
		return err
	}
	d.dialled = c
	if err := c.WaitAnswered(ctx); err != nil {
		return fmt.Errorf("the caller was not answered: %w", err)
	}
	if err := c.WaitSpeech(ctx); err != nil {
		return fmt.Errorf("the caller heard no menu: %w", err)
	}
	d.say("caller", "hears the menu")
	if !rest(ctx, c, demoMenu-c.Listen().Length()) {
		return errors.New("the call ended in the menu")
	}
	d.say("caller", "presses %s", d.Digits)
	if err := c.Press(ctx, d.Digits, 100*time.Millisecond); err != nil {
		return err
	}
	if err := d.stage(ctx, c, "talk"); err != nil {
		return err
	}
	d.say("caller", "says %q", cut(prompts.Text(d.Language, "demo-caller"), d.question))
	<-c.Say(d.question)
	if err := d.stage(ctx, c, "survey"); err != nil {
		return err
	}
	if !rest(ctx, c, demoThink) {
		return errors.New("the call ended before the caller could rate")
	}
	d.say("caller", "rates %s", d.Rating)
	if err := c.Press(ctx, d.Rating, 0); err != nil {
		return err
	}
	if err := c.WaitDone(ctx); err != nil {
		return err
	}
	d.say("caller", "hears goodbye; the call is over")
	return nil
}

// serve is the agent's part.
func (d *demoCall) serve(ctx context.Context) error {
	c, err := d.agent.Accept(ctx)
	if err != nil {
		return fmt.Errorf("the agent's phone never rang: %w", err)
	}
	d.taken = c
	c.Ring()
	name, number := c.Screen()
	d.say("agent", "rings and shows %q %s", name, number)
	if !rest(ctx, c, demoPickUp) {
		return errors.New("the offer was withdrawn before the agent answered")
	}
	c.Answer()
	if err := c.WaitAnswered(ctx); err != nil {
		return err
	}
	d.say("agent", "answers")
	if err := d.stage(ctx, c, "talk"); err != nil {
		return err
	}
	if !rest(ctx, c, time.Duration(len(d.question))*time.Second/8000+200*time.Millisecond) {
		return errors.New("the call ended before the agent could speak")
	}
	d.say("agent", "says %q", cut(prompts.Text(d.Language, "demo-agent"), d.reply))
	<-c.Say(d.reply)
	if !rest(ctx, c, 200*time.Millisecond) {
		return errors.New("the call ended while the agent spoke")
	}
	d.say("agent", "hangs up")
	c.Hangup()
	return c.WaitDone(ctx)
}

// cut marks a text of which only the beginning is spoken.
func cut(text string, pcm []int16) string {
	first, _, more := strings.Cut(text, ", ")
	if more && len(pcm) > 0 {
		return first + " ..."
	}
	return text
}

// rest waits; false if the call or the demonstration ends meanwhile.
func rest(ctx context.Context, c *phone.Call, d time.Duration) bool {
	select {
	case <-time.After(d):
		return !c.Over()
	case <-c.Done():
	case <-ctx.Done():
	}
	return false
}

// stage waits until the engine says that the call has reached a stage.
func (d *demoCall) stage(ctx context.Context, c *phone.Call, name string) error {
	for {
		d.mu.Lock()
		for _, s := range d.seen {
			if s == name {
				d.mu.Unlock()
				return nil
			}
		}
		d.mu.Unlock()
		// A call that has ended may have been in that stage; the record tells.
		if c.Over() {
			return fmt.Errorf("the call ended (%s) before the stage %q", c.End(), name)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the stage %q was not reached: %w", name, context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// watch follows the call in the engine's view.
func (d *demoCall) watch(ctx context.Context) {
	for {
		var calls []call.CallView
		if err := d.Client.List(ctx, "calls", &calls); err == nil {
			for _, v := range calls {
				if v.Called == d.Number && v.Caller == d.Caller.User && v.Began.After(d.began) {
					d.look(v)
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// demoStages are words for stages of the engine.
var demoStages = map[string]string{
	"menu":     "menu",
	"announce": "announcement: the caller hears who serves him, the agent a beep",
	"talk":     "talk: both hear each other, and are recorded",
	"survey":   "survey",
}

// look tells the stages that are new.
func (d *demoCall) look(v call.CallView) {
	d.mu.Lock()
	known := len(d.seen)
	d.id = v.ID
	d.mu.Unlock()
	for _, s := range v.Trace[min(known, len(v.Trace)):] {
		words, ok := demoStages[s]
		if !ok {
			words = s
		}
		if queue, ok := strings.CutPrefix(s, "wait "); ok {
			words = "queue " + queue + ": the caller hears music"
		}
		d.say("engine", "%s", words)
		d.mu.Lock()
		d.seen = append(d.seen, s)
		d.mu.Unlock()
	}
}

// report prints the call's record and recording, and judges what was heard.
func (d *demoCall) report(ctx context.Context) error {
	if d.id == "" {
		return errors.New("the engine never showed the call")
	}
	var r store.CDR
	if err := d.until(ctx, "call record", func() error { return d.Client.Show(ctx, "cdrs", d.id, &r) }); err != nil {
		return err
	}
	a := &app{out: d.Out, err: d.Out, env: os.LookupEnv}
	fmt.Fprintln(d.Out)
	if err := a.fields("call", r.ID, "caller", r.Caller+" "+r.Name, "called", r.Called, "queue", r.Queue, "agent", r.Agent,
		"length", span(r.Length()), "talk", span(talked(r)), "rating", ratings(r.Ratings), "end", cause(r.Cause, r.Recovered),
		"trace", r.Trace); err != nil {
		return err
	}
	if len(r.Ratings) != 1 || fmt.Sprint(r.Ratings[0].Stars) != d.Rating {
		return fmt.Errorf("the record has rating %q, the caller gave %s", ratings(r.Ratings), d.Rating)
	}
	if r.Recording == "" {
		return errors.New("the talk was not recorded; try: hotline cdr show " + r.ID)
	}
	var rec api.RecordingReply
	if err := d.until(ctx, "recording", func() error { return d.Client.Show(ctx, "recordings", r.Recording, &rec) }); err != nil {
		return err
	}
	if err := a.fields("recording", rec.File); err != nil {
		return err
	}
	fmt.Fprintln(d.Out)
	return d.judge(rec.File)
}

// until asks for something that is stored shortly after the call.
func (d *demoCall) until(ctx context.Context, what string, ask func() error) error {
	limit := time.After(5 * time.Second)
	for {
		err := ask()
		var e *api.Error
		if err == nil || !errors.As(err, &e) || e.Status != 404 {
			return err
		}
		select {
		case <-limit:
			return fmt.Errorf("no %s was stored within 5s: %w", what, err)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// judge compares what was said with what was heard and recorded.
func (d *demoCall) judge(file string) error {
	left, right, err := channels(file)
	if err != nil {
		return err
	}
	var faults []string
	for _, x := range []struct {
		what        string
		said, heard []int16
	}{
		{"the caller heard the agent", d.reply, d.dialled.Listen().Samples},
		{"the agent heard the caller", d.question, d.taken.Listen().Samples},
		{"the left channel of the recording has the caller", d.question, left},
		{"the right channel of the recording has the agent", d.reply, right},
	} {
		score, _ := phone.Correlate(x.said, x.heard)
		fmt.Fprintf(d.Out, "%s: %s (correlation %.2f)\n", x.what, yesNo(score >= demoAlike), score)
		if score < demoAlike {
			faults = append(faults, "not so: "+x.what)
		}
	}
	if faults != nil {
		return fmt.Errorf("%s; try: hotline recording list, and listen", strings.Join(faults, "; "))
	}
	return nil
}
