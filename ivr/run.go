package ivr

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// MaxVisits bounds the nodes of one Run; a flow that passes more is broken.
const MaxVisits = 1000

// Line is the leg a flow runs on. Methods return context.Cause(ctx) early when
// the caller is gone; Run calls them one at a time, from its own goroutine.
type Line interface {
	// Play returns at the end of the speech, or early (nil) when it is
	// interruptible and a digit waits.
	Play(ctx context.Context, s Speech) error
	// Digit waits for the next digit; digits typed ahead come first.
	Digit(ctx context.Context) (rune, error)
	// Flush forgets the digits typed ahead.
	Flush()
	// Secret begins and ends a time in which the caller's keys must reach no
	// recording, no log and no other ear.
	Secret(on bool)
}

// Speech is a list of prompts of one language, joined without gaps.
type Speech struct {
	Language      string
	Prompts       []string
	Interruptible bool // a digit cuts it short
}

// Env is what a Run needs to know of the world. Zero fields take defaults.
type Env struct {
	Start    string                                 // node to begin with; default the flow's start
	Now      func() time.Time                       // in the time zone that is spoken; default time.Now
	Hours    func(name string) (open bool, ok bool) // unknown hours count as open
	Holiday  func(name string) bool                 // default: never
	Vars     map[string]string                      // copied
	Language string                                 // default en
	Choices  func(Wish) []Choice                    // agents to choose from, the best first; default: none
	Contacts Contacts                               // earlier ones of who is on the line; default: none
	Trace    func(node, what string)                // told each step; must not block. Never told the digits of an entry
}

// Outcome is where the call goes next, and what was learnt on the way.
type Outcome struct {
	Kind     string        // that of the node that ended the flow
	Node     string        // the node that ended the flow; see Flow.After
	Target   string        // queue, agent, number or mailbox
	Agent    string        // choose: whom the caller chose, "" nobody
	Hold     time.Duration // choose: how long the call waits for Agent alone
	Category string        // queue, choose: whose grade counts
	Since    time.Time     // queue, choose: when the caller began to wait; what he chose from costs him no place
	Trunk    string        // number: the trunk to leave by, "" for one of our own numbers
	Language string
	Needs    map[string]int
	Vars     map[string]string
	Secrets  map[string]Secret // entries of collect nodes with secret: true; in no Vars, and no node can say them
	Ratings  map[string]int    // survey item -> 1..5
	Path     []string          // nodes visited, in order
}

// ErrTooLong means that a flow passed MaxVisits nodes without an end.
var ErrTooLong = errors.New("flow does not end")

// maxSpeech is the longest that one Play may take; a line that loses the end of
// a prompt must not keep the caller in silence for ever.
const maxSpeech = 10 * time.Minute

var errSpeech = errors.New("no end after 10 minutes")

// errNoInput is the cause of a wait for a digit that ran out.
var errNoInput = errors.New("no input")

// walk is the state of one Run.
type walk struct {
	line Line
	env  Env
	name string // node being visited
	out  Outcome
}

// Run walks the flow until a node ends it. When the caller hangs up it returns
// an error that wraps context.Cause(ctx); the Outcome is valid then too: its
// kind is hangup, its variables, ratings and path are those gathered so far.
// A prompt that can't be played is traced and passed over.
func Run(ctx context.Context, l Line, f Flow, env Env) (Outcome, error) {
	w := newWalk(l, env)
	w.name = env.Start
	if w.name == "" {
		w.name = f.Start
	}
	for len(w.out.Path) < MaxVisits {
		n, ok := f.Nodes[w.name]
		if !ok {
			return w.hangup(), fmt.Errorf("ivr: no node %q", w.name)
		}
		w.out.Path = append(w.out.Path, w.name)
		next, err := w.visit(ctx, n)
		if cause := context.Cause(ctx); cause != nil {
			out := w.hangup()
			out.Path = w.afterHangup(f, n.OnHangup)
			return out, fmt.Errorf("ivr: node %s: %w", out.Node, cause)
		}
		if err != nil {
			return w.hangup(), fmt.Errorf("ivr: node %s: %w", w.name, err)
		}
		if w.out.Kind != "" {
			return w.out, nil
		}
		if next == "" {
			w.trace("end")
			return w.hangup(), nil
		}
		w.name = next
	}
	return w.hangup(), fmt.Errorf("ivr: node %s: %w: %d nodes visited", w.name, ErrTooLong, MaxVisits)
}

func newWalk(l Line, env Env) *walk {
	if env.Now == nil {
		env.Now = time.Now
	}
	if env.Language == "" {
		env.Language = English
	}
	vars := maps.Clone(env.Vars)
	if vars == nil {
		vars = map[string]string{}
	}
	return &walk{line: l, env: env, out: Outcome{
		Language: env.Language, Vars: vars, Ratings: map[string]int{},
	}}
}

// hangup makes the outcome one that ends the call.
func (w *walk) hangup() Outcome {
	w.out.Kind, w.out.Node, w.out.Target, w.out.Trunk, w.out.Needs = KindHangup, w.name, "", "", nil
	w.out.Agent, w.out.Hold, w.out.Category = "", 0, ""
	return w.out
}

// afterHangup runs the nodes that need no caller, set and hours, and returns
// the whole path.
func (w *walk) afterHangup(f Flow, name string) []string {
	for name != "" && len(w.out.Path) < MaxVisits {
		n, ok := f.Nodes[name]
		if !ok || !kinds[n.Kind].silent {
			break
		}
		w.name = name
		w.out.Path = append(w.out.Path, name)
		switch n.Kind {
		case KindSet:
			name = w.set(n)
		case KindHours:
			name = w.hours(n)
		default:
			name = ""
		}
	}
	return w.out.Path
}

// visit does one node; the node that ends the flow sets out.Kind.
func (w *walk) visit(ctx context.Context, n Node) (next string, err error) {
	switch n.Kind {
	case KindPlay:
		return n.Next, w.play(ctx, n, n.Prompts)
	case KindSay:
		return w.say(ctx, n)
	case KindMenu:
		return w.menu(ctx, n)
	case KindCollect:
		return w.collect(ctx, n)
	case KindLanguage:
		return w.language(ctx, n)
	case KindHours:
		return w.hours(n), nil
	case KindSurvey:
		return w.survey(ctx, n)
	case KindRatings:
		return w.ratings(ctx, n)
	case KindSet:
		return w.set(n), nil
	case KindChoose:
		return "", w.choose(ctx, n)
	case KindQueue, KindAgent, KindNumber, KindVoicemail, KindMailbox, KindCallback, KindHangup:
		return "", w.end(ctx, n)
	}
	return "", fmt.Errorf("unknown kind %q", n.Kind)
}

// end plays the last prompts and makes the outcome.
func (w *walk) end(ctx context.Context, n Node) error {
	if err := w.play(ctx, n, n.Prompts); err != nil {
		return err
	}
	w.out.Kind, w.out.Node = n.Kind, w.name
	switch n.Kind {
	case KindQueue, KindCallback:
		w.out.Target, w.out.Needs, w.out.Category = n.Queue, maps.Clone(n.Needs), n.Category
		w.out.Since = w.env.Now()
	case KindAgent:
		w.out.Target = n.Agent
	case KindVoicemail, KindMailbox:
		w.out.Target = n.Box
	case KindNumber:
		w.out.Target, w.out.Trunk = n.Number, n.Trunk
	}
	w.trace(strings.TrimSpace(n.Kind + " " + w.out.Target))
	return nil
}

// play speaks the prompts in the current language.
func (w *walk) play(ctx context.Context, n Node, prompts []string) error {
	return w.speak(ctx, n, w.out.Language, prompts)
}

// speak plays prompts; a fault of the sound, unlike the end of the call, is no
// reason to lose the caller.
func (w *walk) speak(ctx context.Context, n Node, lang string, prompts []string) error {
	if len(prompts) == 0 {
		return nil
	}
	pctx, cancel := context.WithTimeoutCause(ctx, maxSpeech, errSpeech)
	defer cancel()
	err := w.line.Play(pctx, Speech{Language: lang, Prompts: prompts, Interruptible: n.interruptible()})
	if err != nil && ctx.Err() == nil {
		w.trace("prompt failed: " + err.Error())
		return nil
	}
	return err
}

// digit waits for one digit; errNoInput when the time is over.
func (w *walk) digit(ctx context.Context, timeout time.Duration) (rune, error) {
	dctx, cancel := context.WithTimeoutCause(ctx, timeout, errNoInput)
	defer cancel()
	d, err := w.line.Digit(dctx)
	if err != nil && ctx.Err() == nil && dctx.Err() != nil {
		return 0, errNoInput
	}
	return d, err
}

func (w *walk) trace(what string) {
	if w.env.Trace != nil {
		w.env.Trace(w.name, what)
	}
}
