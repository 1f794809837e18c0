package call

import (
	"fmt"
	"slices"
	"strings"

	"hotline/store"
)

// outbound checks the rules for numbers outside.
func (k *check) outbound(o store.Outbound) {
	path := "$.settings.outbound"
	if strings.Trim(o.Country, "0123456789") != "" || len(o.Country) > 3 {
		k.add(path+".country", fmt.Sprintf("%q is no country's code", o.Country), "digits without + and 00, such as 49")
	}
	if strings.Trim(o.Exit, "0123456789") != "" || len(o.Exit) > 5 {
		k.add(path+".exit", fmt.Sprintf("%q is not what is dialled for abroad", o.Exit), "up to 5 digits, such as 011")
	}
	if o.Most < 0 {
		k.add(path+".most", "can't be negative", "calls at once, or 0 for no limit")
	}
	for i, r := range o.Rules {
		k.route(fmt.Sprintf("%s.rules[%d]", path, i), r)
	}
}

func (k *check) route(path string, r store.Route) {
	digits := func(name, v string) {
		if strings.Trim(strings.TrimPrefix(v, "+"), "0123456789") != "" {
			k.add(path+"."+name, fmt.Sprintf("%q can't be dialled", v), "digits with an optional + in front")
		}
	}
	digits("prefix", r.Prefix)
	digits("add", r.Add)
	if r.Strip < 0 || r.Strip > 32 {
		k.add(path+".strip", fmt.Sprintf("%d is out of range", r.Strip), "0 to 32 characters")
	}
	for i, t := range r.Trunks {
		at := fmt.Sprintf("%s.trunks[%d]", path, i)
		if t.Trunk == "" {
			k.add(at+".trunk", "no trunk", choice("trunks", k.c.Trunks))
		}
		k.trunkRef(at+".trunk", t.Trunk)
		if t.Priority < 0 || t.Weight < 0 || t.Weight > 1000 {
			k.add(at, "priority or weight is out of range", "priority from 0, weight 0 to 1000")
		}
	}
	for i, role := range r.Roles {
		if !slices.Contains([]string{"agent", "supervisor"}, role) {
			k.add(fmt.Sprintf("%s.roles[%d]", path, i), fmt.Sprintf("no role %q", role), "agent or supervisor")
		}
	}
	k.agentRefs(path+".agents", r.Agents)
}
