package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hotline/call"
)

// Orders are what people ask of running calls; ref is as in [Supervision].
type Orders interface {
	Order(ref string, o call.Order, actor string) error
	Transfer(ctx context.Context, ref, to, actor string) (call.TransferView, error) // waits for what comes of it
	Move(ref, to, actor string) error
	Front(ref, actor string) error
	TakeOver(ref, supervisor, actor string) (call.SupervisionView, error)
	Dial(agent, to, show, actor string) (id string, err error)
	PickUp(agent, colleague, actor string) (call.TakeView, error) // "": whichever colleague's phone rings longest
	Unpark(agent, ref, actor string) (call.TakeView, error)       // a slot, or as in [Supervision]
}

// DialRequest rings an agent's phone and goes on as if he had dialled there.
type DialRequest struct {
	To   string `json:"to"`             // what his phone may dial, feature codes too; "agent:1002", "queue:sales", "trunk:out/004930123456"
	Show string `json:"show,omitempty"` // number of ours that the other sees
}

// DialReply names the call that began.
type DialReply struct {
	Call string `json:"call"`
}

func (s *Server) dial(w http.ResponseWriter, r *http.Request) {
	agent := r.PathValue("id")
	var q DialRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("dial", err))
		return
	}
	id, err := s.engine.Dial(agent, q.To, q.Show, actor(r))
	if err != nil {
		e := asError("dial "+q.To, err)
		if errors.Is(err, call.ErrUnknown) {
			e.Try = "hotline agent list"
		}
		fail(w, e)
		return
	}
	reply(w, http.StatusOK, DialReply{id})
}

// Dial rings an agent's phone and goes on as if he had dialled there.
func (c *Client) Dial(ctx context.Context, agent string, q DialRequest) (v DialReply, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/agents/"+url.PathEscape(agent)+"/dial", q, &v)
	return v, err
}

// TakeRequest rings an agent's phone and gives him a caller with whom nobody talks.
type TakeRequest struct {
	From string `json:"from,omitempty"` // of pickup: the colleague, or none for any; of unpark: the slot or the call
}

// take answers for [Orders.PickUp] and [Orders.Unpark].
func (s *Server) take(what string, do func(agent, from, actor string) (call.TakeView, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		agent := r.PathValue("id")
		var q TakeRequest
		if err := read(r, &q); err != nil {
			fail(w, asError(what, err))
			return
		}
		if !s.hasAgent(agent) {
			fail(w, notFound("agent", agent))
			return
		}
		v, err := do(agent, q.From, actor(r))
		if err != nil {
			e := asError(strings.TrimSpace(what+" "+q.From), err)
			if errors.Is(err, call.ErrUnknown) || errors.Is(err, call.ErrAmbiguous) {
				e.Try = "hotline call list"
			}
			fail(w, e)
			return
		}
		reply(w, http.StatusOK, v)
	}
}

// PickUp rings an agent's phone and gives him what rings at that of a colleague, or
// of any with "".
func (c *Client) PickUp(ctx context.Context, agent, colleague string) (v call.TakeView, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/agents/"+url.PathEscape(agent)+"/pickup", TakeRequest{colleague}, &v)
	return v, err
}

// Unpark rings an agent's phone and gives him a parked caller.
func (c *Client) Unpark(ctx context.Context, agent, ref string) (v call.TakeView, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/agents/"+url.PathEscape(agent)+"/unpark", TakeRequest{ref}, &v)
	return v, err
}

// OrderRequest asks something of a call. As is the agent for whom it is asked,
// whose permissions count; without one those of the operator do.
type OrderRequest struct {
	call.Order
	As string `json:"as,omitempty"`
}

// MoveRequest leads a call elsewhere, out of whatever it does.
type MoveRequest struct {
	To string `json:"to"` // "queue:sales", "agent:1002", "flow:main", a number
}

func (s *Server) order(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("id")
	var q OrderRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("order", err))
		return
	}
	if !slices.Contains(call.Orders(), q.Do) {
		fail(w, badRequest("order "+quote(q.Do), "there is none of that name", strings.Join(call.Orders(), ", ")))
		return
	}
	who := actor(r)
	if q.As != "" {
		if !s.hasAgent(q.As) {
			fail(w, notFound("agent", q.As))
			return
		}
		who = "agent:" + q.As
	}
	wait, ok := waits(w, r, q.Do)
	switch {
	case !ok:
	case wait > 0:
		s.transfer(w, r, ref, q.To, who, wait)
	default:
		s.done(w, q.Do, ref, s.engine.Order(ref, q.Order, who))
	}
}

// maxWait is how long somebody may wait for what comes of a transfer: longer than
// any phone rings for one.
const maxWait = 50 * time.Second

// waits reads ?wait=35s, which a transfer may have.
func waits(w http.ResponseWriter, r *http.Request, do string) (wait time.Duration, ok bool) {
	said := r.URL.Query().Get("wait")
	if said == "" {
		return 0, true
	}
	wait, err := time.ParseDuration(said)
	switch {
	case do != call.DoTransfer:
		fail(w, badRequest("wait "+quote(said), "only a transfer can be waited for", "without ?wait"))
		return 0, false
	case err != nil || wait <= 0 || wait > maxWait:
		fail(w, badRequest("wait "+quote(said), "is no time to wait", "1s to "+maxWait.String()))
		return 0, false
	}
	return wait, true
}

// transfer answers when it is known what came of it; who asks may go before.
func (s *Server) transfer(w http.ResponseWriter, r *http.Request, ref, to, who string, wait time.Duration) {
	deadline(w, wait+writeTimeout)
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	v, err := s.engine.Transfer(ctx, ref, to, who)
	if err != nil {
		s.done(w, call.DoTransfer, ref, err)
		return
	}
	reply(w, http.StatusOK, v)
}

// Transfer leads the caller of a talk to somebody else and waits so long for what
// comes of it, 50 s at most.
func (c *Client) Transfer(ctx context.Context, ref, to, as string, wait time.Duration) (v call.TransferView, err error) {
	q := OrderRequest{Order: call.Order{Do: call.DoTransfer, To: to}, As: as}
	err = c.Do(ctx, http.MethodPost, "/v1/calls/"+url.PathEscape(ref)+"/orders?wait="+wait.String(), q, &v)
	return v, err
}

func (s *Server) move(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("id")
	var q MoveRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("move", err))
		return
	}
	s.done(w, "move", ref, s.engine.Move(ref, q.To, actor(r)))
}

func (s *Server) front(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("id")
	s.done(w, "front", ref, s.engine.Front(ref, actor(r)))
}

func (s *Server) takeOver(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("id")
	var q SuperviseRequest
	if err := read(r, &q); err != nil {
		fail(w, asError("take over", err))
		return
	}
	if q.As == "" {
		fail(w, badRequest("take over", "no supervisor", "as: the id of an agent with role supervisor"))
		return
	}
	v, err := s.engine.TakeOver(ref, q.As, actor(r))
	if err != nil {
		fail(w, notSeated(ref, err))
		return
	}
	reply(w, http.StatusOK, v)
}

// done answers for something asked of a call.
func (s *Server) done(w http.ResponseWriter, what, ref string, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	e := asError(what+" "+ref, err)
	if errors.Is(err, call.ErrUnknown) || errors.Is(err, call.ErrAmbiguous) {
		e.Try = "hotline call list"
	}
	fail(w, e)
}

// Order asks something of a running call.
func (c *Client) Order(ctx context.Context, ref string, q OrderRequest) error {
	return c.Do(ctx, http.MethodPost, "/v1/calls/"+url.PathEscape(ref)+"/orders", q, nil)
}

// Move leads a running call elsewhere.
func (c *Client) Move(ctx context.Context, ref, to string) error {
	return c.Do(ctx, http.MethodPost, "/v1/calls/"+url.PathEscape(ref)+"/move", MoveRequest{to}, nil)
}

// Front puts a waiting caller before all others.
func (c *Client) Front(ctx context.Context, ref string) error {
	return c.Do(ctx, http.MethodPost, "/v1/calls/"+url.PathEscape(ref)+"/front", nil, nil)
}

// TakeOver has a supervisor talk with the caller of a running call.
func (c *Client) TakeOver(ctx context.Context, ref, supervisor string) (v call.SupervisionView, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/calls/"+url.PathEscape(ref)+"/takeover", SuperviseRequest{As: supervisor}, &v)
	return v, err
}
