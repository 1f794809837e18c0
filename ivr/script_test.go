package ivr

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var update = flag.Bool("update", false, "rewrite the scripts with what happens now")

// The scripts in testdata/flows say what a caller does and, in lines beginning
// with >, what he hears and what becomes of him. Lines of a script:
//
//	flow FILE        the flow, in the same folder
//	from NODE        begin there, as after a queue
//	language LANG
//	hours NAME open|closed|holiday
//	broken PROMPT    has no sound
//	choice AGENT STARS WAIT     one who can be chosen
//	contact CALL AGENT|NUMBER DATE [ITEM=STARS ...]
//	TIME key KEYS    the caller presses keys, one each 100 ms
//	TIME hangup
func TestScriptsOfCallers(t *testing.T) {
	files, err := filepath.Glob("../testdata/flows/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("got scripts %v and error %v, want some", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var input []string
			for line := range strings.Lines(string(b)) {
				if !strings.HasPrefix(line, ">") {
					input = append(input, strings.TrimRight(line, "\n"))
				}
			}
			var heard []string
			synctest.Test(t, func(t *testing.T) { heard = runScript(t, input) })
			got := strings.Join(append(input, heard...), "\n") + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(b) {
				t.Errorf("got:\n%s\nwant:\n%s", got, b)
			}
		})
	}
}

func runScript(t *testing.T, input []string) []string {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	line := newLine()
	line.broken = map[string]bool{}
	var flow Flow
	hours := map[string]string{}
	env := Env{
		Trace:   func(node, what string) { line.note("%s: %s", node, what) },
		Hours:   func(name string) (bool, bool) { s, ok := hours[name]; return s == "open", ok },
		Holiday: func(name string) bool { return hours[name] == "holiday" },
		Now:     func() time.Time { return time.Now().UTC() },
		Vars:    map[string]string{"caller": "5551234"},
	}
	for _, l := range input {
		f := strings.Fields(l)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		switch f[0] {
		case "flow":
			flow = readFlow(t, f[1])
		case "from":
			env.Start = f[1]
		case "language":
			env.Language = f[1]
		case "hours":
			hours[f[1]] = f[2]
		case "choice":
			env.Choices = choice(env.Choices, f[1:])
		case "contact":
			contact(t, line, &env.Contacts, f[1:])
		case "broken":
			line.broken[f[1]] = true
		default:
			at, err := time.ParseDuration(f[0])
			if err != nil {
				t.Fatalf("script line %q: %v", l, err)
			}
			act(ctx, line, at, f[1:], cancel)
		}
	}
	out, err := Run(ctx, line, flow, env)
	line.note("%s%s", strings.TrimSpace(out.Kind+" "+out.Target), details(out))
	if err != nil {
		line.note("error: %v", err)
	}
	return line.log
}

// choice adds one to what a choose node offers.
func choice(was func(Wish) []Choice, f []string) func(Wish) []Choice {
	stars, _ := strconv.ParseFloat(f[1], 64)
	wait, _ := time.ParseDuration(f[2])
	return func(w Wish) []Choice {
		var list []Choice
		if was != nil {
			list = was(w)
		}
		return append(list, Choice{f[0], stars, wait})
	}
}

// contact adds one to those that a ratings node reads.
func contact(t *testing.T, l *fakeLine, c *Contacts, f []string) {
	at, err := time.Parse("2006-01-02T15:04", f[2])
	if err != nil {
		t.Fatal(err)
	}
	one := Contact{Call: f[0], Agent: f[1], At: at, Items: map[string]int{}}
	if len(f[1]) > 4 {
		one.Agent, one.Caller = "", f[1]
	}
	for _, item := range f[3:] {
		name, stars, _ := strings.Cut(item, "=")
		one.Items[name], _ = strconv.Atoi(stars)
	}
	was := c.List
	c.List = func() (list []Contact) {
		if was != nil {
			list = was()
		}
		return append(list, one)
	}
	c.Rate = func(c Contact, items map[string]int) error {
		if c.Call == "gone" {
			return errors.New("no such call")
		}
		l.note("keeps %s %v", c.Call, items)
		return nil
	}
	c.Unrate = func(c Contact) error { l.note("deletes %s", c.Call); return nil }
}

func readFlow(t *testing.T, name string) Flow {
	b, err := os.ReadFile(filepath.Join("../testdata/flows", name))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

// act does what the caller does at a time; the timers end with the bubble.
func act(ctx context.Context, l *fakeLine, at time.Duration, what []string, hangup func(error)) {
	if what[0] == "hangup" {
		time.AfterFunc(at, func() { hangup(errCallerGone) })
		return
	}
	for i, d := range what[1] {
		if at == 0 { // before the flow begins
			l.keys <- d
			continue
		}
		time.AfterFunc(at+time.Duration(i)*100*time.Millisecond, func() {
			select {
			case l.keys <- d:
			case <-ctx.Done():
			}
		})
	}
}

func details(o Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, " at %s, language %s", o.Node, o.Language)
	if o.Trunk != "" {
		fmt.Fprintf(&b, ", trunk %s", o.Trunk)
	}
	if o.Agent != "" {
		fmt.Fprintf(&b, ", agent %s for %v", o.Agent, o.Hold)
	}
	if o.Category != "" {
		fmt.Fprintf(&b, ", category %s", o.Category)
	}
	for _, k := range slices.Sorted(maps.Keys(o.Needs)) {
		fmt.Fprintf(&b, ", needs %s %d", k, o.Needs[k])
	}
	for _, k := range slices.Sorted(maps.Keys(o.Vars)) {
		fmt.Fprintf(&b, ", %s=%s", k, o.Vars[k])
	}
	for _, k := range slices.Sorted(maps.Keys(o.Secrets)) {
		fmt.Fprintf(&b, ", %s=%s of %d digits", k, o.Secrets[k], len(o.Secrets[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(o.Ratings)) {
		fmt.Fprintf(&b, ", rated %s %d", k, o.Ratings[k])
	}
	return b.String() + ", path " + strings.Join(o.Path, " ")
}
