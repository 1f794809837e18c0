package acd

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// slack is what rounding may add to a share or a priority.
const slack = 1e-6

// audit verifies the bounds of the package doc for an assignment that is about to
// be made, from the plain state, and that its reason is true.
func (c *Core) audit(p *pick, r *Reason) {
	if c.broken != nil {
		return
	}
	k, a := p.call, p.agents.nodes[0].item
	err := c.auditCalls(k, a)
	if err == nil {
		err = c.auditAgents(k, a)
	}
	if err == nil {
		err = c.auditReason(k, a, r)
	}
	if err != nil {
		c.broken = fmt.Errorf("acd: assignment of %s to %s at %v (%s, %s): %w", k.Call, a.ID, instant(c.now), r.Policy, r.Factor, err)
	}
}

// auditCalls: nobody is overtaken beyond the bound by whom a takes instead.
func (c *Core) auditCalls(k *call, a *agent) error {
	if !c.mayTake(a, k) {
		return fmt.Errorf("he may not take it")
	}
	oldest := k.node.key // of k's queue, among those that a may take
	for _, i := range c.calls {
		if i != k && i.queue == k.queue && len(i.offers) == 0 && c.mayTake(a, i) {
			oldest = min(oldest, i.node.key)
		}
	}
	for _, i := range c.calls {
		if i == k || len(i.offers) > 0 || !c.mayTake(a, i) || k.node.head && k.node.less(&i.node.rank) {
			continue
		}
		switch {
		case i.node.head:
			return fmt.Errorf("%s returned and is first", i.Call)
		case i.queue != k.queue:
			if oldest > i.node.key {
				return fmt.Errorf("it was not its queue's turn but that of %s", i.Call)
			}
		case i.node.less(&k.node.rank):
			if err := c.auditOvertake(k, i); err != nil {
				return err
			}
		case k.queue.Strategy == HeadStart:
			gap := time.Duration(k.node.since - i.node.since)
			if most := time.Duration(int64(k.queue.H)) + maxPriority; gap > most {
				return fmt.Errorf("it came %v after %s, at most %v", gap, i.Call, most)
			}
		}
	}
	return nil
}

// auditOvertake: k may go before i, which has the smaller key.
func (c *Core) auditOvertake(k, i *call) error {
	q, wait := k.queue, float64(c.now-i.node.key)
	switch q.Strategy {
	case Accumulating:
		if wait >= float64(q.T) {
			return fmt.Errorf("%s has waited for T", i.Call)
		}
		if float64(c.now-k.node.key)*q.B < wait*(1-slack) {
			return fmt.Errorf("%s has waited more than B times as long", i.Call)
		}
	case Counted:
		if i.overtaken++; i.overtaken > q.overs {
			return fmt.Errorf("%s was overtaken %d times", i.Call, i.overtaken)
		}
	default:
		return fmt.Errorf("%s has the smaller key", i.Call)
	}
	return nil
}

// auditAgents: nobody is passed over beyond the bound.
func (c *Core) auditAgents(k *call, a *agent) error {
	mean, share := c.plainMean(k.queue), 0.0
	if k.queue.Strategy == Accumulating {
		share = c.plainShare(a, k.queue)
	}
	for _, i := range c.roster {
		if i == a || !c.mayTake(i, k) {
			continue
		}
		gap := time.Duration(a.idleSince - i.idleSince)
		if k.Control {
			if gap > 0 {
				return fmt.Errorf("%s is idle for longer", i.ID)
			}
			continue
		}
		if err := c.auditPassed(k, a, i, gap, mean, share); err != nil {
			return err
		}
	}
	return nil
}

func (c *Core) auditPassed(k *call, a, i *agent, gap time.Duration, mean, share float64) error {
	q, err := k.queue, error(nil)
	order := func(kind string, mine, his int64) {
		if mine > his || mine == his && gap > 0 && kind != "order" {
			err = fmt.Errorf("%s has the smaller %s", i.ID, kind)
		}
	}
	switch q.Strategy {
	case HeadStart:
		if gap > q.G {
			err = fmt.Errorf("%s is idle for %v longer, G %v", i.ID, gap, q.G)
		}
	case Accumulating:
		his := c.plainShare(i, q)
		switch {
		case q.band == 0:
			order("idle since", a.idleSince, i.idleSince)
		case share > mean+q.band+slack && his < mean+q.band-slack:
			err = fmt.Errorf("occupancy %v is above the band around %v, %s has %v", share, mean, i.ID, his)
		case his < mean-q.band-slack && share > his+slack:
			err = fmt.Errorf("occupancy %v, but %s has %v, below the band around %v", share, i.ID, his, mean)
		}
	case Counted:
		if k.class.named != nil || gap < 0 || gap == 0 && a.ID < i.ID {
			break
		}
		if i.passedAt != i.idleSince {
			i.passed, i.passedAt = 0, i.idleSince
		}
		if i.passed++; i.passed > q.skips {
			err = fmt.Errorf("%s was passed over %d times", i.ID, i.passed)
		}
	case RoundRobin:
		order("last offer", a.lastOffer, i.lastOffer)
	case FewestCalls:
		order("calls", int64(a.served), int64(i.served))
	case LeastTalk:
		order("talk", a.talked, i.talked)
	case InOrder:
		order("order", int64(a.Order), int64(i.Order))
	case BySkill:
		needs := k.needs()
		order("level", -levels(a.Skills, needs), -levels(i.Skills, needs))
	case LongestIdle, RingAll:
		order("idle since", a.idleSince, i.idleSince)
	}
	return err
}

// plainShare is an agent's occupancy by the workload alone.
func (c *Core) plainShare(a *agent, q *queue) float64 {
	w := workload{on: a.work.on, busy: a.work.busy, at: a.work.at, share: slices.Clone(a.work.share)}
	w.runTo(c.now, c.windows)
	return w.share[q.window]
}

// plainMean is the mean occupancy of those on duty by their workloads alone.
func (c *Core) plainMean(q *queue) float64 {
	if q.Strategy != Accumulating {
		return 0
	}
	sum, n := 0.0, 0
	for _, a := range c.roster {
		if a.work.on && slices.Contains(a.pool().queues, q) {
			sum += c.plainShare(a, q)
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// auditReason: what the reason says is so.
func (c *Core) auditReason(k *call, a *agent, r *Reason) error {
	alone := k.queue.Strategy == Accumulating || k.queue.Strategy == Counted
	others, older, before := 0, false, false
	for _, i := range c.calls {
		if i != k && len(i.offers) == 0 && c.mayTake(a, i) && (!alone || i.queue == k.queue) {
			others++
			older = older || i.node.since < k.node.since
			before = before || i.node.less(&k.node.rank)
		}
	}
	rivals := 0
	for _, i := range c.roster {
		if i != a && c.mayTake(i, k) {
			rivals++
		}
	}
	switch {
	case r.Policy != k.queue.policy || r.Control != k.Control:
		return fmt.Errorf("the reason is of another policy")
	case len(r.Calls) == 0 || r.Calls[0].Call != k.Call || len(r.Agents) == 0 || r.Agents[0].Agent != a.ID:
		return fmt.Errorf("the reason begins with another pair")
	case len(r.Calls) != min(others+1, listLength):
		return fmt.Errorf("the reason shows %d calls of %d", len(r.Calls), others+1)
	case r.Factor == FactorOnlyPair && (others > 0 || rivals > 0):
		return fmt.Errorf("there are %d other calls and %d other agents", others, rivals)
	case r.Factor == FactorOldestCall && (older || others == 0):
		return fmt.Errorf("it is not the oldest, or the only one")
	case slices.Contains(overtaking, r.Factor) && !older && !before:
		return fmt.Errorf("it overtook nobody")
	case r.Factor == FactorOvertaken && k.node.mark < k.queue.overs:
		return fmt.Errorf("it was overtaken %d times only", k.node.mark)
	case r.Factor == FactorGuard && float64(c.now-k.node.key) < float64(k.queue.T):
		return fmt.Errorf("it has not waited for T")
	case slices.Contains(agentFactors, r.Factor) && (others > 0 || rivals == 0):
		return fmt.Errorf("%d other calls and %d other agents", others, rivals)
	}
	for _, key := range r.Agents {
		if math.IsNaN(key.Grade + key.Sample + key.Occupancy + key.Measure) {
			return fmt.Errorf("a key of %s is no number", key.Agent)
		}
	}
	return nil
}

// overtaking are the factors by which a call goes before an older one,
// agentFactors those that need a choice among agents only.
var (
	overtaking   = []string{FactorCallStart, FactorPriority, FactorAccumulated, FactorMatch}
	agentFactors = []string{
		FactorLongest, FactorAgentStart, FactorLeastBusy, FactorGrade, FactorSkipped, FactorSample, FactorRound, FactorCalls, FactorTalk,
		FactorRandom, FactorOrder, FactorLevel,
	}
)
