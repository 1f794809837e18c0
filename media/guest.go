package media

import "slices"

// guest is somebody beside the leg of the right channel whom the leg of the left
// one hears: a supervisor who barges, the third of three. His voice is kept apart
// until it goes to the disk and is added to the right channel there, which so is
// all that people say to the left one. Whom the left one does not hear, a coach or a
// listener, is no guest.
type guest struct {
	leg   LegID
	left  bool  // no packet of his comes any more
	until int64 // left: the sample from which on he is forgotten
	place placer
	ring  [recRing]byte
}

// company makes guests of a recording whom they should be.
func (s *shard) company(r *recording) {
	var host *leg
	if l := s.legs[r.who[0]]; l != nil && l.bridge != nil && r.who[1] != "" {
		host = l
	}
	heard := func(o *leg) bool {
		return host != nil && o != host && o.bridge == host.bridge && o.id != r.who[1] && hears[host.role][o.role]
	}
	for _, g := range r.guests {
		if l := s.legs[g.leg]; !g.left && (l == nil || !heard(l)) {
			g.left, g.until = true, r.clock(s.now)+recRing
			if l != nil {
				l.taps = slices.DeleteFunc(l.taps, func(t tap) bool { return t.guest == g })
			}
		}
	}
	if host == nil {
		return
	}
	for _, o := range host.bridge.seats {
		if heard(o) {
			s.admit(r, o)
		}
	}
}

// admit makes a leg a guest, if it is none already.
func (s *shard) admit(r *recording, l *leg) {
	i := slices.IndexFunc(r.guests, func(g *guest) bool { return g.leg == l.id })
	switch {
	case i < 0:
		i = len(r.guests)
		r.guests = append(r.guests, &guest{leg: l.id})
		hush(r.guests[i].ring[:])
	case !r.guests[i].left:
		return
	}
	g := r.guests[i]
	g.left = false
	l.taps = append(l.taps, tap{r, 1, g})
}

// accompany looks for guests of the recordings whose left channel a leg is.
func (s *shard) accompany(l *leg) {
	for i := 0; i < len(l.taps); i++ { // guests have taps too, but never this leg one of the same recording
		if t := l.taps[i]; t.channel == 0 {
			s.company(t.rec)
		}
	}
}

// add adds what guests said to a span of the right channel that goes to the disk.
func (r *recording) add(right []byte, at int64) {
	for _, g := range r.guests {
		said := g.ring[at : at+int64(len(right))]
		for i, b := range said {
			if v := int32(ulawToPCM[b]); v != 0 {
				sum := int32(ulawToPCM[right[i]]) + v
				right[i] = EncodeUlaw(int16(min(max(sum, -32768), 32767)))
			}
		}
		hush(said)
	}
}

// forgetGuests lets those go of whom all is on the disk.
func (r *recording) forgetGuests() {
	r.guests = slices.DeleteFunc(r.guests, func(g *guest) bool { return g.left && r.base >= g.until })
}
