// Package sim runs the real [acd.Core] through a simulated day, or through a day
// that was, and says what came of it: waits, service level, ratings delivered,
// occupancy, and the bounds that were seen.
//
// A [Center] is what is simulated: queues with their strategy, agents with their
// true quality, streams of callers. [Run] gives a [Result]. All chance is drawn
// from the seed, the number of the call and what is asked, never from the order
// of events: the same call has the same patience, talk and rating noise under each
// strategy, so strategies are compared on common random numbers.
//
// [ErlangC], [ErlangA] and [Deterministic] are what theory says of such a day; the
// simulator is tested against them.
//
// [Replay] takes the journal of a real day. It first feeds it to a new core and
// compares each assignment with the day's own, then runs the day's arrivals,
// patience, talks and presence under another policy.
//
// The package starts no goroutine and never reads the clock. It knows nothing of
// stores, files and calls.
package sim
