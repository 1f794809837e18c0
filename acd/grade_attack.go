package acd

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// What looks like an attack. Whatever it is, its weight is limited already (see
// rating); the alarm asks a person to look.
const (
	pairDay     = 5  // ratings of one by one other within 24 h
	pairMonth   = 10 // within 30 days, all a star or more on one side of what others give
	editAlarm   = 10 // changes of one rating
	rateDays    = 30 // over which the usual number of ratings per hour is taken
	oneDay      = 24 * time.Hour
	sameAttack  = 7 * oneDay       // an alarm is not repeated before a pair has been quiet for so long
	freshFor    = 10 * time.Minute // after which a rating that comes in is read again from records
	farFromMean = 1.0              // stars
)

// incident is the last suspicious rating by or of somebody, so that an attack
// raises one alarm and not one for each rating.
type incident struct {
	agent AgentID
	at    int64 // 0 never
}

// begins notes a suspicious rating; false if it belongs to an attack that is known.
func (i *incident) begins(agent AgentID, now int64) bool {
	known := i.at != 0 && i.agent == agent && now-i.at < int64(sameAttack)
	*i = incident{agent, now}
	return !known
}

// fresh: a rating that is given now, and not read again from the owner's records.
func (c *Core) fresh(at int64) bool { return c.now-at < int64(freshFor) }

// suspect looks whether a caller's new rating belongs to an attack.
func (c *Core) suspect(r *rating) {
	name := ""
	if r.customer != nil {
		name = r.customer.name
	}
	if r.edits == editAlarm {
		c.emit(RatingAlarm{r.score.agent, name, fmt.Sprintf("rating of one contact changed %d times", r.edits)})
	}
	if !c.fresh(r.at) {
		return
	}
	if k := r.customer; k != nil {
		mean, _ := c.grades.stars(r.score.agent, c.now)
		var p pairCount
		for _, o := range k.ratings {
			if o.score == r.score {
				p.add(o.at, c.now, o.marks[0].stars-mean)
			}
		}
		if why := p.why(); why != "" && k.alarm.begins(r.score.agent, c.now) {
			c.emit(RatingAlarm{r.score.agent, k.name, why + " by one customer"})
		}
	}
	c.suspectBurst(r.score)
}

// suspectAgent does the same for an agent's rating of a customer.
func (c *Core) suspectAgent(h *regard, o *opinion) {
	by := o.rater.agent
	if o.edits == editAlarm {
		c.emit(RatingAlarm{by, o.customer, fmt.Sprintf("rating of one contact changed %d times by the agent", o.edits)})
	}
	if !c.fresh(o.at) {
		return
	}
	var p pairCount
	for _, q := range h.opinions {
		if q.rater == o.rater {
			p.add(q.at, c.now, q.stars-c.grades.rules.Prior)
		}
	}
	if why := p.why(); why != "" && h.alarm.begins(by, c.now) {
		c.emit(RatingAlarm{by, o.customer, why + " of one customer by the agent"})
	}
}

// pairCount counts ratings between one and one other.
type pairCount struct{ day, above, below int }

func (p *pairCount) add(at, now int64, distance float64) {
	if now-at < int64(oneDay) {
		p.day++
	}
	if now-at < int64(30*oneDay) {
		switch {
		case distance >= farFromMean:
			p.above++
		case distance <= -farFromMean:
			p.below++
		}
	}
}

func (p *pairCount) why() string {
	switch {
	case p.day >= pairDay:
		return fmt.Sprintf("%d ratings within a day", p.day)
	case max(p.above, p.below) >= pairMonth:
		return fmt.Sprintf("%d ratings far from all others' within 30 days", max(p.above, p.below))
	}
	return ""
}

// suspectBurst looks at the present clock hour of an agent: an alarm if it has
// at least Burst ratings and more than his usual hour lets expect (mean + 6 roots
// of it, over the hours of the last 30 days that had any; Burst/2 without such
// hours). Hours that follow an alarmed one are the same attack.
func (c *Core) suspectBurst(s *score) {
	const hour = int64(time.Hour)
	from := c.now - c.now%hour
	since := func(t int64) int {
		i, _ := slices.BinarySearchFunc(s.ratings, t, func(r *rating, t int64) int { return cmp.Compare(r.at, t) })
		return i
	}
	first := since(from)
	n := len(s.ratings) - first
	if n < c.grades.rules.Burst {
		return
	}
	hours, last := 0, int64(-1)
	past := s.ratings[since(from-rateDays*int64(oneDay)):first]
	for _, r := range past {
		if h := r.at / hour; h != last {
			hours, last = hours+1, h
		}
	}
	usual := float64(c.grades.rules.Burst) / 2
	if hours > 0 {
		usual = float64(len(past)) / float64(hours)
	}
	if float64(n) <= usual+6*math.Sqrt(usual) {
		return
	}
	known := s.alarmed >= from-hour
	s.alarmed = from
	if !known {
		c.emit(RatingAlarm{Agent: s.agent, Why: fmt.Sprintf("%d ratings within an hour, usual are %.1f", n, usual)})
	}
}
