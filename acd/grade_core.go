package acd

import "time"

// AgentGrade is an agent's smoothed grade in a category; "" is overall.
type AgentGrade struct {
	Agent    AgentID `json:"agent"`
	Category string  `json:"category,omitempty"`
	Stars    float64 `json:"stars"`
	SD       float64 `json:"sd"`     // how sure it is
	Weight   float64 `json:"weight"` // of the ratings behind it
}

func (c *Core) ratedCustomer(RatedCustomer) { c.stats.Ignored++ }

func (c *Core) unratedCustomer(string) { c.stats.Ignored++ }

func (c *Core) resetGrades() {
	c.grades = newGradebook()
	for _, a := range c.roster {
		c.gradeChanged(a.ID)
	}
}

// gradeRules puts rules in force before the agents are listed anew.
func (c *Core) gradeRules(GradeRules) {}

func (g *gradebook) posterior(agent AgentID, _ string, now int64) (mean, sd float64) {
	mean, weight := g.stars(agent, now)
	return mean, 0.9 / (priorWeight + weight)
}

func (g *gradebook) pair(AgentID, string, int64) float64 { return 0 }

func (g *gradebook) standing(_ string, base, tier float64, _ int64) float64 {
	return standing(standing(base) + tier)
}

func (g *gradebook) customerStars(string, int64) (stars, weight float64) { return 0, 0 }

// Grades lists what agents' ratings come to.
func (c *Core) Grades(now time.Time) []AgentGrade {
	var list []AgentGrade
	for _, a := range c.roster {
		mean, sd := c.grades.posterior(a.ID, "", stamp(now))
		_, weight := c.grades.stars(a.ID, stamp(now))
		list = append(list, AgentGrade{Agent: a.ID, Stars: mean, SD: sd, Weight: weight})
	}
	return list
}

// Reputation is what agents' ratings of a customer come to.
func (c *Core) Reputation(customer string, now time.Time) (stars, weight float64) {
	return c.grades.customerStars(customer, stamp(now))
}
