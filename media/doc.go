// Package media moves and makes the audio of calls: RTP in and out, prompts and
// tones, digits, bridges that pass two parties through and mix more, recordings.
//
// An [Engine] is driven by value messages ([Command]) and answers with value
// messages ([Event]). A leg is one RTP socket with the peer behind it; a bridge
// is a set of seated legs, and a table of roles says who hears whom. One
// goroutine, the shard, owns the state of all legs, bridges, players and
// recordings; the way of a packet through it takes no lock and allocates
// nothing.
//
// Guarantees: a leg hears and answers one source only, chosen within the rules
// of its SetRemote (the address of the description or an allowed prefix); what
// leaves a leg has one SSRC, one unbroken sequence and timestamps that follow
// the clock, whatever was switched behind it; a key press is reported once; a
// recording keeps its two channels in step and is playable at any moment.
//
// The package knows nothing of SIP, of calls or of agents, and nothing of
// session descriptions (those are in media/sdp).
package media
