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
// Transfers come as [Referred] and go by [Dialog.Refer]; a call may take another's
// place ([Incoming.Replaces], [Invite.Replaces]). Who may watch lamps and messages
// subscribes; the owner publishes their state, this package tells it. Trunks are
// watched by OPTIONS, phones kept reachable through NATs, addresses that guess
// secrets banned. [Endpoint.Checkup] says what is wrong with all that.
//
// sipgo's parser reads start lines and header lines; what stands in the headers is
// read here, because sipgo's own header parsers lose quoted parameters, tell names
// by their case, and leave a message with one bad header unanswered. In the tests
// they are the second opinion on everything that we send.
//
// Bodies are opaque here: no codec, no audio, no calls, no agents.
package sip
