// Package callload loads a SIP server with calls and proves what came through.
//
// A [Load] is both ends of each call: callers that dial one number, and the
// phones on which the server's agents are reached. Every RTP packet names its
// sender, its number and its time in the G.711 payload, where a server that
// bridges calls leaves it as it is; so lost, doubled, late and misrouted audio is
// counted end to end. It speaks plain UDP with text of its own, never the stacks
// of the server that it measures, and only over loopback addresses.
//
// [Load.Media] measures standing calls, [Load.Rooms] conferences, [Load.Crowd] a
// large one beside calls, [Load.Rate] call set-ups, and [Load.Relayed] the same
// packets over a relay ([BuildFloor], [Relay]), which is the measure of the machine.
// It runs in a process of its own ([Serve]), so that its CPU time is not the server's.
package callload
