// Package media moves and makes the audio of calls: RTP in and out, prompts and
// tones, digits, bridges that pass two parties through and mix more, recordings.
//
// An [Engine] is driven by value messages ([Command]) and answers with value
// messages ([Event]). A leg is one RTP socket, one for RTCP, and the peer behind
// them; a bridge is a set of seated legs, and a table of roles says who hears
// whom. A shard is a goroutine that owns the state of its legs, bridges, players
// and recordings; the way of a packet through it takes no lock and allocates
// nothing. All of a bridge is in one shard: a leg moves there when it is seated.
//
// Guarantees: a leg hears and answers one source only, chosen within the rules
// of its SetRemote (the address of the description or an allowed prefix); what
// leaves a leg has one SSRC, one unbroken sequence and timestamps that follow
// the clock, whatever was switched behind it; a key press is reported once; a
// recording keeps its two channels in step and is playable at any moment; a leg
// told to be secured (SRTP) neither sends nor hears anything in the clear; the
// events of a leg come in their order.
//
// The package knows nothing of SIP, of calls or of agents, and nothing of
// session descriptions (those are in media/sdp).
package media
