package sip

import "strings"

// redirect follows a 3xx to places not tried before (RFC 3261, 8.1.3.4).
func (o *outgoing) redirect(m *message) bool {
	if o.inv.Redirects <= 0 {
		return false
	}
	if o.redirects <= 0 {
		o.last.Status, o.last.Reason = 482, "Redirected Too Often"
		return false
	}
	o.redirects--
	var found []attempt
	var again, foreign bool
	for _, v := range m.values(hContact) {
		n, ok := parseNameAddr(v)
		uri, _, _ := strings.Cut(strings.Clone(n.uri), "?")
		t, err := ParseTarget(uri)
		if !ok || err != nil {
			continue
		}
		t.Trunk = o.cur.Trunk
		if o.tried[uri] {
			again = true
			continue
		}
		if !o.mayRedirect(t) {
			foreign = true
			continue
		}
		o.tried[uri] = true
		found = append(found, attempt{t, o.cur.index})
	}
	switch {
	case len(found) > 0:
		o.left = append(found, o.left...)
		o.next()
		return true
	case again:
		o.last.Status, o.last.Reason = 482, "Redirected In A Loop"
	case foreign:
		o.last.Status, o.last.Reason = 403, "Redirected Where We May Not Go"
	}
	return false
}

// mayRedirect: a trunk leads to its own places only, unless the user says otherwise.
func (o *outgoing) mayRedirect(t Target) bool {
	switch {
	case o.inv.Redirect != nil:
		return o.inv.Redirect(t)
	case t.Trunk != "":
		return o.d.e.trunks.owns(t.Trunk, t)
	}
	return true
}
