// Package acd decides which waiting caller is offered to which agent, and when.
//
// The package is pure: it starts no goroutine, does no I/O, never reads the
// clock and uses no random number. All it knows arrives as an [Event] with a
// time, all it wants done leaves as a [Command]. The same events always give the
// same commands, so that a journal of them ([EncodeEvent]) replays a day. One
// goroutine of the owner feeds [Core.Step]; when [Core.Deadline] passes it feeds
// a [Tick].
//
// # Assignment
//
// Each Step ends with one assignment over calls and agents. Afterwards no
// available agent stands beside a waiting call that he may take. An agent is
// available when he is Ready, his phone can be rung, he is in no other call and
// not paused. He may take a call when he serves its queue, has every skill that
// queue and call need at the level asked for, speaks the call's language (a call
// without language, or an agent without languages, fits all), and the pair is
// not in back-off.
//
// The strategy is the two-sided head start (A1):
//
//   - a waiting call's key is Since - H*c, where c in 0..1 is the customer's
//     standing and H the queue's. A free agent takes the smallest key. Calls with
//     Head come before all others, by Since. Equal keys: older Since, then call id.
//   - an idle agent's key is IdleSince - G*g, where g in 0..1 is his grade and G
//     that of the call's queue. A call takes the smallest key. Equal keys: agent id.
//   - when several calls and agents become free in one Step, the call with the
//     smallest key goes first, to the agent with the smallest key.
//
// Keys of different queues are compared as they are. So nobody who came more
// than H after you is served before you (by an agent who could have served you),
// no idle agent is passed by one who became idle more than G later, and H = G = 0
// is exactly first come first served and longest idle.
//
// # Grade
//
// g = clip(1/2 + (r-4)/1.2, 0, 1), where r is the agent's smoothed grade in
// stars, overall or in a category:
//
//	r = (6*4 + sum w*(y-b)) / (6 + sum w),   sd = 0.9 / sqrt(6 + sum w)
//
// These and the numbers below are the defaults of [GradeRules].
//
// y-b is the rating less the customer's leniency, kept within 1..5. The leniency
// is the mean distance from 4 of his ratings of other agents, shrunk by 6 ratings
// of 0: what he thinks of one agent is a verdict, not a habit. w halves every 90
// days of age; it halves again for each newer rating of this agent by the same
// customer, so all of one customer's weigh at most like two; and within a clock
// hour an agent's first 10 ratings count in full, the next half, a quarter and so
// on, so an hour weighs less than 11. Therefore, with n the sum of the w before:
//
//	one rating, given or changed     moves r by at most 4/(6+n)
//	one customer, whatever he does   at most 8/(6+n)
//	everybody within a clock hour    at most 44/(6+n)
//
// and an attack raises a [RatingAlarm], one for each attack: 5 ratings of an agent
// by a customer within a day, 10 within 30 days that are a star or more on one
// side of his grade, 10 changes of one rating, or an hour with at least 10 ratings
// and more than the agent's usual mean + 6*sqrt(mean). The same holds for agents'
// ratings of a customer, but for the hour.
//
// Of one customer the latest 32 ratings count. An evaluation can be changed or
// taken back while it is among the last 2^20 of its side. Older ones of agents are
// final: they keep their weight, but the contact is forgotten; older ones of
// customers no longer count. A rating takes about 250 bytes, an agent 16 for each
// category. Within these limits grades are a function of the records, in whatever
// order they came: [ResetGrades] and the records again give the same grades.
//
// A customer's standing is c = base + (r-4)/1.2 + tier + recovery, kept within
// 0..1, with r from agents' ratings of him, corrected by their leniency in the
// same way. g is taken when the agent becomes available and when one of his
// ratings changes, c when the call is queued and when one of the customer's
// changes; between these they stand still.
//
// # What a failed offer does
//
//	outcome             agent                              pair      caller
//	declined            stays Ready, keeps idle time       back-off  waits on
//	declined, 5th time  paused for a back-off, then idle   back-off  waits on
//	  in a row            anew; Ready ends the pause
//	busy                paused for a back-off or until     back-off  waits on
//	                      Occupied no or Ready, then
//	                      idle anew
//	no answer, queue    Not ready (missed)                 back-off  waits on
//	  MissedNotReady
//	no answer, else     stays Ready, idle anew             back-off  waits on
//	unreachable phone   Unreachable for a back-off or      back-off  waits on
//	                      until Reachable yes; keeps
//	                      idle time
//	phone dies in       Unreachable likewise, no wrap-up,  none      the owner queues him again with Head:
//	  mid-call            idle since the end                          before all others, old Since
//	caller gone         back to where he was, keeps        none      has left the ACD
//	                      idle time
//	agent went Not      Not ready or Logged out            none      waits on
//	  ready or out
//
// "Waits on" means: with the arrival time he came with, so at his old place, and
// offered at once to the next agent who may take him. No answer is either the
// owner's OfferRefused or the Tick at the offer's Deadline, which withdraws it by
// itself. The back-off of a pair is the queue's BackOff: whatever the outcome, an
// only agent is not offered the same call again before it is over.
//
// # Agents
//
// What an agent wants (Ready, Not ready, Logged out) and what he does (offered,
// talk, wrap-up) are two things: what he asks for in talk or wrap-up takes effect
// afterwards, except that Ready ends a wrap-up. While an offer rings, Not ready
// and LogOut withdraw it. Reachable no and Occupied yes leave a ringing offer
// alone: its outcome will tell. Unreachable is shown only for agents who would
// otherwise be Ready. The wrap-up is one, with one end, however many queues he
// serves; its length is the agent's own or that of the queue the call came from.
//
// Idle time starts when he becomes Ready, at the end of talk or wrap-up, at the
// end of a call outside the ACD, of a busy or declining pause, and at no answer.
// It goes on through declined and withdrawn offers and while his phone cannot be
// reached. A lower clock never turns it back.
//
// # Calls
//
// A CallQueued for a call that is known moves it. MaxWait counts from CallQueued
// and lets a ringing phone ring on; MaxLength counts waiting and offered calls
// and does not hold for Head; LeaveWhenNobody and a call's Leave look at the
// queue's agents only, not at skills. Each ends in an Overflow, and so does a
// queue that is not configured (any more).
//
// # Cost
//
// Calls are grouped in classes (queue, needs, language), available agents in
// profiles (queues, skills, languages), each group ordered in a balanced tree. A
// Step touches one tree per class or profile that matters, with work that grows
// with the logarithm of calls and agents, and with the number of classes and
// profiles that match each other.
package acd
