package acd

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected commands in testdata")

// t0 is when scripts and simulations begin.
var t0 = time.Date(2030, 1, 7, 8, 0, 0, 0, time.UTC)

// TestScripts replays testdata/acd: a line is a time and an event, a line that
// starts with > is what the core must answer. Lines without a time add to the
// configuration that the event "configure" applies.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("../testdata/acd/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(want, []byte("# ")) {
				t.Errorf("%s: opens without a paragraph that says what it proves", name)
			}
			got := newScript(t).play(want)
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			} else if !bytes.Equal(got, want) {
				t.Errorf("%s: run with -update and read the diff; got:\n%s", name, got)
			}
		})
	}
}

// script is a core driven by lines.
type script struct {
	t      *testing.T
	core   *Core
	out    bytes.Buffer
	line   string
	queues map[QueueID]Queue
	agents map[AgentID]Agent
	last   Reason
}

func newScript(t *testing.T) *script {
	return &script{t: t, core: New(Config{Node: "a", Epoch: 1, Audit: true}), queues: map[QueueID]Queue{}, agents: map[AgentID]Agent{}}
}

func (s *script) play(text []byte) []byte {
	for line := range strings.Lines(string(text)) {
		s.line = line
		f := strings.Fields(line)
		if len(f) > 0 && f[0] == ">" {
			continue
		}
		s.out.WriteString(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if at, err := time.ParseDuration(f[0]); err == nil {
			s.event(t0.Add(at), f[1], f[2:])
		} else {
			s.rule(f[0], f[1:])
		}
	}
	return s.out.Bytes()
}

func (s *script) rule(what string, f []string) {
	o := options(f[1:])
	switch what {
	case "queue":
		_, leave := o["leave"]
		_, missed := o["missed"]
		s.queues[QueueID(f[0])] = Queue{
			ID: QueueID(f[0]), H: s.duration(o["H"]), G: s.duration(o["G"]), RingTimeout: s.duration(o["ring"]),
			WrapUp: s.duration(o["wrapup"]), BackOff: s.duration(o["backoff"]), MaxWait: s.duration(o["maxwait"]),
			MaxLength: int(s.number(o["max"])), Needs: s.levels(o["needs"]), LeaveWhenNobody: leave, MissedNotReady: missed,
			Strategy: Strategy(o["strategy"]), Priority: s.duration(o["priority"]), B: s.number(o["B"]), T: s.duration(o["T"]),
			Band: s.pointer(o["band"]), Window: s.duration(o["window"]), Overtakes: s.count(o["M"]), Skips: s.count(o["L"]),
			Sight: int(s.number(o["W"])), Lambda: s.pointer(o["lambda"]), RingMost: int(s.number(o["most"])), Relax: s.relax(o["relax"]),
			Declines: int(s.number(o["declines"])), DeclinesPerCall: int(s.number(o["percall"])),
		}
	case "agent":
		a := Agent{ID: AgentID(f[0]), Skills: s.levels(o["skills"]), Languages: list(o["lang"]), Order: int(s.number(o["order"])), Capacity: s.levels(o["capacity"])}
		for _, q := range list(o["queues"]) {
			a.Queues = append(a.Queues, QueueID(q))
		}
		if w, ok := o["wrapup"]; ok {
			d := s.duration(w)
			a.WrapUp = &d
		}
		s.agents[a.ID] = a
	case "remove":
		delete(s.agents, AgentID(f[0]))
		delete(s.queues, QueueID(f[0]))
	default:
		s.t.Fatalf("unknown rule %q", s.line)
	}
}

func (s *script) event(now time.Time, what string, f []string) {
	switch what {
	case "start": // phone registered and ready, one after the other
		for _, id := range f {
			s.step(now, Reachable{AgentID(id), true})
			s.step(now, LogIn{AgentID(id), true})
		}
	case "position":
		pos, ewt, ok := s.core.Position(CallID(f[0]))
		fmt.Fprintf(&s.out, "> %s: position %d, expected wait %v, %v\n", f[0], pos, ewt, ok)
	case "keys":
		s.keys()
	case "choices": // who a caller of a queue would be told
		o := options(f[1:])
		for _, ch := range s.core.Choices(CallQueued{Queue: QueueID(f[0]), Since: now, Needs: s.levels(o["needs"]), Category: o["for"]}, 3, now) {
			fmt.Fprintf(&s.out, "> %s: %.3f stars of %.0f ratings, wait %v, known %v\n", ch.Agent, ch.Stars, ch.Weight, ch.Wait, ch.Known)
		}
	case "stats":
		fmt.Fprintf(&s.out, "> %+v\n", s.core.Stats())
	case "agents":
		for _, a := range s.core.Agents() {
			fmt.Fprintf(&s.out, "> %s %v, next %v, stars %.3f, g %.3f\n", a.ID, a.State, a.Next, a.Stars, a.Grade)
		}
	default:
		s.step(now, s.parse(now, what, f))
	}
}

func (s *script) step(now time.Time, ev Event) {
	s.t.Helper()
	for _, cmd := range s.core.Step(now, ev) {
		fmt.Fprintf(&s.out, "> %v\n", cmd)
		if o, ok := cmd.(Offer); ok {
			s.last = o.Reason
		}
	}
	if err := s.core.Check(); err != nil {
		s.t.Fatalf("after %q: %v", s.line, err)
	}
}

// keys prints the reason of the last offer.
func (s *script) keys() {
	fmt.Fprintf(&s.out, "> policy %s, decided by %s\n", s.last.Policy, s.last.Factor)
	for _, k := range s.last.Calls {
		fmt.Fprintf(&s.out, "> call %s since %v, key %v, head %v", k.Call, k.Since.Sub(t0), k.Key.Sub(t0), k.Head)
		s.also("priority", k.Priority)
		s.also("overtaken", float64(k.Overtaken))
		s.also("match", k.Match)
		s.out.WriteByte('\n')
	}
	for _, k := range s.last.Agents {
		fmt.Fprintf(&s.out, "> agent %s idle since %v, key %v", k.Agent, k.IdleSince.Sub(t0), k.Key.Sub(t0))
		s.also("skipped", float64(k.Skipped))
		s.also("sample", k.Sample)
		s.also("occupancy", k.Occupancy)
		s.also("measure", k.Measure)
		s.out.WriteByte('\n')
	}
}

// also prints what only some strategies compare.
func (s *script) also(name string, v float64) {
	if v != 0 {
		fmt.Fprintf(&s.out, ", %s %.4g", name, v)
	}
}

func (s *script) parse(now time.Time, what string, f []string) Event {
	agent := AgentID("")
	o := map[string]string{}
	if len(f) > 0 {
		agent, o = AgentID(f[0]), options(f[1:])
	}
	switch what {
	case "configure":
		return Configure{
			Queues: slices.Collect(maps.Values(s.queues)), // in any order: it must not matter
			Agents: slices.Collect(maps.Values(s.agents)),
		}
	case "call":
		ev := CallQueued{Call: CallID(f[0]), Queue: QueueID(f[1]), Since: now, Language: o["lang"], Needs: s.levels(o["needs"]), Standing: 0.5}
		if since, ok := o["since"]; ok {
			ev.Since = t0.Add(s.duration(since))
		}
		if c, ok := o["c"]; ok {
			ev.Standing = s.number(c)
		}
		_, ev.Head = o["head"]
		_, ev.Leave = o["leave"]
		_, ev.Control = o["control"]
		ev.Customer, ev.Category, ev.Channel = o["by"], o["for"], o["channel"]
		ev.Weight, ev.Priority, ev.Tier = int(s.number(o["weight"])), s.duration(o["priority"]), s.number(o["tier"])
		ev.Only, ev.Never, ev.First, ev.FirstFor = agentIDs(o["only"]), agentIDs(o["never"]), agentIDs(o["first"]), s.duration(o["hold"])
		for _, q := range list(o["also"]) {
			ev.Also = append(ev.Also, QueueID(q))
		}
		return ev
	case "rekey":
		_, head := o["head"]
		return Rekey{CallID(f[0]), s.duration(o["priority"]), head}
	case "left":
		return CallLeft{CallID(f[0])}
	case "login":
		return LogIn{Agent: agent}
	case "ready":
		return Ready{agent}
	case "notready":
		return NotReady{agent, f[1]}
	case "logout":
		return LogOut{agent}
	case "phone":
		return Reachable{agent, f[1] == "yes"}
	case "occupied":
		return Occupied{agent, f[1] == "yes"}
	case "answer":
		return OfferAnswered{OfferID{"a", 1, uint64(s.number(f[0]))}}
	case "refuse":
		var how Refusal
		if err := how.UnmarshalText([]byte(strings.Join(f[1:], " "))); err != nil {
			s.t.Fatal(err)
		}
		return OfferRefused{OfferID{"a", 1, uint64(s.number(f[0]))}, how}
	case "ended":
		_, no := o["nowrapup"]
		_, died := o["died"]
		return TalkEnded{agent, CallID(f[1]), no, died}
	case "done":
		return WrapUpDone{agent}
	case "extend":
		return WrapUpExtended{agent, s.duration(f[1])}
	case "rate":
		return Rated{Agent: agent, Contact: f[1], Customer: f[2], Stars: s.number(f[3]), At: now}
	case "unrate":
		return Unrated{f[0]}
	case "tick":
		return Tick{}
	}
	s.t.Fatalf("unknown event %q", s.line)
	return nil
}

func agentIDs(text string) (ids []AgentID) {
	for _, id := range list(text) {
		ids = append(ids, AgentID(id))
	}
	return ids
}

// pointer and count are nil where the script says nothing.
func (s *script) pointer(text string) *float64 {
	if text == "" {
		return nil
	}
	n := s.number(text)
	return &n
}

func (s *script) count(text string) *int {
	if text == "" {
		return nil
	}
	n := int(s.number(text))
	return &n
}

// relax reads "30s:bill:1,60s:bill:0".
func (s *script) relax(text string) (steps []Relax) {
	for _, w := range list(text) {
		after, needs, _ := strings.Cut(w, ":")
		steps = append(steps, Relax{s.duration(after), s.levels(needs)})
	}
	return steps
}

// options are words of the form key=value, or key alone.
func options(f []string) map[string]string {
	o := make(map[string]string)
	for _, w := range f {
		k, v, _ := strings.Cut(w, "=")
		o[k] = v
	}
	return o
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func (s *script) levels(text string) map[string]int {
	m := make(map[string]int)
	for _, w := range list(text) {
		skill, level, _ := strings.Cut(w, ":")
		m[skill] = int(s.number(level))
	}
	return m
}

func (s *script) duration(text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatalf("%q: %v", s.line, err)
	}
	return d
}

func (s *script) number(text string) float64 {
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.t.Fatalf("%q: %v", s.line, err)
	}
	return n
}
