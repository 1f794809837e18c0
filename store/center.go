package store

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a length of time that reads and prints as "1m30s".
type Duration time.Duration

// D is the plain value.
func (d Duration) D() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText makes "30s" of it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "30s", "2m", "0".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("store: duration %q: write it like 30s or 2m", b)
	}
	*d = Duration(v)
	return nil
}

// Center is everything that an operator configures while calls run. Keys of the
// maps are the ids.
type Center struct {
	Settings Settings          `json:"settings"`
	Skills   map[string]Skill  `json:"skills,omitempty"`
	Agents   map[string]Agent  `json:"agents,omitempty"`
	Queues   map[string]Queue  `json:"queues,omitempty"`
	Numbers  map[string]Number `json:"numbers,omitempty"`
	Flows    map[string]Flow   `json:"flows,omitempty"`
	Prompts  map[string]Prompt `json:"prompts,omitempty"`
	Hours    map[string]Hours  `json:"hours,omitempty"`
	Trunks   map[string]Trunk  `json:"trunks,omitempty"`

	Conferences map[string]Conference `json:"conferences,omitempty"`
	Blocks      map[string]Block      `json:"blocks,omitempty"` // callers who are kept out, by number or prefix with a star
	Voicemail   map[string]Mailbox    `json:"voicemail,omitempty"`
}

// Settings hold for the whole center.
type Settings struct {
	Name     string   `json:"name,omitempty"`     // shown to agents; default "hotline"
	Language string   `json:"language,omitempty"` // "en" or "zh": prompts where a call has none of its own; default "en"
	Zone     string   `json:"zone,omitempty"`     // IANA time zone for spoken times and hours without one; default UTC
	Survey   string   `json:"survey,omitempty"`   // flow run after the agent hung up, for queues that name none
	Codes    *Codes   `json:"codes,omitempty"`    // feature codes; nil: the defaults
	Keys     *Keys    `json:"keys,omitempty"`     // keys an agent may press in talk; nil: the defaults
	Silence  Duration `json:"silence,omitempty"`  // a leg that sends no audio for so long in talk has vanished; default 60s, negative: never
	MaxCall  Duration `json:"max_call,omitempty"` // longest call; default 4h

	Outbound *Outbound `json:"outbound,omitempty"` // who may dial what outside; without rules: agents by their own trunks

	Supervision string `json:"supervision,omitempty"` // whether an agent is shown who sits in his call: "seen" (default), "unseen", "beep" (shown, and he hears one beep)

	PauseLimit Duration `json:"pause_limit,omitempty"` // a paused recording goes on by itself; default 5m

	Categories []string        `json:"categories,omitempty"` // 1 to 4 that both sides rate; default attitude, knowledge, time, solved
	Ratings    *Ratings        `json:"ratings,omitempty"`    // how ratings become grades; nil: the defaults
	Tiers      map[string]Tier `json:"tiers,omitempty"`      // kinds of customers, by name

	Dispositions map[string]DispositionCode `json:"dispositions,omitempty"` // what may come of a call, by code
	Blocked      string                     `json:"blocked,omitempty"`      // what a blocked caller gets: "busy" (default), or a prompt that he hears
	BlockFor     Duration                   `json:"block_for,omitempty"`    // how long an agent's mark keeps a caller out; default 24h
	Reasons      map[string]string          `json:"reasons,omitempty"`      // of not ready, by the digit dialled after its code; default 1 break, 2 lunch, 3 meeting, 4 training, 5 paperwork
}

// Ratings say how evaluations become grades. Zero fields take the defaults.
type Ratings struct {
	HalfLife    Duration `json:"half_life,omitempty"`    // a rating so old counts half; default 2160h, 90 days
	Prior       float64  `json:"prior,omitempty"`        // stars of who was never rated; default 4
	PriorWeight float64  `json:"prior_weight,omitempty"` // how many ratings the prior is worth; default 6
	Trusted     bool     `json:"trusted,omitempty"`      // who calls over a trunk that is not trusted can't hear or change ratings by his number: it may be forged
	Recovery    float64  `json:"recovery,omitempty"`     // added to the standing of a customer who was unhappy last time, 0..1; default 0
}

// Tier is what a kind of customers has ahead of the others.
type Tier struct {
	Standing float64  `json:"standing,omitempty"` // added to his standing, -1..1
	Priority Duration `json:"priority,omitempty"` // head start of his calls, at most 1h
}

// Codes are the numbers that an agent dials on his phone to change his state;
// "" is none. The defaults hold where no codes are given at all.
type Codes struct {
	Ready    string `json:"ready"`     // default *41
	NotReady string `json:"not_ready"` // default *42; a digit after it picks the reason
	LogOut   string `json:"log_out"`   // default *40
	LogIn    string `json:"log_in"`    // default *43; ready at once

	Supervise string `json:"supervise,omitempty"` // default *3; then 1 listen, 2 whisper, 3 barge, 4 take over, 5 hang up; then an agent's id

	PickUp string `json:"pick_up,omitempty"` // default *8; alone: whichever phone of a colleague rings longest; or an agent's id after it

	Hide string `json:"hide,omitempty"` // default *67; in front of a number outside: the call shows no number

	Show string `json:"show,omitempty"` // default *45; and a digit: the next call out shows the n-th number of the agent's show, 0 the first again; a number after the digit is called so

	MyRatings string `json:"my_ratings,omitempty"` // default *50; hears and changes his own ratings
	Voicemail string `json:"voicemail,omitempty"`  // default *97; the agent hears the messages in his boxes
	RateLast  string `json:"rate_last,omitempty"`  // default *51; a digit after it rates the customer of the agent's last call

	Note     string `json:"note,omitempty"`     // default *6; the digits of a disposition after it say what came of the agent's last call
	Nuisance string `json:"nuisance,omitempty"` // default *66; blocks the caller of the agent's last call
	Extend   string `json:"extend,omitempty"`   // default *44; extends the wrap-up by a minute, or by as many as the digit after it; 0 ends it
}

// Keys are pressed by an agent in talk; "" is none. The defaults hold where no keys
// are given at all. None may begin with another.
type Keys struct {
	Survey string `json:"survey"` // ends his part and puts the caller in the survey; default "**"; "" is none
	Mask   string `json:"mask"`   // keeps the caller's keys out of the recording and from the agent's ears, or no longer; default "*8"; "" is none

	Hold     string `json:"hold"`     // music for the caller, and back; default "*1"
	Transfer string `json:"transfer"` // and a number and #: leads the caller there; default "*2"
	Consult  string `json:"consult"`  // and a number and #: asks somebody while the caller hears music; default "*3"
	Join     string `json:"join"`     // in a consultation: all three talk; default "*4"
	Toggle   string `json:"toggle"`   // in a consultation: talk with the other one; default "*5"
	Cancel   string `json:"cancel"`   // of a consultation or transfer: back to the caller; default "*6"
	Complete string `json:"complete"` // in a consultation: leaves the two alone; default "*7"
	Pause    string `json:"pause"`    // the recording is silent, and records again; default "*9"
	Park     string `json:"park"`     // the caller waits in a slot that is told; default "*0"
	Record   string `json:"record"`   // begins a recording, and ends it; default "*#"
}

// Skill is something that an agent may be good at, by level 1 to 10.
type Skill struct {
	Name string `json:"name,omitempty"`
}

// Agent is a person who takes calls. Any phone anywhere may be his.
type Agent struct {
	Name      string         `json:"name,omitempty"`
	Languages []string       `json:"languages,omitempty"` // spoken; empty: all
	Skills    map[string]int `json:"skills,omitempty"`    // skill to level, 1..10
	Queues    []string       `json:"queues,omitempty"`
	Contact   string         `json:"contact,omitempty"`  // static SIP URI instead of a registration
	Trunk     string         `json:"trunk,omitempty"`    // reached over this trunk ...
	Number    string         `json:"number,omitempty"`   // ... at this number
	Confirm   *bool          `json:"confirm,omitempty"`  // accept by pressing 1; default: true with a trunk
	WrapUp    *Duration      `json:"wrap_up,omitempty"`  // instead of the queue's
	State     string         `json:"state,omitempty"`    // initial state: "ready", "not ready", "logged out" (default)
	Role      string         `json:"role,omitempty"`     // "agent" (default) or "supervisor"
	SRTP      string         `json:"srtp,omitempty"`     // secured audio (SDES): "off" (default, or what his trunk has), "prefer", "require"; use TLS with it
	Outbound  []string       `json:"outbound,omitempty"` // trunks he may dial out through by trunk:ID/NUMBER, the first of them any number where settings.outbound has no rules; empty: none
	Show      []string       `json:"show,omitempty"`     // numbers that he may show on calls out, the first if he names none; empty: what the trunk says

	Voicemail  string `json:"voicemail,omitempty"`   // box for calls to him alone that he does not answer; none: they fail
	AutoAnswer bool   `json:"auto_answer,omitempty"` // his phone is asked to pick up by itself
	Hide       bool   `json:"hide,omitempty"`        // his calls out show no number (CLIR)

	Order    int            `json:"order,omitempty"`    // place in queues with strategy in-order: the least first
	Capacity map[string]int `json:"capacity,omitempty"` // channel to how much of it he carries at once; voice always fills him
	Tell     string         `json:"tell,omitempty"`     // the caller's standing before he accepts by key: "cue" (default), "display" (and in the name that his phone shows), "none"; phones and screens show it in any case
}

// Queue is where callers wait for one of its agents. Pointers are there where
// zero is another choice than none.
type Queue struct {
	Name          string         `json:"name,omitempty"`
	Strategy      string         `json:"strategy,omitempty"`       // who is next and who serves him, a word of package acd; default "head-start"
	HeadStart     *Duration      `json:"head_start,omitempty"`     // H: most that a caller's standing is worth; default 30s with head-start; 0s: arrival order
	IdleStart     *Duration      `json:"idle_start,omitempty"`     // G: most that an agent's grade is worth; default 60s with head-start; 0s: longest idle
	Needs         map[string]int `json:"needs,omitempty"`          // skill to least level
	RingTimeout   Duration       `json:"ring_timeout,omitempty"`   // default 20s
	WrapUp        *Duration      `json:"wrap_up,omitempty"`        // default 15s
	BackOff       Duration       `json:"back_off,omitempty"`       // a refused pair is not offered again for so long; default 30s
	MaxWait       Duration       `json:"max_wait,omitempty"`       // then the caller goes on to Overflow; 0: no limit
	MaxLength     int            `json:"max_length,omitempty"`     // callers who may wait; 0: no limit
	Overflow      string         `json:"overflow,omitempty"`       // "flow:x", "queue:x", "agent:x", "voicemail:x", "hangup" (default)
	Nobody        string         `json:"nobody,omitempty"`         // where callers go when nobody is logged in; default: they wait
	Music         string         `json:"music,omitempty"`          // prompt that loops while waiting; default: built-in
	Announce      *Announce      `json:"announce,omitempty"`       // nil: the defaults
	AnnounceAgent *bool          `json:"announce_agent,omitempty"` // "agent 1001 is at your service"; default true
	Record        *bool          `json:"record,omitempty"`         // default true
	Survey        string         `json:"survey,omitempty"`         // flow after the agent hung up; "none": no survey
	Direct        bool           `json:"direct,omitempty"`         // not answered by us before an agent answers; 18x, early media and failures go through
	MissedReady   bool           `json:"missed_ready,omitempty"`   // keep an agent ready who did not answer; default: not ready (missed)

	Priority  Duration `json:"priority,omitempty"`  // head start over the calls of other queues, at most 1h
	B         *float64 `json:"b,omitempty"`         // accumulating: the best caller's priority grows so many times as fast; at least 1, default 1.5
	Guard     Duration `json:"guard,omitempty"`     // accumulating: who has waited so long goes first; default 120s
	Band      *float64 `json:"band,omitempty"`      // accumulating: distance from the mean occupancy that is let be, 0..1; default 0.03
	Window    Duration `json:"window,omitempty"`    // accumulating: occupancy is that of the last so long; default 1h
	Overtakes *int     `json:"overtakes,omitempty"` // counted: most that a call is overtaken; default 2
	Skips     *int     `json:"skips,omitempty"`     // counted: most that an idle agent is passed over; default 4
	Sight     *int     `json:"sight,omitempty"`     // counted: calls looked at for the best match; default 8
	Lambda    *float64 `json:"lambda,omitempty"`    // counted: weight of the caller's standing in a match; default 0.2
	RingMost  int      `json:"ring_most,omitempty"` // ring-all: most phones rung at once; default 10
	Category  string   `json:"category,omitempty"`  // whose grade is compared where the flow names none; default: the mean of all

	Relax           []Relax        `json:"relax,omitempty"`             // needs that grow smaller with the wait
	Declines        *int           `json:"declines,omitempty"`          // calls that an agent may decline from log-in to log-out; default 5
	Instead         string         `json:"instead,omitempty"`           // where an agent who accepts by key may send a caller on by 3, within his quota of declines: "flow:x", ...; default: not
	DeclinesPerCall *int           `json:"declines_per_call,omitempty"` // after so many a call can't be declined; default 2
	Control         *float64       `json:"control,omitempty"`           // share of contacts served first come first served, for comparison; default 0.1, or 0 with a plain strategy
	LastAgent       Duration       `json:"last_agent,omitempty"`        // a call is held so long for the agent who served him last; 0: not
	Preferred       Duration       `json:"preferred,omitempty"`         // a call is held so long for the customer's preferred agent; 0: not
	Hours           string         `json:"hours,omitempty"`             // when it is open; default: always
	Closed          string         `json:"closed,omitempty"`            // where callers go outside of the hours: "flow:x", ..., "hangup" (default)
	Callback        *QueueCallback `json:"callback,omitempty"`          // nil: callers wait on the line
	RateCustomer    string         `json:"rate_customer,omitempty"`     // how an agent rates the customer: "command" (default), "keys" after the talk, "none"
}

// Relax replaces needs of a call that has waited for so long.
type Relax struct {
	After Duration       `json:"after"`
	Needs map[string]int `json:"needs"` // skill to least level from then on; 0: not needed any more
}

// Announce says what callers hear while they wait.
type Announce struct {
	Position bool     `json:"position"`
	Wait     bool     `json:"wait"`            // expected wait, when it is known
	Every    Duration `json:"every,omitempty"` // default 30s
	First    Duration `json:"first,omitempty"` // default 5s
}

// Number is what a caller dials.
type Number struct {
	Name     string   `json:"name,omitempty"`
	To       string   `json:"to"`                 // "flow:x", "queue:x", "agent:x", "trunk:x", "conference:x", "voicemail:x", "voicemail-box:x" (hear it, with its PIN)
	Language string   `json:"language,omitempty"` // prompts until the caller chooses
	Trunks   []string `json:"trunks,omitempty"`   // reachable only from these; empty: from all and from phones
	Agents   []string `json:"agents,omitempty"`   // named agents: nobody else takes its calls; empty: all of the queue
	Greeting []string `json:"greeting,omitempty"` // prompts that its callers hear first
	Known    []string `json:"known,omitempty"`    // and instead of these who has called before; default: the greeting
	Early    bool     `json:"early,omitempty"`    // the greeting is heard before the call is answered, so free of charge
	Limit    *Limit   `json:"limit,omitempty"`    // how often one caller may call it; nil: no limit
	Regions  []Region `json:"regions,omitempty"`  // who serves callers of a region, before agents; without a match as if there were none
}

// Region sends callers from somewhere to those who serve them. All regions of a
// number that match its caller count together, the longest prefix first.
type Region struct {
	Prefixes []string `json:"prefixes"`         // beginnings of the caller's number, such as +4930
	Queues   []string `json:"queues,omitempty"` // the agents of these queues
	Agents   []string `json:"agents,omitempty"` // and these agents
}

// Flow is a menu: its nodes as JSON, checked and read by package ivr.
type Flow struct {
	Start string          `json:"start"`
	Nodes json.RawMessage `json:"nodes"`
}

// Prompt replaces or adds a recording, by language.
type Prompt map[string]PromptAudio

// PromptAudio is one recording: 8 kHz G.711 mu-law samples.
type PromptAudio struct {
	File  string `json:"file,omitempty"`  // where it was read from when it was applied; only for people
	Text  string `json:"text,omitempty"`  // what it says
	Audio []byte `json:"audio,omitempty"` // mu-law samples; base64 in JSON
}

// Hours say when something is open.
type Hours struct {
	Zone     string   `json:"zone,omitempty"` // IANA name; default: the center's
	Open     []Open   `json:"open,omitempty"`
	Holidays []string `json:"holidays,omitempty"` // closed days, "2026-12-25"
}

// Open is one span of the week.
type Open struct {
	Days string `json:"days"` // "mon-fri", "sat", "mon,wed"
	From string `json:"from"` // "09:00"
	To   string `json:"to"`   // "18:00"; "24:00" is midnight
}

// Trunk is a configured peer for the outside world.
type Trunk struct {
	Name      string   `json:"name,omitempty"`
	Peers     []string `json:"peers,omitempty"`     // "sip:host:port;transport=udp", in order of use
	Addresses []string `json:"addresses,omitempty"` // IPs or prefixes whose calls count as this trunk's, beside the peers'
	Register  bool     `json:"register,omitempty"`
	User      string   `json:"user,omitempty"`
	Secret    string   `json:"secret,omitempty"` // stored encrypted; never exported
	Realm     string   `json:"realm,omitempty"`
	Trusted   bool     `json:"trusted,omitempty"`   // its P-Asserted-Identity is believed
	Hairpin   string   `json:"hairpin,omitempty"`   // "allow": its calls may go out over a trunk again; default "deny"
	CallerID  string   `json:"caller_id,omitempty"` // number shown on calls out; default: the caller's own
	Expires   Duration `json:"expires,omitempty"`   // registration; default 10m
	SRTP      string   `json:"srtp,omitempty"`      // secured audio (SDES): "off" (default), "prefer", "require"; use TLS with it
	NoAnswer  Duration `json:"no_answer,omitempty"` // silence before the next peer; default 4s

	KeepAlive Duration  `json:"keep_alive,omitempty"` // how often each peer is asked by OPTIONS whether it lives; 30s is usual; default: never
	TLS       *TrunkTLS `json:"tls,omitempty"`        // for peers with transport=tls; nil: the system's authorities, our own certificate
	Hide      bool      `json:"hide,omitempty"`       // calls out show no number (CLIR)
	Redirects int       `json:"redirects,omitempty"`  // how many 302 of it are followed, to its own places only; 0: they are failures; 8 at most
	Most      int       `json:"most,omitempty"`       // calls out at once; 0: no limit
}

// TrunkTLS says how a trunk proves itself, and we to it. Files are PEM on the
// machine of the process, read again when they change.
type TrunkTLS struct {
	CA     string `json:"ca,omitempty"`     // authorities that sign its certificate; default: the system's
	Name   string `json:"name,omitempty"`   // name that its certificate must have; default: the peer's host
	Mutual bool   `json:"mutual,omitempty"` // its calls count only with a certificate of that name, and then from any address
	Cert   string `json:"cert,omitempty"`   // ours; default: tls_cert of hotline.yaml
	Key    string `json:"key,omitempty"`
}

// Conference is a room where all callers of its number hear each other.
type Conference struct {
	Name string `json:"name,omitempty"`
	Max  int    `json:"max,omitempty"` // callers who may be in it; default 50, which is the most
	PIN  string `json:"pin,omitempty"` // digits to be typed before, or their hash ([HashPIN]); empty: anybody who may dial the number
}

// Kind names a kind of object of the center.
type Kind string

// The kinds of objects.
const (
	KindSettings Kind = "settings" // one object, id "center"
	KindSkill    Kind = "skill"
	KindAgent    Kind = "agent"
	KindQueue    Kind = "queue"
	KindNumber   Kind = "number"
	KindFlow     Kind = "flow"
	KindPrompt   Kind = "prompt"
	KindHours    Kind = "hours"
	KindTrunk    Kind = "trunk"

	KindConference Kind = "conference"
	KindBlock      Kind = "block"
	KindVoicemail  Kind = "voicemail"
)

// Key names one object of the center.
type Key struct {
	Kind Kind   `json:"kind"`
	ID   string `json:"id"`
}

// Object is one object of the center as it is kept.
type Object struct {
	Key
	Body json.RawMessage `json:"body"`
}
