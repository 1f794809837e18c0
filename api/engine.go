package api

import (
	"hotline/call"
	"hotline/store"
)

// Engine is what the handlers need of a [call.Engine]. Methods are called from
// many goroutines at once and may block for the time of a disk write.
type Engine interface {
	Views
	Control
	Supervision
	Orders
	Notes
	Callers
	Conferences
	Ratings
	Left
	Doctors
	Bans
	Apply(call.ApplyRequest) (call.ApplyResult, error)
	Center() (store.Center, uint64) // without secrets; and its revision
	Store() store.Store
}

// Views are snapshots of what runs, each in a stable order and the caller's own.
type Views interface {
	Status() call.Status
	Agents() []call.AgentView
	Queues() []call.QueueView
	Numbers() []call.NumberView
	Calls() []call.CallView
	Trunks() []call.TrunkView
}

// Control are the commands of operators. Actor says who asked.
type Control interface {
	SetAgentState(id, state, reason, actor string) error // "ready", "not ready", "logged out"
	NewSecret(agent string) (string, error)
	Hangup(id, actor string) error
	Mask(ref string, on bool, actor string) (call.CallView, error) // ref as in Supervision
}
