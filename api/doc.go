// Package api serves the engine over HTTP with JSON: what runs, what is
// configured, what was recorded, and the few commands that operators give.
//
// [New] makes a [Server], a plain [http.Handler]; [Server.Serve] runs it on a
// listener, today the unix socket that [Listen] makes in the data directory,
// and [Client] speaks with it from another process. Whoever can open the socket
// may do everything: its file mode is the guard.
//
// Objects and short lists are one JSON document; records that may be many
// (calls, recordings, evaluations) are one JSON object per line, newest first
// but for the ACD journal; customers likewise, by number. Each error is
// {"error": {"what", "why", "try"}}, an [Error]. Request bodies are bounded: 64 MB
// for a center with its prompts, 1 MB for all others. The package knows nothing of
// SIP and RTP.
package api
