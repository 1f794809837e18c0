package acd

import "time"

// Config of a Core.
type Config struct {
	Node  string // name of this process in offer ids
	Epoch uint64 // must grow with each start of the process, so that old offers stay stale
}

// Core is the state of one ACD. It is not safe for concurrent use: one goroutine owns it.
type Core struct{ cfg Config }

// New is an empty Core: no queue, no agent, until Configure.
func New(cfg Config) *Core { return &Core{cfg: cfg} }

// Step applies one event at time now and returns what has to be done, in order.
func (c *Core) Step(now time.Time, ev Event) []Command { return nil }

// Deadline is when the owner must call Step with a [Tick] at the latest; ok is false if nothing is due.
func (c *Core) Deadline() (at time.Time, ok bool) { return }

// Position is a call's place in its queue, from 1, and its expected wait.
func (c *Core) Position(id CallID) (pos int, ewt time.Duration, ok bool) { return }

// Agents lists all agents by id.
func (c *Core) Agents() []AgentInfo { return nil }

// Queues lists all queues by id.
func (c *Core) Queues(now time.Time) []QueueInfo { return nil }

// Snapshot is everything at once.
func (c *Core) Snapshot() Snapshot { return Snapshot{} }

// Check verifies every invariant.
func (c *Core) Check() error { return nil }
