// Package sip is our SIP user agent: transports, a guard before them, ordered
// dispatch, transactions, dialogs, the registrar and trunks.
//
// An [Endpoint] owns everything. A message goes to the worker that its Call-ID
// names, so that a call's messages are handled in the order of their arrival; a
// worker owns the transactions and [Dialog]s of its Call-IDs and never blocks.
// Dialogs settle offer and answer, re-INVITE, UPDATE, PRACK, CANCEL races,
// retransmission, session timers and glare at once, with descriptions that a
// [Media] composes. Whoever uses a dialog gives commands, which never block, and
// gets its [Event]s in order in an [Inbox].
//
// Messages are read by a grammar of our own (parse.go), because that of sipgo
// loses quoted parameters, knows names by their case only, and leaves a message
// with one bad header unanswered; sipgo's parser is the tests' second opinion on
// everything that we send.
//
// Bodies are opaque here: no codec, no audio, no calls, no agents.
package sip
