package sip

import "strings"

// maxReplaces bounds the bytes of one Replaces value that is read.
const maxReplaces = 1024

// DialogID names a dialog as a Replaces header does (RFC 3891): from the view of
// the end that is asked to give it up.
type DialogID struct {
	CallID    string
	ToTag     string // tag of the end that is asked
	FromTag   string // tag of the other end
	EarlyOnly bool   // only while it is not answered
}

// header writes the Replaces value; "" if a part could break the line or the list.
func (id DialogID) header() string {
	if id.CallID == "" || strings.ContainsAny(id.CallID, ";, \t") || !safeValue(id.CallID) || !isToken(id.ToTag) || !isToken(id.FromTag) {
		return ""
	}
	s := id.CallID + ";to-tag=" + id.ToTag + ";from-tag=" + id.FromTag
	if id.EarlyOnly {
		s += ";early-only"
	}
	return s
}

// parseReplaces reads a Replaces value (RFC 3891, 6.1): both tags, once each.
func parseReplaces(s string) (id DialogID, ok bool) {
	if len(s) > maxReplaces {
		return id, false
	}
	callID, params, _ := strings.Cut(s, ";")
	id.CallID = trim(callID)
	for params != "" {
		var name, value string
		var good bool
		if name, value, params, good = nextParam(params); !good {
			return DialogID{}, false
		}
		switch strings.ToLower(name) {
		case "to-tag":
			good = id.ToTag == ""
			id.ToTag = value
		case "from-tag":
			good = id.FromTag == ""
			id.FromTag = value
		case "early-only":
			good = !id.EarlyOnly
			id.EarlyOnly = true
		}
		if !good {
			return DialogID{}, false
		}
	}
	return id, id.header() != ""
}

// Replaces is how the far end is told of this dialog when somebody else is to
// take our place in it: for [Invite.Replaces] and [ReferTarget.Replaces].
func (d *Dialog) Replaces() DialogID {
	s := d.State()
	return DialogID{CallID: s.CallID, ToTag: s.RemoteTag, FromTag: s.LocalTag}
}

// lookUp finds a dialog of ours on whatever worker owns it, and calls done on the
// worker that asks. Status says what to refuse with, 0 for a dialog that stands.
func (e *Endpoint) lookUp(id DialogID, asks *worker, done func(old *Dialog, status int)) {
	w := e.workerOf(id.CallID)
	w.post(func() {
		old, status := w.replaceable(id)
		asks.post(func() { done(old, status) })
	})
}

// named finds a dialog by its tags. Whoever picks up a call that his lamp shows
// names it as the watched phone would: there the tags are the other way round.
func (w *worker) named(id DialogID) *Dialog {
	for _, tags := range [2][2]string{{id.ToTag, id.FromTag}, {id.FromTag, id.ToTag}} {
		d := w.dialogs[tags[0]]
		if d != nil && d.callID == id.CallID && d.knows(tags[1]) && d.sub == nil {
			return d
		}
	}
	return nil
}

// replaceable is RFC 3891, 3: which dialogs may be replaced, and the refusal for
// the others. With 481 for one that the far end rings us by comes that dialog.
func (w *worker) replaceable(id DialogID) (*Dialog, int) {
	d := w.named(id)
	if d == nil {
		return nil, 481
	}
	switch {
	case d.phase == ringing: // an early dialog that we did not initiate
		return d, 481
	case d.phase >= ending, d.wantEnd != nil:
		return nil, 603
	case d.phase != calling && id.EarlyOnly:
		return nil, 486
	}
	return d, 0
}

// replacing reads the Replaces of an INVITE. With a status it is refused.
func replacing(m *message) (id DialogID, asked bool, status int) {
	all := m.named("Replaces")
	if len(all) == 0 {
		return id, false, 0
	}
	id, ok := parseReplaces(all[0])
	if len(all) > 1 || !ok {
		return id, true, 400
	}
	id.CallID, id.ToTag, id.FromTag = strings.Clone(id.CallID), strings.Clone(id.ToTag), strings.Clone(id.FromTag)
	return id, true, 0
}

// replace hands on a call that takes over a dialog of ours, once that is found and
// whoever asks may have it. The caller may have hung up meanwhile.
func (w *worker) replace(in *Incoming, id DialogID) {
	d := in.Dialog
	w.e.lookUp(id, w, func(old *Dialog, status int) {
		w.busy = d
		if d.phase != ringing {
			return
		}
		if status == 0 && !w.e.mayReplace(in, old) {
			status = 403
		}
		if status != 0 {
			d.refuseCall(status, "")
			d.finish(nil)
			return
		}
		in.Replaces, in.ReplacesEarly = old, id.EarlyOnly
		w.offered(in)
	})
}

// mayReplace asks the owner; without a hook, who stands at the far end of a
// dialog may move it, nobody else.
func (e *Endpoint) mayReplace(in *Incoming, old *Dialog) bool {
	if e.cfg.MayReplace != nil {
		return e.cfg.MayReplace(in, old)
	}
	return in.Peer != Peer{} && in.Peer == old.FarEnd()
}

// Lamp is the dialog as a lamp of the phone at its far end shows it: add State,
// Incoming and Remote for [Endpoint.PublishDialogState]. Who watches can pick the
// call up by what it says; of one that rings that is so from its first 180 on.
func (d *Dialog) Lamp() DialogInfo {
	s := d.State()
	return DialogInfo{ID: s.LocalTag, CallID: s.CallID, LocalTag: s.RemoteTag, RemoteTag: s.LocalTag}
}

// FarEnd is whose phone or which trunk the other end of the dialog is; zero: unknown.
func (d *Dialog) FarEnd() Peer {
	if p := d.farEnd.Load(); p != nil {
		return *p
	}
	return Peer{}
}
