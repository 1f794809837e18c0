package sip

import (
	"strings"
	"time"
)

// session is a dialog's session timer (RFC 4028), in either role.
type session struct {
	d        *Dialog
	interval time.Duration // 0: none agreed
	min      time.Duration // the peer's Min-SE
	ours     bool          // we refresh
	began    time.Time
	timer    alarm
	deadline bool // the next alarm is the end of the session
}

func (s *session) init(d *Dialog) {
	s.d = d
	s.timer = alarm{owner: s}
}

func (s *session) stop() { s.d.w.clear(&s.timer) }

// sessionGranted refuses a session interval below ours with 422 (RFC 4028, 9).
func (w *worker) sessionGranted(m *message) bool {
	v := m.get(hSessionExpires)
	if v == "" {
		return true
	}
	n, ok := seconds(v)
	switch {
	case !ok:
		w.e.refuse(m, 400, "Malformed Session-Expires")
		return false
	case n >= uint64(w.e.cfg.MinSE/time.Second):
		return true
	}
	w.e.refuse(m, 422, "", [2]string{"Min-SE", inSeconds(w.e.cfg.MinSE)})
	return false
}

// grant decides on the session timer as UAS and writes it into the 2xx.
func (s *session) grant(b *builder, m *message) {
	d := s.d
	supports := m.lists(hSupported, "timer") || m.lists(hRequire, "timer")
	asked := m.get(hSessionExpires)
	if asked == "" && !supports {
		s.interval = 0
		s.stop()
		return
	}
	s.interval = d.e.cfg.SessionExpires
	least, _ := seconds(m.get(hMinSE))
	s.interval = max(s.interval, time.Duration(min(least, 1<<20))*time.Second)
	s.ours = !supports || asked == ""
	if asked != "" {
		n, _ := seconds(asked)
		s.interval = min(s.interval, time.Duration(n)*time.Second)
		_, params, _ := strings.Cut(asked, ";")
		switch who, _ := param(params, "refresher"); strings.ToLower(who) {
		case "uas":
			s.ours = true
		case "uac":
			s.ours = false
		}
	}
	who := "uac"
	if s.ours {
		who = "uas"
	} else {
		b.line("Require", "timer")
	}
	b.line("Session-Expires", inSeconds(s.interval)+";refresher="+who)
}

// ask are the headers of our INVITE or UPDATE.
func (s *session) ask() [][2]string {
	interval, who := s.d.e.cfg.SessionExpires, ""
	if s.interval > 0 {
		interval, who = s.interval, ";refresher=uas"
		if s.ours {
			who = ";refresher=uac"
		}
	} else if s.d.phase == confirmed {
		return nil
	}
	interval = max(interval, s.min)
	h := [][2]string{{"Session-Expires", inSeconds(interval) + who}}
	if least := max(s.min, s.d.e.cfg.MinSE); least > 0 {
		h = append(h, [2]string{"Min-SE", inSeconds(least)})
	}
	return h
}

// raise takes the Min-SE of a 422; false if that is no reason to ask again.
func (s *session) raise(m *message) bool {
	if m == nil {
		return false
	}
	n, ok := seconds(m.get(hMinSE))
	least := time.Duration(min(n, 1<<20)) * time.Second
	if !ok || least <= s.min || least <= s.interval {
		return false
	}
	s.min = least
	if s.interval > 0 {
		s.interval = least
	}
	return true
}

// granted reads the 2xx to our INVITE or UPDATE, and starts the timer.
func (s *session) granted(m *message) {
	v := m.get(hSessionExpires)
	n, ok := seconds(v)
	if !ok || n == 0 {
		s.interval = 0
		s.stop()
		return
	}
	s.interval = time.Duration(min(n, 1<<20)) * time.Second
	_, params, _ := strings.Cut(v, ";")
	who, _ := param(params, "refresher")
	s.ours = !strings.EqualFold(who, "uas")
	s.start()
}

// start begins an interval: the session was refreshed.
func (s *session) start() {
	if s.interval <= 0 {
		s.stop()
		return
	}
	s.began = s.d.w.now
	s.deadline = !s.ours
	at := s.interval / 2
	if s.deadline {
		at = s.last()
	}
	s.d.w.set(&s.timer, at)
}

// last is when an unrefreshed session is ended: before its end (RFC 4028, 10).
func (s *session) last() time.Duration { return s.interval - min(32*time.Second, s.interval/3) }

// failed: our refresh was refused; the session ends unless something refreshes it.
func (s *session) failed() {
	if s.interval > 0 && s.d.phase == confirmed {
		s.deadline = true
		s.d.w.alarms.set(&s.timer, s.began.Add(s.last()))
	}
}

func (s *session) ring(uint8) {
	d := s.d
	d.w.busy = d
	if d.phase != confirmed {
		return
	}
	if s.deadline {
		d.hangUp(Cause{Status: 408, Text: "session expired"}, whySession)
		return
	}
	s.failed() // until the refresh succeeds
	if d.re.current != nil || d.re.retry.on() {
		return // it refreshes too
	}
	if !d.peer.update {
		if d.ok == nil {
			d.re.start()
		}
		return
	}
	req := &request{method: "UPDATE", contact: true, headers: s.ask()}
	req.done = func(status int, m *message) { s.refreshed(req, status, m) }
	d.re.current, d.re.offer = req, false
	d.ask(req)
}

// refreshed is the outcome of our UPDATE.
func (s *session) refreshed(req *request, status int, m *message) {
	d := s.d
	if d.re.current == req {
		d.re.current = nil
	}
	if d.phase != confirmed {
		return
	}
	switch {
	case m != nil && status < 300:
		d.refresh(m)
		s.granted(m)
	case status == 422 && s.raise(m):
		s.deadline = false
		s.d.w.set(&s.timer, 0)
	case status == 491:
		s.deadline = false
		s.d.w.set(&s.timer, d.glareWait())
	case status == 405 || status == 501:
		d.peer.update = false
		s.deadline = false
		s.d.w.set(&s.timer, 0)
	case status == 408 || status == 481:
		d.hangUp(Cause{Status: 408, Text: "session expired"}, whySession)
		return
	}
	d.re.again()
}
