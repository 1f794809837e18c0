// Package call is the composition: it tells the life of one call, from INVITE
// to CDR, with the parts of the leaves.
//
// An [Engine] runs all calls. Each [Call] is one goroutine that walks through
// stages (menu, wait, announce, talk, survey); a stage returns the next one and
// nil ends the call, in one place, with a cause and who is to blame. A [Leg] is
// one dialog with its audio stream. The dispatcher is the one goroutine that
// owns the [acd.Core]: calls send it events, its offers come back to the calls.
//
// Nothing else in the engine knows sip, media, ivr, acd, store and recordings
// together.
package call
