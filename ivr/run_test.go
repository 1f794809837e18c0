package ivr

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// instantLine plays at once; its caller presses the keys of a list, then none.
type instantLine struct {
	keys   []rune
	calls  int
	hangup func() // after as many calls
	after  int
}

func (l *instantLine) count(ctx context.Context) error {
	if l.calls++; l.hangup != nil && l.calls == l.after {
		l.hangup()
	}
	return context.Cause(ctx)
}

func (l *instantLine) Play(ctx context.Context, _ Speech) error { return l.count(ctx) }
func (l *instantLine) Flush()                                   {}
func (l *instantLine) Secret(bool)                              {}
func (l *instantLine) Digit(ctx context.Context) (rune, error) {
	if err := l.count(ctx); err != nil {
		return 0, err
	}
	if len(l.keys) > 0 {
		d := l.keys[0]
		l.keys = l.keys[1:]
		return d, nil
	}
	<-ctx.Done()
	return 0, context.Cause(ctx)
}

// endsForTheSilent: a flow without problems ends for a caller who does nothing,
// open or closed, and passes no node twice on the way.
func endsForTheSilent(t *testing.T, f Flow) {
	synctest.Test(t, func(t *testing.T) {
		for _, open := range []bool{true, false} {
			out, err := Run(t.Context(), &instantLine{}, f, Env{Hours: func(string) (bool, bool) { return open, true }})
			if err != nil || len(out.Path) > len(f.Nodes) {
				t.Errorf("got %v and path %v, want an end: %+v", err, out.Path, f)
			}
		}
	})
}

// anyFlow draws flows of few nodes with any next, sensible or not.
func anyFlow(t *rapid.T) Flow {
	names := []string{"a", "b", "c", "d"}
	to := rapid.SampledFrom(append([]string{"", "nowhere"}, append(names, names...)...))
	f := Flow{Start: "a", Nodes: map[string]Node{}}
	for _, name := range names {
		n := Node{
			Kind:     rapid.SampledFrom(append(Kinds(), "odd")).Draw(t, "kind"),
			Prompts:  []string{"welcome"},
			Next:     to.Draw(t, "next"),
			Default:  to.Draw(t, "default"),
			OnHangup: to.Draw(t, "on hang-up"),
			Tries:    rapid.IntRange(-1, 3).Draw(t, "tries"),
			Timeout:  Span(rapid.Int64().Draw(t, "timeout")),
		}
		switch n.Kind {
		case KindMenu:
			n.Keys = map[string]string{"1": to.Draw(t, "key 1"), "2": to.Draw(t, "key 2")}
		case KindCollect:
			n.Into, n.MaxDigits = "x", rapid.Int().Draw(t, "digits")
		case KindLanguage:
			n.Languages = map[string]string{"1": "en", "2": "zh"}
		case KindHours:
			n.Open, n.Closed = to.Draw(t, "open"), to.Draw(t, "closed")
		case KindSurvey, KindRatings:
			n.Items = []Item{{Name: "service"}, {Name: "agent"}}
		case KindSay:
			n.As, n.Var = "digits", "x"
		}
		f.Nodes[name] = n
	}
	return f
}

func TestRunAlwaysEndsWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := anyFlow(rt)
		keys := rapid.SliceOfN(rapid.SampledFrom([]rune("0129*#A")), 0, 3000).Draw(rt, "keys")
		synctest.Test(t, func(t *testing.T) {
			out, err := Run(t.Context(), &instantLine{keys: keys}, f, evaluating())
			checkOutcome(rt, f, out, err)
			if errors.Is(err, ErrTooLong) && len(out.Path) != MaxVisits {
				rt.Fatalf("got %d nodes, want %d", len(out.Path), MaxVisits)
			}
		})
	})
}

func TestRunEndsWithTheCauseWheneverTheCallerHangsUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := anyFlow(rt)
		keys := rapid.SliceOfN(rapid.SampledFrom([]rune("0129*#A")), 0, 100).Draw(rt, "keys")
		after := rapid.IntRange(1, 40).Draw(rt, "after")
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			l := &instantLine{keys: keys, after: after, hangup: func() { cancel(errCallerGone) }}
			out, err := Run(ctx, l, f, evaluating())
			checkOutcome(rt, f, out, err)
			if gone := l.calls >= after; gone && !errors.Is(err, errCallerGone) {
				rt.Fatalf("got %v, want the cause", err)
			}
			if l.calls > after+1 { // survey's flush aside, nothing is said to nobody
				rt.Fatalf("got %d calls of the line, want none after the hang-up at %d", l.calls, after)
			}
		})
	})
}

// evaluating has agents to choose from and contacts to rate.
func evaluating() Env {
	return Env{
		Choices: func(Wish) []Choice { return []Choice{{"1001", 4.6, 0}, {"1002", 0, -1}, {"1003", 1, time.Hour}} },
		Contacts: Contacts{
			List: func() []Contact { return []Contact{{Call: "a", Agent: "1001"}, {Call: "b", Caller: "12"}} },
			Rate: func(_ Contact, items map[string]int) error {
				for _, stars := range items {
					if stars < 1 || stars > maxStars {
						panic("a rating out of range")
					}
				}
				return nil
			},
			Unrate: func(Contact) error { return errors.New("no") },
		},
	}
}

func checkOutcome(t *rapid.T, f Flow, out Outcome, err error) {
	if !slices.Contains([]string{KindQueue, KindChoose, KindAgent, KindNumber, KindVoicemail, KindMailbox, KindCallback, KindHangup}, out.Kind) {
		t.Fatalf("got outcome %+v, want a kind that ends", out)
	}
	if err != nil && out.Kind != KindHangup {
		t.Fatalf("got outcome %q beside error %v, want hangup", out.Kind, err)
	}
	if len(out.Path) > MaxVisits || out.Vars == nil || out.Ratings == nil {
		t.Fatalf("got outcome %+v, want it whole and bounded", out)
	}
	for item, stars := range out.Ratings {
		if stars < 1 || stars > maxStars {
			t.Fatalf("got rating %s %d, want 1..5", item, stars)
		}
	}
	_ = f
}

func TestAFlowThatCirclesIsStopped(t *testing.T) {
	f := Flow{Start: "a", Nodes: map[string]Node{"a": {Kind: KindSet, Set: map[string]string{"x": "1"}, Next: "a"}}}
	out, err := Run(t.Context(), &instantLine{}, f, Env{})
	if !errors.Is(err, ErrTooLong) || out.Kind != KindHangup {
		t.Errorf("got %v %v, want %v", out.Kind, err, ErrTooLong)
	}
}

func TestRunDoesNotChangeWhatItWasGiven(t *testing.T) {
	vars := map[string]string{"a": "1"}
	f := Flow{Start: "a", Nodes: map[string]Node{
		"a": {Kind: KindSet, Set: map[string]string{"a": "2"}, Next: "q"},
		"q": {Kind: KindQueue, Queue: "sales", Needs: map[string]int{"x": 1}},
	}}
	out, err := Run(t.Context(), &instantLine{}, f, Env{Vars: vars})
	if err != nil {
		t.Fatal(err)
	}
	out.Needs["x"] = 9
	if vars["a"] != "1" || f.Nodes["q"].Needs["x"] != 1 || out.Vars["a"] != "2" {
		t.Errorf("got %v %v %v, want the inputs as they were", vars, f.Nodes["q"].Needs, out.Vars)
	}
}

// brokenLine fails in its own way while the caller is still there.
type brokenLine struct{ instantLine }

func (l *brokenLine) Digit(context.Context) (rune, error) { return 0, errors.New("no ears") }

func TestALineThatCannotHearEndsTheRun(t *testing.T) {
	_, err := Run(t.Context(), &brokenLine{}, readFlow(t, "hotline.json"), Env{Start: "main"})
	if want := "ivr: node main: no ears"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// deafLine never tells that a prompt has ended.
type deafLine struct{ instantLine }

func (l *deafLine) Play(ctx context.Context, _ Speech) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestAPromptWithoutEndIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		out, err := Run(t.Context(), &deafLine{}, readFlow(t, "hotline.json"), Env{Start: "sales"})
		if err != nil || out.Kind != KindQueue || time.Since(begin) != maxSpeech {
			t.Errorf("got %s %v after %v, want the queue after %v", out.Kind, err, time.Since(begin), maxSpeech)
		}
	})
}

func TestValuesAreSaidFromVariablesAndLiterals(t *testing.T) {
	at := time.Date(2030, 1, 1, 14, 30, 0, 0, time.UTC)
	for _, c := range []struct{ as, value, currency, want string }{
		{"number", "105", "", "one hundred five"},
		{"digits", "105", "", "one zero five"},
		{"time", "09:05", "", "nine oh five a.m"},
		{"time", "now", "", "two thirty p.m"},
		{"money", "12.5", "usd", "twelve dollars and fifty cents"},
		{"money", "-3", "eur", "minus three euros"},
		{"duration", "2m", "", "two minutes"},
		{"number", "x", "", ""},
	} {
		var said []string
		line := sayLine{said: &said}
		f := Flow{Start: "s", Nodes: map[string]Node{"s": {Kind: KindSay, As: c.as, Var: "v", Currency: c.currency}}}
		if _, err := Run(t.Context(), line, f, Env{Vars: map[string]string{"v": c.value}, Now: func() time.Time { return at }}); err != nil {
			t.Fatal(err)
		}
		if got := written(t, English, said); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.as, c.value, got, c.want)
		}
	}
}

type sayLine struct{ said *[]string }

func (l sayLine) Play(_ context.Context, s Speech) error {
	*l.said = append(*l.said, s.Prompts...)
	return nil
}
func (l sayLine) Digit(context.Context) (rune, error) { return 0, errors.New("not asked") }
func (l sayLine) Flush()                              {}
func (l sayLine) Secret(bool)                         {}
