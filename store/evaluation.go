package store

import "time"

// The sides of an evaluation.
const (
	SideCaller = "caller" // he rates the agent
	SideAgent  = "agent"  // he rates the caller
)

// Evaluation is one side's rating of one served contact. One per contact and
// side: writing it again replaces it.
type Evaluation struct {
	ID       string         `json:"id"` // call and side; and the agent, of the later ones in a call that several served
	Call     string         `json:"call"`
	Side     string         `json:"side"` // one of the Side constants
	Agent    string         `json:"agent"`
	Customer string         `json:"customer"` // number
	Queue    string         `json:"queue,omitempty"`
	Items    map[string]int `json:"items"` // item to stars
	At       time.Time      `json:"at"`
	Edited   time.Time      `json:"edited,omitzero"`    // last change
	Control  bool           `json:"control,omitempty"`  // the call was one of the control group
	Strategy string         `json:"strategy,omitempty"` // by which the agent was found
}

// Stars is the mean of the items.
func (e Evaluation) Stars() float64 {
	if len(e.Items) == 0 {
		return 0
	}
	sum := 0
	for _, v := range e.Items {
		sum += v
	}
	return float64(sum) / float64(len(e.Items))
}

// Customer is a caller known by number.
type Customer struct {
	ID       string    `json:"id"` // the number as presented
	Name     string    `json:"name,omitempty"`
	Language string    `json:"language,omitempty"` // last chosen
	Calls    int       `json:"calls"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Agent    string    `json:"agent,omitempty"` // who served him last

	// What operators set; the engine never changes it.
	Tier      string   `json:"tier,omitempty"`      // of the settings' tiers
	Preferred string   `json:"preferred,omitempty"` // agent
	Never     []string `json:"never,omitempty"`     // agents who are never offered his calls
	Notes     string   `json:"notes,omitempty"`
	Greeting  string   `json:"greeting,omitempty"` // prompt that he hears instead of a number's greeting
}
