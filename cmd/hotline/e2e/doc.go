// Package e2e proves the hotline binary with real parts: it is built, run as a
// child process with a data directory of its own on free loopback ports, and
// called by sipp, baresip and linphonec, whose sound is made and judged by
// frequency. There is nothing here but tests; each is bounded by a minute, and
// is skipped, saying so, where its phone is absent (make phones installs them).
//
// Unlike all other tests of this module these take real time and real sockets:
// what they prove is what bubbles can't, other people's signalling and audio.
package e2e
