package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"hotline/call"
	"hotline/store"
)

// ErrNobody is wrapped when no process answers.
var ErrNobody = errors.New("no process answers")

// Client speaks with a running process over the socket in its data directory.
type Client struct {
	Socket string // path
	Actor  string // who asks, for the log of changes
	http   *http.Client
}

// NewClient makes a client of the process that uses the data directory.
func NewClient(dataDir, actor string) *Client {
	path := filepath.Join(dataDir, SocketName)
	t := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout: time.Minute,
	}
	return &Client{Socket: path, Actor: actor, http: &http.Client{Transport: t}}
}

// Do sends a request, with in as the body unless nil, and decodes the answer
// into out unless nil. The error is an [*Error] if the process refused.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	res, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return refusal(res)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		return fmt.Errorf("api: %s %s: %w", method, path, err)
	}
	return nil
}

func (c *Client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("api: %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://hotline"+path, body)
	if err != nil {
		return nil, fmt.Errorf("api: %s %s: %w", method, path, err)
	}
	req.Header.Set(actorHeader, c.Actor)
	res, err := c.http.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" && ctx.Err() == nil {
			if errors.Is(err, syscall.EACCES) {
				return nil, fmt.Errorf("%w at %s: permission denied", ErrNobody, c.Socket)
			}
			return nil, fmt.Errorf("%w at %s", ErrNobody, c.Socket)
		}
		return nil, fmt.Errorf("api: %s %s: %w", method, path, err)
	}
	return res, nil
}

// refusal reads the error of an answer.
func refusal(res *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return fmt.Errorf("api: %s: %w", res.Status, err)
	}
	var e errorBody
	if json.Unmarshal(b, &e) == nil && e.Error != nil {
		e.Error.Status = res.StatusCode
		return e.Error
	}
	return &Error{res.StatusCode, res.Status, string(bytes.TrimSpace(b)), ""}
}

// each calls f with each line's object until it fails.
func each[T any](ctx context.Context, c *Client, path string, f func(T) error) error {
	res, err := c.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return refusal(res)
	}
	d := json.NewDecoder(res.Body)
	for {
		var v T
		switch err := d.Decode(&v); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("api: GET %s: the list was cut: %w", path, err)
		}
		if err := f(v); err != nil {
			return err
		}
	}
}

// query is the other half of filter.
func query(f store.Filter) string {
	q := url.Values{}
	set := func(name, v string) {
		if v != "" {
			q.Set(name, v)
		}
	}
	if !f.From.IsZero() {
		q.Set("from", f.From.Format(time.RFC3339Nano))
	}
	if !f.To.IsZero() {
		q.Set("to", f.To.Format(time.RFC3339Nano))
	}
	set("agent", f.Agent)
	set("queue", f.Queue)
	set("caller", f.Caller)
	set("disposition", f.Disposition)
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// Status of the process.
func (c *Client) Status(ctx context.Context) (s call.Status, err error) {
	err = c.Do(ctx, http.MethodGet, "/v1/status", nil, &s)
	return s, err
}

// SetAgentState changes an agent's state.
func (c *Client) SetAgentState(ctx context.Context, id string, q StateRequest) error {
	return c.Do(ctx, http.MethodPut, "/v1/agents/"+url.PathEscape(id)+"/state", q, nil)
}

// NewSecret gives an agent's phone a new secret.
func (c *Client) NewSecret(ctx context.Context, id string) (s SecretReply, err error) {
	err = c.Do(ctx, http.MethodPost, "/v1/agents/"+url.PathEscape(id)+"/secret", nil, &s)
	return s, err
}

// Hangup ends a call.
func (c *Client) Hangup(ctx context.Context, id string) error {
	return c.Do(ctx, http.MethodDelete, "/v1/calls/"+url.PathEscape(id), nil, nil)
}

// List reads a short list ("agents", "queues", ...) into all.
func (c *Client) List(ctx context.Context, kinds string, all any) error {
	return c.Do(ctx, http.MethodGet, "/v1/"+kinds, nil, all)
}

// Show reads one object of a kind.
func (c *Client) Show(ctx context.Context, kinds, id string, one any) error {
	return c.Do(ctx, http.MethodGet, "/v1/"+kinds+"/"+url.PathEscape(id), nil, one)
}

// CDRs calls f with each record, newest first.
func (c *Client) CDRs(ctx context.Context, q store.Filter, f func(store.CDR) error) error {
	return each(ctx, c, "/v1/cdrs"+query(q), f)
}

// Recordings calls f with each recording, newest first.
func (c *Client) Recordings(ctx context.Context, q store.Filter, f func(RecordingReply) error) error {
	return each(ctx, c, "/v1/recordings"+query(q), f)
}

// ACDEvents calls f with each event of the ACD's journal from one instant until
// another, oldest first.
func (c *Client) ACDEvents(ctx context.Context, from, to time.Time, f func(store.ACDEvent) error) error {
	return each(ctx, c, "/v1/acd"+query(store.Filter{From: from, To: to}), f)
}

// Audio copies the WAV file of a recording to w.
func (c *Client) Audio(ctx context.Context, id string, w io.Writer) (int64, error) {
	res, err := c.send(ctx, http.MethodGet, "/v1/recordings/"+url.PathEscape(id)+"/audio", nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return 0, refusal(res)
	}
	n, err := io.Copy(w, res.Body)
	if err != nil {
		return n, fmt.Errorf("api: audio of %s: %w", id, err)
	}
	return n, nil
}

// Center as it is, without secrets; with the audio of prompts if asked for.
func (c *Client) Center(ctx context.Context, audio bool) (r CenterReply, err error) {
	path := "/v1/center"
	if audio {
		path += "?audio=1"
	}
	err = c.Do(ctx, http.MethodGet, path, nil, &r)
	return r, err
}

// Apply changes the center. The result has problems if it was refused, with a
// nil error.
func (c *Client) Apply(ctx context.Context, q call.ApplyRequest) (call.ApplyResult, error) {
	var r call.ApplyResult
	res, err := c.send(ctx, http.MethodPost, "/v1/center", q)
	if err != nil {
		return r, err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 && res.StatusCode != http.StatusUnprocessableEntity {
		return r, refusal(res)
	}
	if err := json.NewDecoder(res.Body).Decode(&r); err != nil {
		return r, fmt.Errorf("api: apply: %w", err)
	}
	return r, nil
}
