package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Limits of requests.
const (
	maxBody      = 1 << 20          // bytes
	maxCenter    = 64 << 20         // bytes, a center with its prompts
	maxHeader    = 64 << 10         // bytes
	readTimeout  = time.Minute      // for a whole request
	writeTimeout = 30 * time.Second // for an answer, or a piece of a long one
	audioTimeout = 10 * time.Minute // for a recording
	drainTimeout = 2 * time.Second  // for running requests at the end
)

// Config of a Server.
type Config struct {
	Engine     Engine              // required
	Recordings string              // folder that the paths of recordings are relative to
	Metrics    prometheus.Gatherer // for /metrics; nil: there is none
	Log        *slog.Logger        // default slog.Default()
}

// Server answers requests. It is an [http.Handler] without a goroutine.
type Server struct {
	engine     Engine
	recordings string // absolute
	log        *slog.Logger
	mux        *http.ServeMux
}

// New makes the handlers.
func New(c Config) (*Server, error) {
	if c.Engine == nil {
		return nil, errors.New("api: new: no engine")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	dir, err := filepath.Abs(c.Recordings)
	if err != nil {
		return nil, errors.New("api: new: " + err.Error())
	}
	s := &Server{engine: c.Engine, recordings: dir, log: c.Log, mux: http.NewServeMux()}
	s.routes()
	if c.Metrics != nil {
		s.mux.Handle("GET /metrics", promhttp.HandlerFor(c.Metrics, promhttp.HandlerOpts{}))
	}
	return s, nil
}

func (s *Server) routes() {
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /healthz":                              s.health,
		"GET /v1/status":                            s.status,
		"GET /v1/agents":                            s.agents,
		"GET /v1/agents/{id}":                       s.agent,
		"PUT /v1/agents/{id}/state":                 s.agentState,
		"POST /v1/agents/{id}/secret":               s.agentSecret,
		"GET /v1/queues":                            s.queues,
		"GET /v1/queues/{id}":                       s.queue,
		"GET /v1/numbers":                           s.numbers,
		"GET /v1/numbers/{id}":                      s.number,
		"GET /v1/calls":                             s.calls,
		"GET /v1/calls/{id}":                        s.call,
		"DELETE /v1/calls/{id}":                     s.hangup,
		"PUT /v1/calls/{id}/mask":                   s.mask,
		"POST /v1/agents/{id}/dial":                 s.dial,
		"POST /v1/agents/{id}/pickup":               s.take("pick up", s.engine.PickUp),
		"POST /v1/agents/{id}/unpark":               s.take("unpark", s.engine.Unpark),
		"POST /v1/calls/{id}/orders":                s.order,
		"POST /v1/calls/{id}/move":                  s.move,
		"POST /v1/calls/{id}/front":                 s.front,
		"POST /v1/calls/{id}/takeover":              s.takeOver,
		"POST /v1/calls/{id}/supervise":             s.supervise,
		"DELETE /v1/calls/{id}/supervise":           s.unsupervise,
		"GET /v1/audit":                             s.audits,
		"GET /v1/conferences":                       s.conferences,
		"GET /v1/conferences/{id}":                  s.conference,
		"PATCH /v1/conferences/{id}":                s.lock,
		"POST /v1/conferences/{id}/invite":          s.invite,
		"PATCH /v1/conferences/{id}/members/{who}":  s.member,
		"DELETE /v1/conferences/{id}/members/{who}": s.kick,
		"GET /v1/blocks":                            s.blocks,
		"PUT /v1/blocks/{number}":                   s.block,
		"DELETE /v1/blocks/{number}":                s.unblock,
		"PUT /v1/calls/{id}/note":                   s.note,
		"PUT /v1/agents/{id}/wrapup":                s.wrapUp,

		"GET /v1/voicemail":              s.voicemails,
		"GET /v1/voicemail/{id}":         s.voicemail,
		"POST /v1/voicemail/{id}/claim":  s.claimVoicemail,
		"POST /v1/voicemail/{id}/handle": s.handleVoicemail,
		"DELETE /v1/voicemail/{id}":      s.deleteVoicemail,
		"GET /v1/callbacks":              s.callbacks,
		"DELETE /v1/callbacks/{id}":      s.cancelCallback,

		"GET /v1/bans":                  s.bans,
		"DELETE /v1/bans/{source}":      s.unban,
		"GET /v1/doctor":                s.doctor,
		"GET /v1/trunks":                s.trunks,
		"GET /v1/trunks/{id}":           s.trunk,
		"GET /v1/cdrs":                  s.cdrs,
		"GET /v1/cdrs/{id}":             s.cdr,
		"GET /v1/recordings":            s.recordingList,
		"GET /v1/recordings/{id}":       s.recording,
		"GET /v1/recordings/{id}/audio": s.audio,
		"GET /v1/evaluations":           s.evaluations,
		"GET /v1/acd":                   s.acdEvents,
		"GET /v1/evaluations/{call}":    s.evaluationsOfCall,
		"POST /v1/evaluations/rebuild":  s.rebuild,
		"GET /v1/grades":                s.grades,
		"GET /v1/customers":             s.customers,
		"GET /v1/customers/{id}":        s.customer,
		"PATCH /v1/customers/{id}":      s.setCustomer,
		"GET /v1/calls/{id}/why":        s.why,
		"GET /v1/reports/control":       s.control,
		"GET /v1/reports/dispositions":  s.outcomes,

		"PUT /v1/evaluations/{call}/{side}":    s.evaluate,
		"DELETE /v1/evaluations/{call}/{side}": s.unevaluate,
		"GET /v1/center":                       s.center,
		"POST /v1/center":                      s.apply,
		"/":                                    s.nothing,
	} {
		s.mux.HandleFunc(pattern, h)
	}
}

// ServeHTTP answers one request. A handler that panics costs its own request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { // ours: the answer was cut on purpose
			panic(p)
		}
		s.log.Error("request failed", "err", p, "path", r.URL.Path, "stack", string(debug.Stack()))
		fail(w, &Error{http.StatusInternalServerError, r.Method + " " + r.URL.Path, "internal error", "look into the log of hotline serve"})
	}()
	deadline(w, writeTimeout)
	limit := int64(maxBody)
	if r.URL.Path == "/v1/center" {
		limit = maxCenter
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	s.mux.ServeHTTP(w, r)
}

// deadline cuts a reader who is slower than that. Not every writer has one.
func deadline(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

// Serve answers on l until ctx ends, and closes l. Running requests have two
// seconds to end.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: readTimeout,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- h.Serve(l) }() // owned by Serve, ends with Shutdown or Close below
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if h.Shutdown(last) != nil {
		_ = h.Close()
	}
	<-done
	return nil
}

// read decodes the body; unknown fields and trailing data are refused.
func read(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return err
		}
		return badRequest("body", strings.TrimPrefix(err.Error(), "json: "), "")
	}
	if _, err := d.Token(); err != io.EOF {
		return badRequest("body", "more than one JSON document", "")
	}
	return nil
}

// actor says who asks: the caller's own word, as the socket's guard is its file
// mode.
func actor(r *http.Request) string {
	a := r.Header.Get(actorHeader)
	if a == "" || len(a) > 64 {
		return "local"
	}
	return a
}

const actorHeader = "Hotline-Actor"

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	reply(w, http.StatusOK, map[string]bool{"ok": true})
}

func (s *Server) nothing(w http.ResponseWriter, r *http.Request) {
	fail(w, &Error{http.StatusNotFound, r.Method + " " + r.URL.Path, "there is nothing at this address", "GET /v1/status"})
}
