package call

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hotline/acd"
	"hotline/store"
)

// Limits of what an operator may set. Beyond them nobody could tell any more what
// a number means; the ACD would still hold its bounds.
const (
	maxCategories = 4
	maxPriority   = time.Hour
	maxGrowth     = 10   // B of accumulating
	maxCount      = 1000 // overtakes, skips, declines
	maxSight      = 64
	maxRing       = 50
	maxOrder      = 1_000_000
	maxCarried    = 100
)

// categoryPattern: categories are typed and stand in file names of prompts.
var categoryPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)

// prefixPattern is the beginning of a number.
var prefixPattern = regexp.MustCompile(`^\+?[0-9]{1,15}$|^\+$`)

// ratings are how evaluations are asked for and what they become.
func (k *check) ratings(s store.Settings) {
	if len(s.Categories) > maxCategories {
		k.add("$.settings.categories", fmt.Sprintf("%d categories are more than a caller answers", len(s.Categories)), fmt.Sprintf("1 to %d", maxCategories))
	}
	for i, c := range s.Categories {
		path := fmt.Sprintf("$.settings.categories[%d]", i)
		switch {
		case !categoryPattern.MatchString(c):
			k.add(path, fmt.Sprintf("%q can't be a category", c), "small letters, digits, _ and -, such as knowledge")
		case c == ItemOverall:
			k.add(path, fmt.Sprintf("%q is what a rating without categories is called", c), "another name")
		case slices.Index(s.Categories, c) < i:
			k.add(path, fmt.Sprintf("%q is there already", c), "each category once")
		}
	}
	if r := s.Ratings; r != nil {
		if r.HalfLife != 0 {
			k.between("$.settings.ratings.half_life", r.HalfLife.D().Hours(), 1, 10*365*24, "1h to 87600h, such as 2160h for 90 days")
		}
		if r.Prior != 0 {
			k.between("$.settings.ratings.prior", r.Prior, 1, 5, "1 to 5 stars, such as 4")
		}
		k.between("$.settings.ratings.prior_weight", r.PriorWeight, 0, 1000, "0 (for the default, 6) to 1000 ratings")
		k.between("$.settings.ratings.recovery", r.Recovery, 0, 1, "0 to 1, such as 0.2")
	}
	for _, id := range sortedKeys(s.Tiers) {
		path := strings.Replace(at("tiers", id, ""), "$.", "$.settings.", 1)
		if !idPattern.MatchString(id) {
			k.add(path, fmt.Sprintf("%q can't be a tier", id), "1 to 64 letters, digits and _ . + * # -")
		}
		k.between(path+".standing", s.Tiers[id].Standing, -1, 1, "-1 to 1, such as 0.2")
		k.span(path+".priority", s.Tiers[id].Priority, maxPriority)
	}
}

// between checks a number; what is none (NaN) is out of range too.
func (k *check) between(path string, v, least, most float64, try string) {
	if !(v >= least && v <= most) {
		k.add(path, fmt.Sprintf("%v is out of range", v), try)
	}
}

func (k *check) share(path string, v *float64) {
	if v != nil {
		k.between(path, *v, 0, 1, "a share between 0 and 1, such as 0.1")
	}
}

// count checks a number of times where nil is the default.
func (k *check) count(path string, v *int, least, most int) {
	if v != nil && (*v < least || *v > most) {
		k.add(path, fmt.Sprintf("%d is out of range", *v), fmt.Sprintf("%d to %d", least, most))
	}
}

func (k *check) queueRefs(path string, list []string) {
	for i, q := range list {
		if _, ok := k.c.Queues[q]; !ok {
			k.add(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("no queue %q", q), choice("queues", k.c.Queues))
		}
	}
}

func (k *check) agentRefs(path string, list []string) {
	for i, a := range list {
		if _, ok := k.c.Agents[a]; !ok {
			k.add(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("no agent %q", a), choice("agents", k.c.Agents))
		}
	}
}

// agentRouting are an agent's place and load.
func (k *check) agentRouting(id string, a store.Agent) {
	k.count(at("agents", id, "order"), &a.Order, 0, maxOrder)
	for _, channel := range sortedKeys(a.Capacity) {
		path := at("agents", id, "capacity") + "." + channel
		switch n := a.Capacity[channel]; {
		case channel == "" || channel == "voice":
			k.add(path, "a voice call always fills its agent", "delete it; other channels, such as chat: 3")
		case !idPattern.MatchString(channel):
			k.add(path, fmt.Sprintf("%q can't be a channel", channel), "a word such as chat")
		default:
			k.count(path, &n, 1, maxCarried)
		}
	}
	if !slices.Contains([]string{"", "cue", "display", "none"}, a.Tell) {
		k.add(at("agents", id, "tell"), fmt.Sprintf("no choice %q", a.Tell), "cue, display or none")
	}
}

// routing is how a queue chooses calls and agents.
func (k *check) routing(id string, q store.Queue) {
	path := func(field string) string { return at("queues", id, field) }
	k.strategy(path("strategy"), q.Strategy)
	k.span(path("priority"), q.Priority, maxPriority)
	if q.B != nil {
		k.between(path("b"), *q.B, 1, maxGrowth, "1 (all alike) to 10, such as 1.5")
	}
	k.span(path("guard"), q.Guard, 24*time.Hour)
	k.share(path("band"), q.Band)
	if q.Window != 0 {
		k.between(path("window"), q.Window.D().Minutes(), 1, 24*60, "1m to 24h, such as 1h")
	}
	k.count(path("overtakes"), q.Overtakes, 0, maxCount)
	k.count(path("skips"), q.Skips, 0, maxCount)
	k.count(path("sight"), q.Sight, 1, maxSight)
	if q.Lambda != nil {
		k.between(path("lambda"), *q.Lambda, 0, 5, "0 to 5 stars, such as 0.2")
	}
	k.count(path("ring_most"), &q.RingMost, 0, maxRing)
	k.count(path("declines"), q.Declines, 0, maxCount)
	if q.Instead != "" {
		k.target(path("instead"), q.Instead, false)
	}
	k.count(path("declines_per_call"), q.DeclinesPerCall, 0, maxCount)
	k.share(path("control"), q.Control)
	k.category(path("category"), q.Category)
	k.span(path("last_agent"), q.LastAgent, time.Hour)
	k.span(path("preferred"), q.Preferred, time.Hour)
	k.relax(path("relax"), q.Relax)
	k.opening(id, q)
	if !slices.Contains([]string{"", "command", "keys", "none"}, q.RateCustomer) {
		k.add(path("rate_customer"), fmt.Sprintf("no choice %q", q.RateCustomer), "command, keys or none")
	}
}

func (k *check) strategy(path, s string) {
	known := make([]string, len(acd.Strategies))
	for i, v := range acd.Strategies {
		known[i] = string(v)
	}
	if s == "" || slices.Contains(known, s) {
		return
	}
	try := "one of " + strings.Join(known, ", ")
	if near := nearest(s, known); near != "" {
		try = near
	}
	k.add(path, fmt.Sprintf("no strategy %q", s), try)
}

func (k *check) category(path, c string) {
	list := (&world{center: k.c}).categories()
	if c != "" && !slices.Contains(list, c) {
		k.add(path, fmt.Sprintf("no category %q", c), "one of "+strings.Join(list, ", "))
	}
}

// relax are steps of the wait, each later than the one before.
func (k *check) relax(path string, steps []store.Relax) {
	for i, r := range steps {
		p := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case r.After <= 0 || r.After.D() > 24*time.Hour:
			k.add(p+".after", fmt.Sprintf("%s is out of range", r.After), "more than 0s, at most 24h")
		case i > 0 && r.After <= steps[i-1].After:
			k.add(p+".after", fmt.Sprintf("%s is not later than the step before, %s", r.After, steps[i-1].After), "steps in the order of the wait")
		}
		if len(r.Needs) == 0 {
			k.add(p+".needs", "the step changes nothing", "a skill and the level that is enough from then on, 0 for none")
		}
		for _, s := range sortedKeys(r.Needs) {
			if _, ok := k.c.Skills[s]; !ok {
				k.add(p+".needs."+s, fmt.Sprintf("no skill %q", s), choice("skills", k.c.Skills))
			}
			if r.Needs[s] < 0 || r.Needs[s] > 10 {
				k.add(p+".needs."+s, fmt.Sprintf("level %d is out of range", r.Needs[s]), "0 (not needed any more) to 10")
			}
		}
	}
}

// opening are a queue's hours and where callers go outside of them.
func (k *check) opening(id string, q store.Queue) {
	if _, ok := k.c.Hours[q.Hours]; !ok && q.Hours != "" {
		k.add(at("queues", id, "hours"), fmt.Sprintf("no hours %q", q.Hours), choice("hours", k.c.Hours))
	}
	path := at("queues", id, "closed")
	k.target(path, q.Closed, true)
	switch {
	case q.Closed != "" && q.Hours == "":
		k.add(path, "the queue never closes", "hours: and the id of opening hours")
	case q.Closed == "queue:"+id:
		k.add(path, "it leads to the queue that is closed", "another queue, a flow or hangup")
	}
}

// region is who serves callers from somewhere.
func (k *check) region(path string, r store.Region) {
	if len(r.Prefixes) == 0 {
		k.add(path+".prefixes", "a region without prefixes matches nobody", "beginnings of callers' numbers, such as +4930")
	}
	for i, p := range r.Prefixes {
		if !prefixPattern.MatchString(p) {
			k.add(fmt.Sprintf("%s.prefixes[%d]", path, i), fmt.Sprintf("%q is no beginning of a number", p), "up to 15 digits with an optional +, such as +4930")
		}
	}
	if len(r.Queues) == 0 && len(r.Agents) == 0 {
		k.add(path, "nobody serves this region", "queues, agents or both")
	}
	k.queueRefs(path+".queues", r.Queues)
	k.agentRefs(path+".agents", r.Agents)
}

// nearest is the word of a list that was perhaps meant; "" if none is near.
func nearest(word string, list []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, k := range list {
		if d := edits(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// edits counts the letters to add, drop or change to make b of a; a long word is
// far from all.
func edits(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, change)
		}
	}
	return row[len(b)]
}
