package api

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"hotline/call"
)

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, s.engine.Status())
}

// list answers with all of them; none is an empty list, not null.
func list[T any](w http.ResponseWriter, all []T) {
	if all == nil {
		all = []T{}
	}
	reply(w, http.StatusOK, all)
}

// one answers with the one of the id in the path.
func one[T any](w http.ResponseWriter, r *http.Request, kind string, all []T, id func(T) string) {
	want := r.PathValue("id")
	i := slices.IndexFunc(all, func(v T) bool { return id(v) == want })
	if i < 0 {
		fail(w, notFound(kind, want))
		return
	}
	reply(w, http.StatusOK, all[i])
}

func (s *Server) queues(w http.ResponseWriter, r *http.Request)  { list(w, s.engine.Queues()) }
func (s *Server) numbers(w http.ResponseWriter, r *http.Request) { list(w, s.engine.Numbers()) }
func (s *Server) calls(w http.ResponseWriter, r *http.Request)   { list(w, s.callViews()) }
func (s *Server) trunks(w http.ResponseWriter, r *http.Request)  { list(w, s.trunkViews()) }
func (s *Server) agents(w http.ResponseWriter, r *http.Request)  { list(w, s.agentViews()) }

// agentViews are the engine's, with empty lists where it has none: a list is
// never null on the wire.
func (s *Server) agentViews() []call.AgentView {
	all := s.engine.Agents()
	for i := range all {
		all[i].Queues = some(all[i].Queues)
	}
	return all
}

func (s *Server) callViews() []call.CallView {
	all := s.engine.Calls()
	for i := range all {
		all[i].Trace = some(all[i].Trace)
	}
	return all
}

func (s *Server) trunkViews() []call.TrunkView {
	all := s.engine.Trunks()
	for i := range all {
		all[i].Peers = some(all[i].Peers)
	}
	return all
}

func some(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *Server) queue(w http.ResponseWriter, r *http.Request) {
	one(w, r, "queue", s.engine.Queues(), func(v call.QueueView) string { return v.ID })
}

func (s *Server) number(w http.ResponseWriter, r *http.Request) {
	one(w, r, "number", s.engine.Numbers(), func(v call.NumberView) string { return v.Number })
}

func (s *Server) call(w http.ResponseWriter, r *http.Request) {
	want, all := r.PathValue("id"), s.callViews()
	id := callNamed(all, want)
	one(w, r, "call", all, func(v call.CallView) string {
		if v.ID == id {
			return want
		}
		return ""
	})
}

// callNamed is the id of the call of that id, of the only one that an agent is in, or
// of the only one that begins so; "" if there is none.
func callNamed(all []call.CallView, want string) (id string) {
	for _, v := range all {
		switch {
		case v.ID == want:
			return want
		case v.Agent != want && !strings.HasPrefix(v.ID, want):
		case id != "":
			return ""
		default:
			id = v.ID
		}
	}
	return id
}

func (s *Server) trunk(w http.ResponseWriter, r *http.Request) {
	one(w, r, "trunk", s.trunkViews(), func(v call.TrunkView) string { return v.ID })
}

func (s *Server) agent(w http.ResponseWriter, r *http.Request) {
	one(w, r, "agent", s.agentViews(), func(v call.AgentView) string { return v.ID })
}

// StateRequest asks for a state of an agent.
type StateRequest struct {
	State  string `json:"state"`            // "ready", "not ready", "logged out"; "-" for the space will do
	Reason string `json:"reason,omitempty"` // of not ready: "lunch"
}

// SecretReply is a new secret, told once; only its hashes are kept.
type SecretReply struct {
	Agent  string `json:"agent"`
	Secret string `json:"secret"`
}

// maxReason is the longest reason of a state, in bytes.
const maxReason = 64

func (s *Server) agentState(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !s.hasAgent(id) {
		fail(w, notFound("agent", id))
		return
	}
	var q StateRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("agent state", err))
		return
	}
	state := strings.ReplaceAll(q.State, "-", " ")
	switch {
	case !slices.Contains([]string{"ready", "not ready", "logged out"}, state):
		fail(w, badRequest("state "+quote(q.State), "not a state that can be chosen", "ready, not-ready or logged-out"))
		return
	case len(q.Reason) > maxReason:
		fail(w, badRequest("reason", "longer than 64 bytes", "a word or two"))
		return
	case q.Reason != "" && state != "not ready":
		fail(w, badRequest("reason "+quote(q.Reason), "only not-ready has a reason", "not-ready --reason "+q.Reason))
		return
	}
	if err := s.engine.SetAgentState(id, state, q.Reason, actor(r)); err != nil {
		fail(w, asError("agent "+id, err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) agentSecret(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if !s.hasAgent(id) {
		fail(w, notFound("agent", id))
		return
	}
	secret, err := s.engine.NewSecret(id)
	if err != nil {
		fail(w, asError("agent "+id+": secret", err))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, SecretReply{id, secret})
}

func (s *Server) hasAgent(id string) bool {
	return slices.ContainsFunc(s.engine.Agents(), func(a call.AgentView) bool { return a.ID == id })
}

func (s *Server) hangup(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.engine.Hangup(id, actor(r)); errors.Is(err, call.ErrUnknown) {
		fail(w, notFound("call", id))
		return
	} else if err != nil {
		fail(w, asError("call "+id, err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
