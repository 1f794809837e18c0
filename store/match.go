package store

import (
	"slices"
	"time"
)

// Covers tells whether t is in the filter's span.
func (f Filter) Covers(t time.Time) bool {
	return (f.From.IsZero() || !t.Before(f.From)) && (f.To.IsZero() || t.Before(f.To))
}

// MatchCDR tells whether the filter picks c. An agent or queue matches if the
// record names it, or a talk does: transferred calls belong to all who talked.
func (f Filter) MatchCDR(c CDR) bool {
	return f.Covers(c.Began) &&
		(f.Caller == "" || f.Caller == c.Caller) &&
		(f.Agent == "" || f.Agent == c.Agent || slices.ContainsFunc(c.Talks, func(t Talk) bool { return t.Agent == f.Agent })) &&
		(f.Queue == "" || f.Queue == c.Queue || slices.ContainsFunc(c.Talks, func(t Talk) bool { return t.Queue == f.Queue })) &&
		f.matchCode(c)
}

func (f Filter) matchCode(c CDR) bool {
	if f.Disposition == NoDisposition {
		return c.Code() == "" && slices.ContainsFunc(c.Talks, func(t Talk) bool { return t.Agent != "" })
	}
	return f.Disposition == "" || f.Disposition == c.Code()
}

// MatchRecording tells whether the filter picks r. A recording does not know its
// caller: a filter that names one picks none. Nor what came of the call.
func (f Filter) MatchRecording(r Recording) bool {
	return f.Covers(r.Began) && f.Caller == "" && f.Disposition == "" &&
		(f.Agent == "" || f.Agent == r.Agent) &&
		(f.Queue == "" || f.Queue == r.Queue)
}

// MatchEvaluation tells whether the filter picks e; Caller is the customer, and
// side "" any.
func (f Filter) MatchEvaluation(e Evaluation, side string) bool {
	return f.Covers(e.At) &&
		(side == "" || side == e.Side) &&
		(f.Agent == "" || f.Agent == e.Agent) &&
		(f.Queue == "" || f.Queue == e.Queue) &&
		(f.Caller == "" || f.Caller == e.Customer)
}
