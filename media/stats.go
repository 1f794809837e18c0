package media

import "sync/atomic"

// Stats counts what an Engine did since it began. All but the gauges only grow.
type Stats struct {
	Legs       atomic.Int64 // gauge: legs open
	Bridges    atomic.Int64 // gauge: bridges with somebody in them
	Recordings atomic.Int64 // gauge: files being written

	PacketsIn  atomic.Uint64 // RTP packets accepted from peers
	PacketsOut atomic.Uint64 // RTP packets sent
	Lost       atomic.Uint64 // packets of peers that never arrived
	Late       atomic.Uint64 // packets that arrived behind a younger one
	Duplicates atomic.Uint64 // packets that arrived twice
	Malformed  atomic.Uint64 // datagrams that are no valid RTP
	UnknownPT  atomic.Uint64 // packets of a payload type or an event nobody negotiated
	Strangers  atomic.Uint64 // datagrams from a source that is not the peer
	Unheard    atomic.Uint64 // audio dropped because the peer was not to send

	RTCP          atomic.Uint64 // RTCP packets of peers taken in
	RTCPOut       atomic.Uint64 // RTCP packets sent
	RTCPBad       atomic.Uint64 // RTCP that is malformed, too much or says nonsense
	RTCPByes      atomic.Uint64 // goodbyes of peers, which end nothing
	RTCPStrangers atomic.Uint64 // RTCP from a source that is not the peer

	SRTPBad    atomic.Uint64 // secured packets with a wrong key or tag, or that came before
	SRTPErrors atomic.Uint64 // legs whose keys are of no use; nothing goes through them

	QueueDrops atomic.Uint64 // datagrams dropped before the shard read them
	SendErrors atomic.Uint64 // packets the system did not take
	LateTicks  atomic.Uint64 // clock ticks more than 20 ms late

	Latched    atomic.Uint64 // sources accepted for the first time
	Relatched  atomic.Uint64 // sources replaced by another one
	SSRCs      atomic.Uint64 // changes of a peer's SSRC
	Digits     atomic.Uint64 // key presses heard
	DigitsSent atomic.Uint64 // key presses made

	MixFrames    atomic.Uint64 // frames mixed for a hearer
	MixUnderruns atomic.Uint64 // frames of a source that are made up, in part or whole
	MixLate      atomic.Uint64 // packets that came too late for the mix

	Moves        atomic.Uint64 // legs that went to another shard
	UnknownIDs   atomic.Uint64 // commands for legs, bridges, recordings not known
	UnknownClips atomic.Uint64 // clips asked for and never added
	PortsBusy    atomic.Uint64 // ports of our range that somebody else holds
	NoPorts      atomic.Uint64 // legs refused for want of a port

	RecordBytes  atomic.Uint64 // audio bytes handed to the disk
	RecordDrops  atomic.Uint64 // audio bytes replaced by silence: disk too slow
	RecordErrors atomic.Uint64 // recordings that ended with an error
	PeakErrors   atomic.Uint64 // outlines of recordings that could not be written
	Panics       atomic.Uint64 // panics caught at a packet or command
}
