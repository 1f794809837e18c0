package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/call"
	"hotline/store"
)

// engine is a fake with fixed views that notes the commands it is given.
type engine struct {
	store *records
	said  []string
	apply func(call.ApplyRequest) (call.ApplyResult, error)
	fail  error
}

func (e *engine) Status() call.Status {
	return call.Status{Version: "1", Realm: "r", SIP: []string{"udp://127.0.0.1:5060"}}
}
func (e *engine) Agents() []call.AgentView {
	return []call.AgentView{{ID: "1001", Name: "Alice", State: "ready"}, {ID: "a/b ?"}}
}
func (e *engine) Queues() []call.QueueView { return []call.QueueView{{ID: "sales", Waiting: 2}} }
func (e *engine) Numbers() []call.NumberView {
	return []call.NumberView{{Number: "4000", To: "flow:main"}}
}
func (e *engine) Calls() []call.CallView   { return []call.CallView{{ID: "c1", Stage: "wait sales"}} }
func (e *engine) Trunks() []call.TrunkView { return nil }
func (e *engine) Store() store.Store       { return e.store }
func (e *engine) Bans() []call.BanView     { return []call.BanView{{Source: "192.0.2.1"}} }
func (e *engine) Unban(source, actor string) error {
	e.said = append(e.said, "unban "+source+" "+actor)
	return e.fail
}
func (e *engine) Doctor(context.Context) []call.Finding {
	return []call.Finding{{Check: "trunks", Result: call.Fail, What: "out: no answer", Try: "the firewall"}}
}
func (e *engine) SetAgentState(id, state, reason, actor string) error {
	e.said = append(e.said, strings.Join([]string{id, state, reason, actor}, "|"))
	return e.fail
}
func (e *engine) NewSecret(agent string) (string, error) { return "s3cret-of-" + agent, e.fail }
func (e *engine) Hangup(id, actor string) error {
	if id != "c1" {
		return fmt.Errorf("call %s: %w", id, call.ErrUnknown)
	}
	e.said = append(e.said, "hangup "+id+" "+actor)
	return e.fail
}
func (e *engine) Apply(q call.ApplyRequest) (call.ApplyResult, error) { return e.apply(q) }
func (e *engine) Center() (store.Center, uint64) {
	return store.Center{Prompts: map[string]store.Prompt{"hi": {"en": {File: "hi.wav", Audio: []byte{1, 2}}}}}, 7
}

// records are a store of a few, for reading. Other methods are not there.
type records struct {
	store.Store
	cdrs        []store.CDR
	recordings  []store.Recording
	evaluations []store.Evaluation
	asked       store.Filter
	fail        error // after the last one
}

func (r *records) CDRs(f store.Filter, each func(store.CDR) bool) error {
	r.asked = f
	for _, c := range r.cdrs {
		if !each(c) {
			return nil
		}
	}
	return r.fail
}

func (r *records) CDR(id string) (store.CDR, error) {
	i := slices.IndexFunc(r.cdrs, func(c store.CDR) bool { return c.ID == id })
	if i < 0 {
		return store.CDR{}, fmt.Errorf("bolt: cdr: %w", store.ErrNotFound)
	}
	return r.cdrs[i], nil
}

func (r *records) Recordings(f store.Filter, each func(store.Recording) bool) error {
	for _, c := range r.recordings {
		if !each(c) {
			break
		}
	}
	return r.fail
}

func (r *records) Recording(id string) (store.Recording, error) {
	for _, c := range r.recordings {
		if c.ID == id {
			return c, nil
		}
	}
	return store.Recording{}, store.ErrNotFound
}

func (r *records) EvaluationsOf(f store.Filter, side string, each func(store.Evaluation) bool) error {
	r.asked = f
	for _, e := range r.evaluations {
		if f.MatchEvaluation(e, side) && !each(e) {
			break
		}
	}
	return r.fail
}

func (r *records) Evaluation(id string) (store.Evaluation, error) {
	i := slices.IndexFunc(r.evaluations, func(e store.Evaluation) bool { return e.ID == id })
	if i < 0 {
		return store.Evaluation{}, store.ErrNotFound
	}
	return r.evaluations[i], nil
}

func newServer(t *testing.T, e *engine) *Server {
	t.Helper()
	if e.store == nil {
		e.store = &records{}
	}
	s, err := New(Config{Engine: e, Recordings: t.TempDir(), Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends one request to the handlers.
func ask(s http.Handler, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestEachAddressAnswersAsItShould(t *testing.T) {
	e := &engine{store: &records{cdrs: []store.CDR{{ID: "c9"}}}}
	s := newServer(t, e)
	for _, c := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", "/healthz", "", 200, `{"ok":true}`},
		{"GET", "/metrics", "", 200, ""},
		{"GET", "/v1/status", "", 200, `"realm":"r"`},
		{"GET", "/v1/agents", "", 200, `[{"id":"1001"`},
		{"GET", "/v1/agents", "", 200, `"queues":[]`},
		{"GET", "/v1/calls", "", 200, `"trace":[]`},
		{"GET", "/v1/agents/1001", "", 200, `"name":"Alice"`},
		{"GET", "/v1/agents/a%2Fb%20%3F", "", 200, `"id":"a/b ?"`},
		{"GET", "/v1/agents/1002", "", 404, `{"error":{"what":"agent \"1002\"","why":"there is none of that id","try":"hotline agent list"}}`},
		{"GET", "/v1/queues/sales", "", 200, `"waiting":2`},
		{"GET", "/v1/queues/x", "", 404, `"what"`},
		{"GET", "/v1/numbers/4000", "", 200, `"to":"flow:main"`},
		{"GET", "/v1/trunks", "", 200, `[]`},
		{"GET", "/v1/trunks/x", "", 404, `"what"`},
		{"GET", "/v1/calls/c1", "", 200, `"stage":"wait sales"`},
		{"GET", "/v1/cdrs/c9", "", 200, `"id":"c9"`},
		{"GET", "/v1/cdrs/c8", "", 404, `"hotline cdr list"`},
		{"GET", "/v1/recordings/x", "", 404, `"hotline recording list"`},
		{"GET", "/v1/recordings/x/audio", "", 404, `"hotline recording list"`},
		{"GET", "/v1/cdrs?from=yesterday", "", 400, `from \"yesterday\"`},
		{"GET", "/v1/cdrs?limit=-1", "", 400, `limit`},
		{"GET", "/v1/recordings?agnt=x", "", 400, `parameter \"agnt\"`},
		{"GET", "/v1/evaluations?limit=x", "", 400, `limit`},
		{"GET", "/v1/acd?from=x", "", 400, `from \"x\"`},
		{"GET", "/v1/acd?queue=sales", "", 400, `the journal is read whole`},
		{"GET", "/v1/nothing", "", 404, `"there is nothing at this address"`},
		{"POST", "/v1/agents", "", 404, `"there is nothing at this address"`},
		{"PUT", "/v1/agents/1001/state", `{"state":"away"}`, 400, `ready, not-ready or logged-out`},
		{"PUT", "/v1/agents/1001/state", `{"stat":"ready"}`, 400, `unknown field`},
		{"PUT", "/v1/agents/1001/state", `{"state":"ready"}{}`, 400, `more than one JSON document`},
		{"PUT", "/v1/agents/1001/state", `{"state":"ready","reason":"lunch"}`, 400, `only not-ready has a reason`},
		{"PUT", "/v1/agents/1001/state", `{"state":"not ready","reason":"` + strings.Repeat("x", 65) + `"}`, 400, `64 bytes`},
		{"PUT", "/v1/agents/1002/state", `{"state":"ready"}`, 404, `1002`},
		{"POST", "/v1/agents/1001/secret", "", 200, `{"agent":"1001","secret":"s3cret-of-1001"}`},
		{"POST", "/v1/agents/1002/secret", "", 404, `1002`},
		{"DELETE", "/v1/calls/c2", "", 404, `c2`},
		{"DELETE", "/v1/calls/c1", "", 204, ``},
		{"PUT", "/v1/agents/1001/state", `{"state":"not-ready","reason":"lunch"}`, 204, ``},
	} {
		w := ask(s, c.method, c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s: got %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.status, c.contains)
		}
	}
	if want := []string{"hangup c1 local", "1001|not ready|lunch|local"}; !slices.Equal(e.said, want) {
		t.Errorf("got commands %q, want %q", e.said, want)
	}
}

func TestErrorsOfTheEngineKeepTheirMeaning(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	for _, c := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("agent 1001: %w", call.ErrUnknown), 404},
		{fmt.Errorf("agent 1001: %w", call.ErrBadState), 400},
		{fmt.Errorf("bolt: %w", store.ErrFull), 507},
		{errors.New("odd"), 500},
	} {
		e.fail = c.err
		if w := ask(s, "POST", "/v1/agents/1001/secret", ""); w.Code != c.status || !strings.Contains(w.Body.String(), c.err.Error()) {
			t.Errorf("%v: got %d %s, want %d", c.err, w.Code, w.Body, c.status)
		}
	}
}

func TestApplyAnswersWithChangesOrProblems(t *testing.T) {
	e := &engine{}
	s := newServer(t, e)
	e.apply = func(q call.ApplyRequest) (call.ApplyResult, error) {
		if q.Actor != "local" || !q.Prune || q.Center.Agents["1"].Name != "x" {
			t.Errorf("got %+v", q)
		}
		return call.ApplyResult{Revision: 3}, nil
	}
	body := `{"center":{"settings":{},"agents":{"1":{"name":"x"}}},"prune":true,"dry_run":false,"actor":""}`
	if w := ask(s, "POST", "/v1/center", body); w.Code != 200 || !strings.Contains(w.Body.String(), `{"revision":3,"changes":[]}`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	e.apply = func(call.ApplyRequest) (call.ApplyResult, error) {
		return call.ApplyResult{Problems: []call.Problem{{Path: "$.a", What: "b", Try: "c"}}}, nil
	}
	if w := ask(s, "POST", "/v1/center", body); w.Code != 422 || !strings.Contains(w.Body.String(), `"path":"$.a"`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	e.apply = func(call.ApplyRequest) (call.ApplyResult, error) { return call.ApplyResult{}, errors.New("disk") }
	if w := ask(s, "POST", "/v1/center", body); w.Code != 500 || !strings.Contains(w.Body.String(), `disk`) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestTheCenterComesWithoutAudioUnlessAsked(t *testing.T) {
	s := newServer(t, &engine{})
	if w := ask(s, "GET", "/v1/center", ""); strings.Contains(w.Body.String(), "audio") || !strings.Contains(w.Body.String(), `"file":"hi.wav"`) {
		t.Errorf("got %s", w.Body)
	}
	if w := ask(s, "GET", "/v1/center?audio=1", ""); !strings.Contains(w.Body.String(), `"audio":"AQI="`) {
		t.Errorf("got %s", w.Body)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := newServer(t, &engine{apply: func(call.ApplyRequest) (call.ApplyResult, error) { return call.ApplyResult{}, nil }})
	big := `{"state":"` + strings.Repeat("x", maxBody) + `"}`
	if w := ask(s, "PUT", "/v1/agents/1001/state", big); w.Code != 413 || !strings.Contains(w.Body.String(), "larger than 1 MB") {
		t.Errorf("got %d %.200s", w.Code, w.Body)
	}
	if w := ask(s, "POST", "/v1/center", `{"actor":"`+strings.Repeat("x", 2*maxBody)+`"}`); w.Code != 200 {
		t.Errorf("a center of 2 MB: got %d %.200s", w.Code, w.Body)
	}
}

func TestAPanicCostsOnlyItsRequest(t *testing.T) {
	s := newServer(t, &engine{}) // its apply is nil
	if w := ask(s, "POST", "/v1/center", `{}`); w.Code != 500 || !strings.Contains(w.Body.String(), "internal error") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("got %d", w.Code)
	}
}

func TestRecordsAreOneObjectPerLineAndFiltered(t *testing.T) {
	e := &engine{store: &records{cdrs: []store.CDR{{ID: "2"}, {ID: "1"}}}}
	s := newServer(t, e)
	w := ask(s, "GET", "/v1/cdrs?from=2026-01-02T03:04:05Z&to=2026-01-03T00:00:00%2B01:00&agent=1001&queue=q&caller=42&limit=5", "")
	n := 0
	for sc := bufio.NewScanner(w.Body); sc.Scan(); n++ {
		if !json.Valid(sc.Bytes()) {
			t.Errorf("not JSON: %s", sc.Text())
		}
	}
	if n != 2 || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("got %d lines of %s, want 2", n, w.Header().Get("Content-Type"))
	}
	f := e.store.asked
	if f.From.Unix() != 1767323045 || f.To.Unix() != 1767394800 || f.Agent != "1001" || f.Queue != "q" || f.Caller != "42" || f.Limit != 5 {
		t.Errorf("got %+v", f)
	}
}

func TestAudioStaysInTheFolder(t *testing.T) {
	e := &engine{store: &records{recordings: []store.Recording{
		{ID: "good", Path: "2026/a.wav"}, {ID: "up", Path: "../secret"}, {ID: "abs", Path: "/etc/passwd"}, {ID: "link", Path: "link"}, {ID: "dir", Path: "2026"},
	}}}
	s := newServer(t, e)
	if err := os.Mkdir(filepath.Join(s.recordings, "2026"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.recordings, "2026", "a.wav"), []byte("RIFFdata"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(s.recordings, "link")); err != nil {
		t.Fatal(err)
	}
	w := ask(s, "GET", "/v1/recordings/good/audio", "")
	if w.Code != 200 || w.Body.String() != "RIFFdata" || w.Header().Get("Content-Type") != "audio/wav" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for _, id := range []string{"up", "abs", "link", "dir"} {
		if w := ask(s, "GET", "/v1/recordings/"+id+"/audio", ""); w.Code != 404 {
			t.Errorf("%s: got %d %s, want 404", id, w.Code, w.Body)
		}
	}
	r := httptest.NewRequest("GET", "/v1/recordings/good/audio", nil)
	r.Header.Set("Range", "bytes=4-7")
	part := httptest.NewRecorder()
	s.ServeHTTP(part, r)
	if part.Code != 206 || part.Body.String() != "data" {
		t.Errorf("range: got %d %s", part.Code, part.Body)
	}
	if got := ask(s, "GET", "/v1/recordings", "").Body.String(); !strings.Contains(got, `"file":"`+filepath.Join(s.recordings, "2026", "a.wav")+`"`) {
		t.Errorf("no absolute path in %s", got)
	}
}

func FuzzHandlers(f *testing.F) {
	f.Add("PUT", "/v1/agents/1001/state", `{"state":"ready"}`)
	f.Add("POST", "/v1/center", `{"center":{"agents":{"1":{"wrap_up":"3s"}}}}`)
	f.Add("GET", "/v1/cdrs?from=x&limit=9", "")
	s, err := New(Config{Engine: &engine{store: &records{}, apply: func(call.ApplyRequest) (call.ApplyResult, error) {
		return call.ApplyResult{}, nil
	}}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "http://h"+path, bytes.NewReader([]byte(body)))
		if err != nil {
			return
		}
		r.RequestURI = path
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if b, _ := io.ReadAll(w.Body); w.Code == 500 || len(b) > 0 && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(b) {
			t.Errorf("%s %s: got %d %s", method, path, w.Code, b)
		}
	})
}
