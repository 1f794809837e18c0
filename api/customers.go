package api

import (
	"context"
	"net/http"
	"net/url"

	"hotline/call"
	"hotline/store"
)

// customers are all of them by number.
func (s *Server) customers(w http.ResponseWriter, r *http.Request) {
	l := newLines(w, r)
	l.end("customers", s.engine.Store().Customers(func(c store.Customer) bool { return l.put(c) }))
}

func (s *Server) customer(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	v, err := s.engine.Customer(id)
	if err != nil {
		failRecord(w, "customer", id, err)
		return
	}
	reply(w, http.StatusOK, v)
}

func (s *Server) setCustomer(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var ch call.CustomerChange
	err := read(r, &ch)
	var cu store.Customer
	if err == nil {
		cu, err = s.engine.SetCustomer(call.Actor{Kind: call.ActorOperator, ID: actor(r)}, id, ch)
	}
	if err != nil {
		fail(w, asError("customer", err))
		return
	}
	reply(w, http.StatusOK, cu)
}

// why explains the offers of a call, running or ended.
func (s *Server) why(w http.ResponseWriter, r *http.Request) {
	v, err := s.engine.Why(r.PathValue("id"))
	if err != nil {
		fail(w, asError("why", err))
		return
	}
	reply(w, http.StatusOK, v)
}

// control compares the control group with the others.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r.URL.Query())
	if err == nil && (f.Agent != "" || f.Caller != "" || f.Disposition != "" || f.Limit != 0) {
		err = badRequest("report", "it compares all contacts of a queue", "from, to and queue")
	}
	var v call.ControlReport
	if err == nil {
		deadline(w, audioTimeout) // all records of the time are read
		v, err = s.engine.ControlReport(f)
	}
	if err != nil {
		fail(w, asError("report", err))
		return
	}
	reply(w, http.StatusOK, v)
}

// outcomes counts what came of calls.
func (s *Server) outcomes(w http.ResponseWriter, r *http.Request) {
	f, err := filter(r.URL.Query())
	if err == nil && (f.Caller != "" || f.Limit != 0) {
		err = badRequest("report", "it counts all calls of a time", "from, to, queue, agent and disposition")
	}
	var v call.OutcomeReport
	if err == nil {
		deadline(w, audioTimeout) // all records of the time are read
		v, err = s.engine.OutcomeReport(f)
	}
	if err != nil {
		fail(w, asError("report", err))
		return
	}
	reply(w, http.StatusOK, v)
}

// Customers calls f with each customer by number.
func (c *Client) Customers(ctx context.Context, f func(store.Customer) error) error {
	return each(ctx, c, "/v1/customers", f)
}

// SetCustomer changes what operators set of a customer.
func (c *Client) SetCustomer(ctx context.Context, id string, ch call.CustomerChange) (cu store.Customer, err error) {
	err = c.Do(ctx, http.MethodPatch, "/v1/customers/"+url.PathEscape(id), ch, &cu)
	return cu, err
}

// Why explains how a call was given to agents.
func (c *Client) Why(ctx context.Context, id string) (v call.Why, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/calls/"+url.PathEscape(id)+"/why", nil, &v)
	return v, err
}

// OutcomeReport counts what came of calls.
func (c *Client) OutcomeReport(ctx context.Context, q store.Filter) (v call.OutcomeReport, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/reports/dispositions"+query(q), nil, &v)
	return v, err
}

// ControlReport compares the control group with the others.
func (c *Client) ControlReport(ctx context.Context, q store.Filter) (v call.ControlReport, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/reports/control"+query(q), nil, &v)
	return v, err
}
