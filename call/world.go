package call

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hotline/ivr"
	"hotline/media/sdp"
	"hotline/store"
)

// world is the center as calls use it: read from the store, never changed,
// replaced as a whole. A call reads it anew at each step, so the next step
// follows the new rule.
type world struct {
	center   store.Center
	revision uint64
	flows    map[string]ivr.Flow
	zone     *time.Location
	surveyed map[string]bool   // items that the flows' surveys ask for
	keyCodes map[string]string // of agents in talk
}

func newWorld(c store.Center, revision uint64) (*world, error) {
	w := &world{center: c, revision: revision, flows: map[string]ivr.Flow{}, zone: time.UTC, surveyed: map[string]bool{}}
	w.keyCodes = w.keys()
	for id, f := range c.Flows {
		flow, err := readFlow(f)
		if err != nil {
			return nil, fmt.Errorf("call: flow %s: %w", id, err)
		}
		w.flows[id] = flow
		for _, n := range flow.Nodes {
			for _, it := range n.Items {
				w.surveyed[it.Name] = true
			}
		}
	}
	if c.Settings.Zone != "" {
		z, err := time.LoadLocation(c.Settings.Zone)
		if err != nil {
			return nil, fmt.Errorf("call: zone: %w", err)
		}
		w.zone = z
	}
	return w, nil
}

func readFlow(f store.Flow) (ivr.Flow, error) {
	b, err := json.Marshal(f)
	if err != nil {
		return ivr.Flow{}, err
	}
	return ivr.Parse(b)
}

func (w *world) now() time.Time { return time.Now().In(w.zone) }

// language is what a call speaks before it chose one.
func (w *world) language(n store.Number) string {
	switch {
	case n.Language != "":
		return n.Language
	case w.center.Settings.Language != "":
		return w.center.Settings.Language
	}
	return "en"
}

func (w *world) maxCall() time.Duration { return orDefault(w.center.Settings.MaxCall.D(), 4*time.Hour) }

// vanished says whether a leg silent for so long counts as gone.
func (w *world) vanished(d time.Duration) bool {
	limit := w.center.Settings.Silence.D()
	if limit < 0 {
		return false
	}
	return d >= orDefault(limit, time.Minute)
}

// categories are what both sides rate, at least one.
func (w *world) categories() []string {
	if c := w.center.Settings.Categories; len(c) > 0 {
		return c
	}
	return []string{"attitude", "knowledge", "time", "solved"}
}

// survey is the flow after talks of a queue; "" is none.
func (w *world) survey(queue string) string {
	s := w.center.Queues[queue].Survey
	if s == "" {
		s = w.center.Settings.Survey
	}
	if s == "none" {
		return ""
	}
	if _, ok := w.flows[s]; !ok {
		return ""
	}
	return s
}

func (w *world) codes() store.Codes {
	c := store.Codes{Ready: "*41", NotReady: "*42", LogOut: "*40", LogIn: "*43", PickUp: "*8", Hide: "*67", Supervise: "*3", MyRatings: "*50", RateLast: "*51",
		Note: "*6", Nuisance: "*66", Extend: "*44", Show: "*45", Voicemail: "*97"}
	if k := w.center.Settings.Codes; k != nil {
		c = *k
	}
	return c
}

// confirms says whether an agent accepts a call by pressing 1.
func (w *world) confirms(agent string) bool {
	a := w.center.Agents[agent]
	if a.Confirm != nil {
		return *a.Confirm
	}
	return a.Trunk != ""
}

// policies are the choices of secured audio.
var policies = map[string]sdp.Policy{"": sdp.Off, "off": sdp.Off, "prefer": sdp.Prefer, "require": sdp.Require}

// secures says whether audio with a peer is secured: by what the agent's or the
// trunk's entry says, or that of the trunk over which an agent is reached.
func (w *world) secures(peer string) sdp.Policy {
	kind, id, _ := strings.Cut(peer, ":")
	choice := w.center.Trunks[id].SRTP
	if kind == "agent" {
		a := w.center.Agents[id]
		if choice = a.SRTP; choice == "" {
			choice = w.center.Trunks[a.Trunk].SRTP
		}
	}
	return policies[choice]
}

// open tells whether hours are open now.
func (w *world) open(name string) (open, ok bool) {
	h, ok := w.center.Hours[name]
	if !ok {
		return false, false
	}
	now := w.now()
	if h.Zone != "" {
		if z, err := time.LoadLocation(h.Zone); err == nil {
			now = now.In(z)
		}
	}
	return openAt(h, now), true
}

// openAt tells whether hours are open at a time of their zone.
func openAt(h store.Hours, at time.Time) bool {
	if holiday(h, at) {
		return false
	}
	minute := at.Hour()*60 + at.Minute()
	for _, o := range h.Open {
		days, err := parseDays(o.Days)
		from, err1 := parseClock(o.From)
		to, err2 := parseClock(o.To)
		if err != nil || err1 != nil || err2 != nil {
			continue // refused when it was applied
		}
		if to > from {
			if days[at.Weekday()] && minute >= from && minute < to {
				return true
			}
			continue
		}
		yesterday := (at.Weekday() + 6) % 7 // a span over midnight belongs to the day it began
		if days[at.Weekday()] && minute >= from || days[yesterday] && minute < to {
			return true
		}
	}
	return false
}

func holiday(h store.Hours, at time.Time) bool {
	day := at.Format(time.DateOnly)
	for _, d := range h.Holidays {
		if d == day {
			return true
		}
	}
	return false
}

var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// parseDays reads "mon-fri", "sat", "mon,wed-fri".
func parseDays(s string) (days [7]bool, err error) {
	index := func(name string) (int, error) {
		for i, d := range dayNames {
			if d == strings.ToLower(strings.TrimSpace(name)) {
				return i, nil
			}
		}
		return 0, fmt.Errorf("no day %q: use sun mon tue wed thu fri sat", name)
	}
	for part := range strings.SplitSeq(s, ",") {
		a, b, span := strings.Cut(part, "-")
		from, err := index(a)
		if err != nil {
			return days, err
		}
		to := from
		if span {
			if to, err = index(b); err != nil {
				return days, err
			}
		}
		for d := from; ; d = (d + 1) % 7 {
			days[d] = true
			if d == to {
				break
			}
		}
	}
	return days, nil
}

// parseClock reads "09:00" to minutes of the day; "24:00" is midnight.
func parseClock(s string) (int, error) {
	h, m, ok := strings.Cut(s, ":")
	hour, err1 := strconv.ParseUint(h, 10, 8) // which takes no sign
	minute, err2 := strconv.ParseUint(m, 10, 8)
	if !ok || err1 != nil || err2 != nil || len(h) > 2 || len(m) != 2 || minute > 59 || hour*60+minute > 24*60 {
		return 0, fmt.Errorf("%q is no time of day: write 09:00", s)
	}
	return int(hour*60 + minute), nil
}

func announced(q store.Queue) store.Announce {
	if q.Announce != nil {
		return *q.Announce
	}
	return store.Announce{Position: true, Wait: true}
}

func announceFirst(q store.Queue) time.Duration {
	return orDefault(announced(q).First.D(), 5*time.Second)
}

func announceEvery(q store.Queue) time.Duration {
	return orDefault(announced(q).Every.D(), 30*time.Second)
}
