package call

import (
	"context"
	"math"
	"time"

	"hotline/acd"
)

// What makes the estimate of the rules for grades worth a line in the log.
const (
	priorApart  = 0.2 // stars
	weightApart = 1.5 // times
)

// suggest asks once a month, on its first day, what the ratings say about the
// rules that grades are made by, and tells operators if the center's are far off.
// It changes nothing: the rules are part of the center and of each replay.
func (e *Engine) suggest(ctx context.Context, now time.Time) {
	if now.Day() != 1 {
		return
	}
	var found acd.Estimate
	var ok bool
	if e.disp.ask(ctx, func(c *acd.Core, _ time.Time) { found, ok = c.Estimate() }) != nil || !ok {
		return
	}
	rules := acd.GradeRules{}
	if r := e.world.Load().center.Settings.Ratings; r != nil {
		rules.Prior, rules.PriorWeight = r.Prior, r.PriorWeight
	}
	if farOff(found, rules) {
		e.log.Info("the ratings suggest other rules for grades; set settings.ratings.prior and prior_weight",
			"prior", math.Round(found.Prior*100)/100, "prior_weight", math.Round(found.PriorWeight*10)/10,
			"agents", found.Agents, "ratings", found.Ratings)
	}
}

// farOff tells whether an estimate differs from the rules in force by so much that
// grades would come out differently.
func farOff(found acd.Estimate, rules acd.GradeRules) bool {
	rules = rules.InForce()
	ratio := found.PriorWeight / rules.PriorWeight
	return math.Abs(found.Prior-rules.Prior) > priorApart || ratio > weightApart || ratio < 1/weightApart
}
