// Package remote lets a control process drive a media engine in another
// process: a [Server] owns a real media.Engine and listens on a Unix socket, a
// [Client] has the engine's methods and speaks to it.
//
// The protocol is made of frames (length, kind, body; bodies are JSON, audio is
// binary) and begins with a versioned hello of both sides. The server answers
// with the legs and recordings that it runs, the clips it knows, and the events
// that it kept while nobody listened.
//
// Guarantees: one control connection at a time; when it ends the engine goes on
// (legs, bridges, plays, recordings) until another one comes or the grace time
// is over, then everything is closed and finished. Closed, Played and Recorded
// are kept until they are written to a control process; other events are
// dropped and counted when too many wait. For a client the end of its
// connection is the end of its legs: it tells Closed for each, and an engine
// that it finds again later is tidied up.
//
// The package knows nothing of calls, of SIP, or of how processes are started.
package remote
