package call

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"hotline/ivr"
	"hotline/ivr/prompts"
	"hotline/sip"
	"hotline/store"
)

// Check finds what is wrong with a whole center: references to nothing, values
// out of range, flows that would lose a caller. Paths name keys of the file.
func Check(c store.Center) []Problem {
	k := &check{c: c}
	k.settings()
	each(c.Skills, func(id string, _ store.Skill) { k.id("skills", id) })
	each(c.Agents, func(id string, a store.Agent) { k.agent(id, a) })
	each(c.Queues, func(id string, q store.Queue) { k.queue(id, q) })
	each(c.Numbers, func(id string, n store.Number) { k.number(id, n) })
	each(c.Flows, func(id string, f store.Flow) { k.flow(id, f) })
	each(c.Hours, func(id string, h store.Hours) { k.hours(id, h) })
	each(c.Trunks, func(id string, t store.Trunk) { k.trunk(id, t) })
	each(c.Conferences, func(id string, r store.Conference) { k.conference(id, r) })
	each(c.Blocks, func(id string, b store.Block) { k.block(id, b) })
	each(c.Voicemail, func(id string, b store.Mailbox) { k.mailbox(id, b) })
	each(c.Prompts, func(id string, p store.Prompt) { k.prompt(id, p) })
	return k.out
}

func each[V any](m map[string]V, f func(string, V)) {
	for _, id := range sortedKeys(m) {
		f(id, m[id])
	}
}

// check gathers problems.
type check struct {
	c   store.Center
	out []Problem
}

func (k *check) add(path, what, try string) {
	k.out = append(k.out, Problem{Path: path, What: what, Try: try})
}

// idPattern: ids stand in file names, URLs and headers.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_.+*#-]{1,64}$`)

// at makes the path of a field of an object.
func at(kind, id, field string) string {
	p := "$." + kind + "." + id
	if strings.ContainsAny(id, ".*#+") {
		p = "$." + kind + "['" + id + "']"
	}
	if field != "" {
		p += "." + field
	}
	return p
}

func (k *check) id(kind, id string) {
	if !idPattern.MatchString(id) {
		k.add(at(kind, id, ""), fmt.Sprintf("%q can't be an id", id), "use 1 to 64 letters, digits and _ . + * # -")
	}
}

// choice makes the hint for a wrong reference.
func choice[V any](kind string, m map[string]V) string {
	if len(m) == 0 {
		return "define one under " + kind
	}
	names := sortedKeys(m)
	if len(names) > 8 {
		names = append(names[:8], "...")
	}
	return "one of " + strings.Join(names, ", ")
}

func (k *check) language(path, lang string) {
	if lang != "" && !slices.Contains(prompts.Languages(), lang) {
		k.add(path, fmt.Sprintf("no prompts in language %q", lang), "one of "+strings.Join(prompts.Languages(), ", "))
	}
}

func (k *check) span(path string, d store.Duration, most time.Duration) {
	if d < 0 || d.D() > most {
		k.add(path, fmt.Sprintf("%s is out of range", d), fmt.Sprintf("between 0s and %s", most))
	}
}

func (k *check) settings() {
	s := k.c.Settings
	k.language("$.settings.language", s.Language)
	k.zone("$.settings.zone", s.Zone)
	k.flowRef("$.settings.survey", s.Survey)
	if s.MaxCall < 0 {
		k.add("$.settings.max_call", "a call can't be shorter than nothing", "a duration such as 4h")
	}
	if v := s.Supervision; v != "" && v != seen && v != unseen && v != beeps {
		k.add("$.settings.supervision", fmt.Sprintf("%q is no choice", v), seen+", "+unseen+" or "+beeps)
	}
	if s.Codes != nil {
		k.codes(*s.Codes)
	}
	k.ratings(s)
	k.dispositions(s)
	if s.Outbound != nil {
		k.outbound(*s.Outbound)
	}
	if s.Keys != nil {
		k.keys(*s.Keys)
	}
}

// keys are what an agent can press in talk; none begins with another.
func (k *check) keys(keys store.Keys) {
	list := []struct{ name, keys string }{{"survey", keys.Survey}, {"mask", keys.Mask}, {"hold", keys.Hold},
		{"transfer", keys.Transfer}, {"consult", keys.Consult}, {"join", keys.Join}, {"toggle", keys.Toggle},
		{"cancel", keys.Cancel}, {"complete", keys.Complete}, {"pause", keys.Pause}, {"park", keys.Park}, {"record", keys.Record}}
	for i, f := range list {
		if strings.Trim(f.keys, "0123456789*#") != "" {
			k.add("$.settings.keys."+f.name, "not a sequence of keys", "digits, * and #, such as **")
		}
		for _, other := range list[:i] {
			if f.keys != "" && other.keys != "" && (strings.HasPrefix(f.keys, other.keys) || strings.HasPrefix(other.keys, f.keys)) {
				k.add("$.settings.keys."+f.name, fmt.Sprintf("%q and %s, %q: one begins with the other", f.keys, other.name, other.keys), "another sequence of keys")
			}
		}
	}
}

// codes are what a phone can dial, each another.
func (k *check) codes(c store.Codes) {
	taken := map[string]string{}
	for _, f := range []struct{ name, code string }{{"ready", c.Ready}, {"not_ready", c.NotReady}, {"log_out", c.LogOut}, {"log_in", c.LogIn},
		{"hide", c.Hide}, {"my_ratings", c.MyRatings}, {"rate_last", c.RateLast},
		{"note", c.Note}, {"nuisance", c.Nuisance}, {"extend", c.Extend}, {"show", c.Show}, {"voicemail", c.Voicemail}} {
		path := "$.settings.codes." + f.name
		switch {
		case f.code == "":
		case strings.Trim(f.code, "0123456789*#") != "":
			k.add(path, fmt.Sprintf("%q can't be dialled", f.code), "digits, * and #, such as *41")
		case taken[f.code] != "":
			k.add(path, fmt.Sprintf("%q is %s already", f.code, taken[f.code]), "another code")
		default:
			taken[f.code] = f.name
		}
	}
}

func (k *check) zone(path, z string) {
	if z == "" {
		return
	}
	if _, err := time.LoadLocation(z); err != nil {
		k.add(path, fmt.Sprintf("no time zone %q", z), "an IANA name such as Europe/Berlin or Asia/Shanghai")
	}
}

func (k *check) flowRef(path, flow string) {
	if flow == "" || flow == "none" {
		return
	}
	if _, ok := k.c.Flows[flow]; !ok {
		k.add(path, fmt.Sprintf("no flow %q", flow), choice("flows", k.c.Flows)+", or none")
	}
}

// skills are levels of skills that exist.
func (k *check) skills(path string, m map[string]int) {
	for _, s := range sortedKeys(m) {
		if _, ok := k.c.Skills[s]; !ok {
			k.add(path+"."+s, fmt.Sprintf("no skill %q", s), choice("skills", k.c.Skills))
		}
		if m[s] < 1 || m[s] > 10 {
			k.add(path+"."+s, fmt.Sprintf("level %d is out of range", m[s]), "1 to 10")
		}
	}
}

func (k *check) agent(id string, a store.Agent) {
	k.id("agents", id)
	for i, l := range a.Languages {
		k.language(fmt.Sprintf("%s[%d]", at("agents", id, "languages"), i), l)
	}
	k.skills(at("agents", id, "skills"), a.Skills)
	k.queueRefs(at("agents", id, "queues"), a.Queues)
	if a.Contact != "" {
		if _, err := sip.ParseTarget(a.Contact); err != nil {
			k.add(at("agents", id, "contact"), "not a SIP address: "+err.Error(), "such as sip:1001@192.0.2.7:5060;transport=tcp")
		}
		if a.Trunk != "" {
			k.add(at("agents", id, "trunk"), "an agent has either a contact or a trunk", "delete one of them")
		}
	}
	k.trunkRef(at("agents", id, "trunk"), a.Trunk)
	if a.Trunk != "" && !dialable(a.Number) {
		k.add(at("agents", id, "number"), fmt.Sprintf("%q can't be dialled over the trunk", a.Number), "his number, digits with an optional +")
	}
	for i, t := range a.Outbound {
		k.trunkRef(fmt.Sprintf("%s[%d]", at("agents", id, "outbound"), i), t)
	}
	if a.WrapUp != nil {
		k.span(at("agents", id, "wrap_up"), *a.WrapUp, time.Hour)
	}
	if !slices.Contains([]string{"", stateReady, stateNotReady, stateOut}, a.State) {
		k.add(at("agents", id, "state"), fmt.Sprintf("no state %q", a.State), "ready, not ready or logged out")
	}
	if !slices.Contains([]string{"", "agent", "supervisor"}, a.Role) {
		k.add(at("agents", id, "role"), fmt.Sprintf("no role %q", a.Role), "agent or supervisor")
	}
	k.secured(at("agents", id, "srtp"), a.SRTP)
	if a.Voicemail != "" {
		k.boxRef(at("agents", id, "voicemail"), a.Voicemail, false)
	}
	k.agentRouting(id, a)
}

func (k *check) trunkRef(path, t string) {
	if t == "" {
		return
	}
	if _, ok := k.c.Trunks[t]; !ok {
		k.add(path, fmt.Sprintf("no trunk %q", t), choice("trunks", k.c.Trunks))
	}
}

// orNone is a length of time that may be left out.
func orNone(d *store.Duration) store.Duration {
	if d == nil {
		return 0
	}
	return *d
}

func (k *check) queue(id string, q store.Queue) {
	k.id("queues", id)
	for _, f := range []struct {
		name string
		d    store.Duration
	}{{"head_start", orNone(q.HeadStart)}, {"idle_start", orNone(q.IdleStart)}, {"back_off", q.BackOff}, {"max_wait", q.MaxWait}} {
		k.span(at("queues", id, f.name), f.d, 24*time.Hour)
	}
	k.span(at("queues", id, "ring_timeout"), q.RingTimeout, 5*time.Minute)
	if q.WrapUp != nil {
		k.span(at("queues", id, "wrap_up"), *q.WrapUp, time.Hour)
	}
	if q.MaxLength < 0 {
		k.add(at("queues", id, "max_length"), "can't be negative", "0 for no limit")
	}
	k.skills(at("queues", id, "needs"), q.Needs)
	k.target(at("queues", id, "overflow"), q.Overflow, true)
	k.target(at("queues", id, "nobody"), q.Nobody, true)
	k.circle(id, q)
	if q.Music != "" && q.Music != "none" && !hasPrompt(k.c, "en", q.Music) {
		k.add(at("queues", id, "music"), fmt.Sprintf("no prompt %q", q.Music), "a prompt of the center, or none")
	}
	k.flowRef(at("queues", id, "survey"), q.Survey)
	k.routing(id, q)
	k.callback(id, q)
	if a := q.Announce; a != nil {
		k.span(at("queues", id, "announce.every"), a.Every, time.Hour)
		k.span(at("queues", id, "announce.first"), a.First, time.Hour)
	}
}

// target checks "flow:x", "queue:x" and so on, and "hangup" where it may stand.
func (k *check) target(path, to string, optional bool) {
	if optional && (to == "" || to == "hangup") {
		return
	}
	kind, id, ok := strings.Cut(to, ":")
	var known bool
	hint := "flow:x, queue:x, agent:x, trunk:x, conference:x, voicemail:x or voicemail-box:x"
	switch kind {
	case "flow":
		_, known = k.c.Flows[id]
		hint = choice("flows", k.c.Flows)
	case "queue":
		_, known = k.c.Queues[id]
		hint = choice("queues", k.c.Queues)
	case "agent":
		_, known = k.c.Agents[id]
		hint = choice("agents", k.c.Agents)
	case "trunk":
		_, known = k.c.Trunks[id]
		hint = choice("trunks", k.c.Trunks)
	case "conference":
		_, known = k.c.Conferences[id]
		hint = choice("conferences", k.c.Conferences)
	case "voicemail", "voicemail-box":
		k.boxRef(path, id, kind == "voicemail-box")
		return
	default:
		ok = false
	}
	switch {
	case !ok:
		k.add(path, fmt.Sprintf("%q leads nowhere", to), hint)
	case !known:
		k.add(path, fmt.Sprintf("no %s %q", kind, id), hint)
	}
}

func (k *check) number(id string, n store.Number) {
	k.id("numbers", id)
	k.target(at("numbers", id, "to"), n.To, false)
	k.language(at("numbers", id, "language"), n.Language)
	for i, t := range n.Trunks {
		k.trunkRef(fmt.Sprintf("%s[%d]", at("numbers", id, "trunks"), i), t)
	}
	k.agentRefs(at("numbers", id, "agents"), n.Agents)
	k.limit(id, n.Limit)
	k.greetings(id, n)
	for i, r := range n.Regions {
		k.region(fmt.Sprintf("%s[%d]", at("numbers", id, "regions"), i), r)
	}
}

func (k *check) flow(id string, f store.Flow) {
	k.id("flows", id)
	flow, err := readFlow(f)
	var faults ivr.Problems
	switch {
	case errors.As(err, &faults):
		k.flowProblems(id, faults)
		return
	case err != nil:
		k.add(at("flows", id, ""), err.Error(), "start: the first node, and nodes: by name")
		return
	}
	k.flowProblems(id, ivr.Check(flow, k.known()))
}

func (k *check) flowProblems(id string, list []ivr.Problem) {
	for _, p := range list {
		k.add(at("flows", id, "")+strings.TrimPrefix(p.Path, "$"), p.What, p.Try)
	}
}

// known is the center as flows may refer to it.
func (k *check) known() ivr.Known {
	return ivr.Known{
		Languages: prompts.Languages(),
		Prompt: func(lang, name string) bool {
			return hasPrompt(k.c, lang, name) || hasPrompt(k.c, "en", name)
		},
		Queue:    func(id string) bool { _, ok := k.c.Queues[id]; return ok },
		Box:      func(id string) bool { _, ok := k.c.Voicemail[id]; return ok },
		Callback: func(queue string) bool { return k.c.Queues[queue].Callback != nil },
		Agent:    func(id string) bool { _, ok := k.c.Agents[id]; return ok },
		Hours:    func(id string) bool { _, ok := k.c.Hours[id]; return ok },
		Skill:    func(id string) bool { _, ok := k.c.Skills[id]; return ok },
		Number: func(trunk, number string) bool {
			if trunk != "" {
				_, ok := k.c.Trunks[trunk]
				return ok && dialable(number)
			}
			_, ok := k.c.Numbers[number]
			return ok
		},
	}
}

func (k *check) hours(id string, h store.Hours) {
	k.id("hours", id)
	k.zone(at("hours", id, "zone"), h.Zone)
	for i, o := range h.Open {
		p := fmt.Sprintf("%s[%d]", at("hours", id, "open"), i)
		if _, err := parseDays(o.Days); err != nil {
			k.add(p+".days", err.Error(), "such as mon-fri")
		}
		from, err := parseClock(o.From)
		if err != nil {
			k.add(p+".from", err.Error(), "such as 09:00")
		}
		to, err2 := parseClock(o.To)
		if err2 != nil {
			k.add(p+".to", err2.Error(), "such as 18:00")
		}
		if err == nil && err2 == nil && from == to {
			k.add(p+".to", "the span is empty", "for the whole day write 00:00 to 24:00")
		}
	}
	for i, d := range h.Holidays {
		if _, err := time.Parse(time.DateOnly, d); err != nil {
			k.add(fmt.Sprintf("%s[%d]", at("hours", id, "holidays"), i), fmt.Sprintf("%q is no day", d), "such as 2026-12-25")
		}
	}
}

func (k *check) prompt(id string, p store.Prompt) {
	k.id("prompts", id)
	for _, lang := range sortedKeys(p) {
		k.language(at("prompts", id, lang), lang)
		if len(p[lang].Audio) == 0 && p[lang].File == "" {
			k.add(at("prompts", id, lang), "no recording", "file: a WAV file beside this one")
		}
	}
}

func sortKeys(keys []store.Key) { slices.SortFunc(keys, store.Key.Compare) }

// secured checks a choice of secured audio.
func (k *check) secured(path, policy string) {
	if _, ok := policies[policy]; !ok {
		k.add(path, fmt.Sprintf("no choice %q", policy), "off, prefer or require")
	}
}
