// Package acd decides which waiting caller is offered to which agent, and when.
//
// The package is pure: it starts no goroutine, does no I/O and never reads the
// clock; chance comes from one generator seeded by [Config]. All it knows arrives
// as an [Event] with a time, all it wants done leaves as a [Command]. The same seed
// and events always give the same commands, so that a journal of them
// ([EncodeEvent]) replays a day. One goroutine of the owner feeds [Core.Step]; when
// [Core.Deadline] passes it feeds a [Tick].
//
// # Assignment
//
// Each Step ends with one assignment over calls and agents. Afterwards no
// available agent stands beside a waiting call that he may take. An agent is
// available when he is Ready, his phone can be rung, he is in no other call and
// not paused. He may take a call when he serves its queue or one of its Also (or
// is one of its Only), has every skill that queue and call need at the level asked
// for, speaks the call's language (a call without language, or an agent without
// languages, fits all), is none of its Never, the pair is not in back-off, and the
// call is not held for others.
//
// A call's key is Since less its head starts: the priorities of its queue and
// its own, together 0 to 1 h, and with A1 also H*c. Calls with Head come before
// all others, by Since. Equal keys: older Since, then call id.
//
// Queues may have different strategies, and an agent may serve several. The call
// with the smallest key that any available agent could take is the first call: it
// gives its queue the turn. That queue's strategy then chooses which of its calls
// goes, and to whom; if that choice would break a bound for some agent or call,
// the first call goes itself, which never does. So a queue waits for others only
// while they have a call with a smaller key, and head starts never starve anybody:
// they are seconds, and time passes.
//
// # Strategies and their bounds
//
// All bounds hold exactly, at every assignment, among calls that the agent could
// have taken and agents who could have taken the call. A core with Config.Audit
// verifies them from the plain state.
//
// A1, head start (default). The first call goes, to the agent with the smallest
// IdleSince - G*g, where g in 0..1 is his grade in the call's category. Equal
// ones: agent id. Nobody who came more than H after you is served before you, and
// no idle agent is passed by one who became idle more than G later. H = G = 0 is
// first come first served and longest idle.
//
// A2, accumulating. The call with the highest b * (now - key) goes, where b runs
// from 1 to B with the standing, rounded to one of 16 levels; but who has waited T,
// head starts counted as waiting, goes first. So a call is overtaken only by one
// that waited at least 1/B as long, and after T only by smaller keys. Agents: if the
// least occupied lies more than Band below the mean of those on duty in the call's
// queue, he goes; else the best grade in the category up to Band above the mean;
// else the least occupied. Nobody above the band works while somebody within it is
// idle. B = 1 and Band = 0 is first come first served and longest idle.
// Occupancy is the share of duty (ready or busy; not breaks) in which he is busy
// (offered, talking, wrapping up, in another call). It fades with the Window as
// time constant, and who logs in begins at his queue's mean, so newcomers and
// people back from a break are neither flooded nor spared.
//
// A3, counted. A call counts how often a call of its queue with a larger key was
// given to an agent who could have taken it, an idle agent how often one idle for
// less time got a call of such a queue that he could have taken. Agents: if some
// were passed over L times, the longest idle of them; else the best sample, drawn
// for each from the normal distribution of his grade in the category and its
// uncertainty, plus the pair's history; of samples within 0.1 stars of the best,
// the longest idle. Beyond 64 idle agents the 32 idle longest
// and up to 32 at random draw. Calls: the first that was overtaken M times; else of
// the first W the best match: grade in the call's category + pair's history +
// Lambda*c. Nobody is overtaken more than M or passed over more than L times.
// Calls that name their agents neither count nor heed passed agents. M = L = 0
// is first come first served and longest idle.
//
// The plain ones serve the first call. Agents: longest idle; round robin, longest
// since the last offer; fewest calls, or least talk time, since log-in; in order,
// least Order, then id; by skill, highest sum of the levels of the skills needed;
// random, each as likely as any other. Equal ones: longest idle, then id. Ring all
// rings the longest idle, and when no call waits without a phone, further ones,
// RingMost in all; the first answer has the call, the others get a Withdraw
// (answered elsewhere).
//
// The control group is served in its place of standing 0.5, in A3 only in its turn,
// by the longest idle agent whatever the strategy. Compare it with the others to
// know what evaluations bring.
//
// # Reason
//
// Every Offer says why: the policy with its bounds, the first five calls that the
// agent could have taken and the first five agents who could have taken the call,
// the chosen ones in front, with the keys compared, and the factor that decided:
// that among the calls if there was a choice, else that among the agents. With A2
// and A3 the calls are those of the same queue.
//
// # Named agents, holds, needs that relax
//
// Only names who may take a call; they need not serve its queue, but must have
// skills and language. First holds it for some: until FirstFor is over, or none of
// those who could take it is logged in and can be rung, or each of them has failed
// to. Then it goes to all at its old place; the hold does not come back. 256 names
// of each list count. Relax lowers needs with the wait since arrival. [Core.Choices]
// tells whom a caller may choose.
//
// # Channels
//
// A call of channel "" or "voice" takes the whole agent. Calls of other channels
// share him: he carries their weights up to his Capacity of the channel, is offered
// more of them while he talks in some, and no voice meanwhile; the wrap-up follows the
// last one.
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
// customers no longer count. A rating with four categories takes about 350 bytes,
// an agent 16 more for each category. Within these limits grades are a function of
// the records, in whatever order they came: [ResetGrades] and the records again
// give the same grades. Other GradeRules weigh all records anew within the Step of
// their Configure: 2 ms for each 1,000.
//
// The history of a pair is how much more stars customer and agent gave each other
// than others gave and got, by the same weights, shrunk by 3 ratings of 0.
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
//	declined beyond a   Not ready (declined)               back-off  waits on
//	  quota
//	sent on             as declined                        none      has left the ACD
//	failed              stays Ready, keeps idle time       back-off  waits on
//	declined or failed, paused for a back-off, then idle   back-off  waits on
//	  5th time in a row   anew; Ready ends the pause
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
// An agent may decline as many offers from log-in to log-out as the queue's
// Declines says, and a call can be declined DeclinesPerCall times: Offer.MayDecline
// tells him. With several phones ringing (ring all) each outcome is the agent's own,
// and the call waits on when the last one has failed.
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
// and does not hold for Head; LeaveWhenNobody and a call's Leave look at who is
// logged in of its queues, or of its Only, not at skills. Each ends in an Overflow,
// and so does a queue that is not configured (any more). Only the last holds for a
// call with Stay, whose caller is not on the line; it counts in MaxLength and in the
// positions of the others. [Rekey] changes priority or puts a call in front.
//
// Out of range, a rule counts as the nearest that is in range, or as its default: a
// negative head start is none, an unknown strategy A1, B below 1 is 1. A queue without
// agents lets its calls wait, up to MaxWait; an agent without skills takes calls
// without needs. A new configuration keys all calls anew; counts, idle times and
// occupancies go on. A clock that jumps ahead makes all that waited so long due at
// once; one that is set back stands still until it has caught up.
//
// # Cost
//
// Calls are grouped in classes (who may take them, by what they are compared),
// available agents in profiles (queues, skills, languages), each group ordered in
// balanced trees that know their first, and sums, oldest and best of each branch. A
// Step touches one tree per class or profile that matters (A2: one per level), with
// work that grows with the logarithm of calls and agents, and with the number of
// classes and profiles that match each other. Passing over a thousand agents or
// overtaking a thousand calls counts in one stroke per tree. Nothing is allocated
// that grows with a queue.
package acd
