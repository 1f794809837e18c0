// Package ivr runs the flow a caller goes through: it plays prompts, collects
// digits and ends with an [Outcome] that says where the call goes next.
//
// A [Flow] is data: named nodes of a few kinds (see [Kinds]), each naming the
// nodes that follow it. [Parse] reads one strictly, [Check] finds what would
// strand a caller before any caller is there, [Run] walks it over a [Line].
//
// Written in YAML, a small one is
//
//	start: main
//	nodes:
//	  main:   {kind: menu, prompts: [welcome, menu-main], keys: {"1": sales, "2": help}, default: sales}
//	  sales:  {kind: queue, queue: sales, next: survey, overflow: sorry}
//	  help:   {kind: agent, agent: "1001", failed: sales}
//	  survey: {kind: survey, items: [{name: service, prompts: [survey-service]}], next: bye}
//	  sorry:  {kind: hangup, prompts: [nobody-available, call-back-later]}
//	  bye:    {kind: hangup, prompts: [goodbye]}
//
// A queue, choose, agent or number node ends a Run; after the wait, the ring or the
// talk the caller goes on where [Flow.After] says, in another Run.
//
// Guarantees: Run ends, whatever the flow and whatever the caller does, after
// at most [MaxVisits] nodes, each with a bounded number of tries; it starts no
// goroutine; it returns soon after its context ends, and what the caller had
// entered and rated until then is in the Outcome.
//
// A choose node is a queue node before which the caller hears up to three agents
// with their grades and waits, and may take one by key. A ratings node reads the
// contacts of who is on the line and lets him add, change or delete his ratings.
// Whom there is to choose from and what became of a rating the [Env] knows.
//
// A collect node with secret: true asks for what nobody else may know: the [Line]
// is told while it asks, and the entry is in Outcome.Secrets alone.
//
// The phrases (numbers, money, times, positions) are lists of prompt names to
// be joined, for each language by its own grammar. The package knows nothing
// of SIP, RTP or queues, and not where a prompt's sound comes from.
package ivr
